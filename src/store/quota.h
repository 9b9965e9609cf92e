// How many requests a token may make in a period. One statement counts and checks, so that requests
// at the same moment can't pass together where only one may.
#ifndef CRIA_STORE_QUOTA_H_
#define CRIA_STORE_QUOTA_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "store/clock.h"
#include "store/writer.h"

namespace cria::store {

struct QuotaRule {
  int64_t max_requests = 0;
  int64_t period_s = 86400;  // periods begin at multiples of it, in Unix time
};

struct QuotaUse {
  bool allowed = false;
  int64_t used = 0;       // in this period, with this request if it was allowed
  int64_t resets_at = 0;  // Unix seconds: when the next period begins
};

// Any thread. Errors as in sql.h, and of a full queue as in writer.h.
class Quota {
 public:
  using Done = std::function<void(const absl::StatusOr<QuotaUse>&)>;

  // `writer` lives longer.
  Quota(Writer& writer, Clock clock) : writer_(writer), clock_(std::move(clock)) {}

  // Counts one request. `key` is a token, or what else tells callers apart; only its SHA-256 is
  // kept. A request that isn't allowed isn't counted.
  absl::StatusOr<QuotaUse> Use(std::string_view key, const QuotaRule& rule);
  // Doesn't wait: `done` is called as Writer::Enqueue says.
  absl::Status UseLater(std::string_view key, const QuotaRule& rule, Done done);
  // Forgets the keys whose period is over; how many.
  absl::StatusOr<int64_t> ForgetOld();

 private:
  Writer& writer_;
  const Clock clock_;
};

}  // namespace cria::store

#endif  // CRIA_STORE_QUOTA_H_
