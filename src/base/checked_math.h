// Arithmetic on sizes that come from outside: every product and sum of such numbers goes through
// here.
#ifndef CRIA_BASE_CHECKED_MATH_H_
#define CRIA_BASE_CHECKED_MATH_H_

#include <cstdint>
#include <optional>

namespace cria::base {

inline std::optional<uint64_t> CheckedMul(uint64_t a, uint64_t b) {
  uint64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
  return result;
}

inline std::optional<uint64_t> CheckedAdd(uint64_t a, uint64_t b) {
  uint64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) return std::nullopt;
  return result;
}

// True if [offset, offset + length) lies inside [0, size).
inline bool RangeFits(uint64_t offset, uint64_t length, uint64_t size) {
  return offset <= size && length <= size - offset;
}

constexpr int64_t RoundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

constexpr int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace cria::base

#endif  // CRIA_BASE_CHECKED_MATH_H_
