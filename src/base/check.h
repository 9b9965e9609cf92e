// CRIA_CHECK: for programmer errors only. A failed check means that this program is wrong; input
// from outside is answered with absl::Status instead. Always on. Free of dependencies, so that
// kernels may use it everywhere.
#ifndef CRIA_BASE_CHECK_H_
#define CRIA_BASE_CHECK_H_

#include <cstdio>
#include <cstdlib>

namespace cria::base {

[[noreturn]] inline void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "llama: internal error: %s:%d: check failed: %s\n", file, line, condition);
  std::abort();
}

[[noreturn]] inline void CheckFailed(const char* condition, const char* file, int line, long long a,
                                     long long b) {
  std::fprintf(stderr, "llama: internal error: %s:%d: check failed: %s (%lld vs %lld)\n", file,
               line, condition, a, b);
  std::abort();
}

}  // namespace cria::base

#define CRIA_CHECK(condition)                        \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? void(0)                                     \
       : ::cria::base::CheckFailed(#condition, __FILE__, __LINE__))

// Integer comparisons that print both values.
#define CRIA_CHECK_OP_(a, op, b)                                          \
  (__builtin_expect((a)op(b), 1)                                          \
       ? void(0)                                                          \
       : ::cria::base::CheckFailed(#a " " #op " " #b, __FILE__, __LINE__, \
                                   static_cast<long long>(a), static_cast<long long>(b)))
#define CRIA_CHECK_EQ(a, b) CRIA_CHECK_OP_(a, ==, b)
#define CRIA_CHECK_NE(a, b) CRIA_CHECK_OP_(a, !=, b)
#define CRIA_CHECK_LT(a, b) CRIA_CHECK_OP_(a, <, b)
#define CRIA_CHECK_LE(a, b) CRIA_CHECK_OP_(a, <=, b)
#define CRIA_CHECK_GT(a, b) CRIA_CHECK_OP_(a, >, b)
#define CRIA_CHECK_GE(a, b) CRIA_CHECK_OP_(a, >=, b)

#endif  // CRIA_BASE_CHECK_H_
