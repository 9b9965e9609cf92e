// The time as the store knows it: Unix seconds, from a function that tests replace.
#ifndef CRIA_STORE_CLOCK_H_
#define CRIA_STORE_CLOCK_H_

#include <cstdint>
#include <ctime>
#include <functional>

namespace cria::store {

using Clock = std::function<int64_t()>;

inline int64_t SystemTime() { return static_cast<int64_t>(std::time(nullptr)); }

}  // namespace cria::store

#endif  // CRIA_STORE_CLOCK_H_
