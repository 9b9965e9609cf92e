// How much memory there is.
#ifndef CRIA_BASE_MEMORY_H_
#define CRIA_BASE_MEMORY_H_

#include <cstdint>

namespace cria::base {

// Of the machine; thread-safe. A gigabyte where the system doesn't say.
uint64_t PhysicalMemoryBytes();

}  // namespace cria::base

#endif  // CRIA_BASE_MEMORY_H_
