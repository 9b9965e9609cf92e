// The kernel table of each instruction set, defined by the files of that set. Which of them exist
// is decided by the target processor family and listed in registry.cc.
#ifndef CRIA_KERNELS_ISA_TABLES_H_
#define CRIA_KERNELS_ISA_TABLES_H_

#include "kernels/registry.h"

namespace cria::kernels {

namespace reference {
extern const Kernels kTable;
}  // namespace reference

#if defined(__x86_64__)
namespace avx2 {
extern const Kernels kTable;
}  // namespace avx2
namespace avx512_vnni {
extern const Kernels kTable;
}  // namespace avx512_vnni
#elif defined(__aarch64__)
namespace neon_dotprod {
extern const Kernels kTable;
}  // namespace neon_dotprod
#endif

}  // namespace cria::kernels

#endif  // CRIA_KERNELS_ISA_TABLES_H_
