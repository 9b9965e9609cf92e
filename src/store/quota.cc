#include "store/quota.h"

#include <openssl/sha.h>

#include <memory>
#include <utility>

#include "absl/strings/escaping.h"

namespace cria::store {
namespace {

struct Request {
  std::string token_hash;
  int64_t max_requests = 0;
  int64_t period_start = 0, period_end = 0;
  QuotaUse use;
};

std::string HashOf(std::string_view key) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest);
  return absl::BytesToHexString({reinterpret_cast<const char*>(digest), sizeof digest});
}

absl::StatusOr<Request> MakeRequest(std::string_view key, const QuotaRule& rule, int64_t now) {
  if (rule.period_s < 1)
    return absl::InvalidArgumentError(
        absl::StrCat("quota: expected a period of at least 1 second, got ", rule.period_s));
  const int64_t start = now - now % rule.period_s;
  return Request{HashOf(key), rule.max_requests, start, start + rule.period_s, {}};
}

// A period that began later than this one (the clock was put back) goes on.
constexpr char kCount[] = R"(
INSERT INTO quota (token_hash, period_start, period_end, used)
  VALUES (?, ?, ?, 1)
  ON CONFLICT (token_hash) DO UPDATE SET
    used = CASE WHEN quota.period_start < excluded.period_start THEN 1 ELSE quota.used + 1 END,
    period_start = CASE WHEN quota.period_start < excluded.period_start
                        THEN excluded.period_start ELSE quota.period_start END,
    period_end = CASE WHEN quota.period_start < excluded.period_start
                      THEN excluded.period_end ELSE quota.period_end END
    WHERE quota.period_start < excluded.period_start OR quota.used < ?
  RETURNING used, period_end)";

absl::Status Count(Connection& connection, Request& request) {
  request.use = {false, request.max_requests, request.period_end};
  if (request.max_requests < 1) return absl::OkStatus();
  return connection.Query(
      kCount, {request.token_hash, request.period_start, request.period_end, request.max_requests},
      [&](const Row& row) {
        request.use = {true, row.Int(0), row.Int(1)};
        return true;
      });
}

}  // namespace

absl::StatusOr<QuotaUse> Quota::Use(std::string_view key, const QuotaRule& rule) {
  CRIA_ASSIGN_OR_RETURN(Request request, MakeRequest(key, rule, clock_()));
  CRIA_RETURN_IF_ERROR(writer_.Write(
      sizeof request, [&](Connection& connection) { return Count(connection, request); }));
  return request.use;
}

absl::Status Quota::UseLater(std::string_view key, const QuotaRule& rule, Done done) {
  CRIA_ASSIGN_OR_RETURN(Request made, MakeRequest(key, rule, clock_()));
  auto request = std::make_shared<Request>(std::move(made));
  return writer_.Enqueue(
      sizeof *request, [request](Connection& connection) { return Count(connection, *request); },
      [request, done = std::move(done)](const absl::Status& status) {
        if (status.ok())
          done(request->use);
        else
          done(status);
      });
}

absl::StatusOr<int64_t> Quota::ForgetOld() {
  const int64_t now = clock_();
  int64_t forgotten = 0;
  CRIA_RETURN_IF_ERROR(writer_.Write(sizeof forgotten, [&](Connection& connection) -> absl::Status {
    CRIA_ASSIGN_OR_RETURN(forgotten,
                          connection.Execute("DELETE FROM quota WHERE period_end <= ?", {now}));
    return absl::OkStatus();
  }));
  return forgotten;
}

}  // namespace cria::store
