// The kernel table of each instruction set, defined by the files of that set. Which of them exist
// is decided by the target processor family and listed in registry.cc.
#ifndef CRIA_KERNELS_ISA_TABLES_H_
#define CRIA_KERNELS_ISA_TABLES_H_

#include "kernels/registry.h"

namespace cria::kernels {

namespace reference {
extern const Kernels kTable;
}  // namespace reference

}  // namespace cria::kernels

#endif  // CRIA_KERNELS_ISA_TABLES_H_
