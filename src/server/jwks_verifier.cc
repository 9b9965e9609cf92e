#include <mutex>
#include <optional>

#include "server/http_fetch.h"
#include "server/jwt.h"
#include "server/token_verifier.h"

namespace cria::server {
namespace {

using Clock = std::chrono::steady_clock;

// Tokens may name any key: that must not make us ask for the keys again and again.
constexpr std::chrono::seconds kMinRefetch{10};

class JwksVerifier final : public TokenVerifier {
 public:
  JwksVerifier(const Oauth2Config& config, WorkerPool* pool)
      : config_(config), rules_{config.issuer, config.audience}, pool_(pool) {}

  boost::asio::awaitable<absl::StatusOr<Identity>> Verify(std::string token,
                                                          const Request&) override {
    const absl::StatusOr<Jwt> jwt = ParseJwt(token);
    if (!jwt.ok()) co_return jwt.status();
    if (WantsKeys(jwt->key_id)) {
      absl::Status fetched;
      const absl::Status ran = co_await pool_->Run([&] { fetched = FetchKeys(jwt->key_id); });
      if (!ran.ok()) co_return ran;
      if (!fetched.ok() && keys() == nullptr)
        co_return absl::UnavailableError("the keys that tokens are signed with can't be had now");
    }
    const std::shared_ptr<const JwkSet> set = keys();
    if (set == nullptr)
      co_return absl::UnavailableError("the keys that tokens are signed with can't be had now");
    const absl::Status status = CheckJwt(*jwt, *set, rules_, std::chrono::system_clock::now());
    if (!status.ok()) co_return status;
    const base::json::value* subject = base::Find(jwt->claims, "sub");
    if (subject == nullptr || !subject->is_string())
      co_return absl::UnauthenticatedError("the token doesn't say whose it is (sub)");
    co_return Identity{std::string(subject->get_string()),
                       AttributesFromClaims(jwt->claims, config_.claims_mapping)};
  }

 private:
  std::shared_ptr<const JwkSet> keys() {
    const std::lock_guard lock(mutex_);
    return keys_;
  }

  bool WantsKeys(const std::string& key_id) {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    if (last_try_.has_value() && now - *last_try_ < kMinRefetch) return false;
    return keys_ == nullptr || now - fetched_ >= config_.jwks->key_recheck_period ||
           (!key_id.empty() && !keys_->HasKey(key_id));
  }

  // One at a time; who waited finds that it's done.
  absl::Status FetchKeys(const std::string& key_id) {
    const std::lock_guard fetching(fetching_);
    if (!WantsKeys(key_id)) return absl::OkStatus();
    FetchRequest request;
    request.url = config_.jwks->uri;
    request.verify_tls = config_.verify_tls;
    request.ca_file = config_.tls_cafile;
    if (!config_.jwks->token.empty())
      request.headers.emplace_back("Authorization", "Bearer " + config_.jwks->token);
    absl::StatusOr<FetchResult> answer = Fetch(request);
    const std::lock_guard lock(mutex_);
    last_try_ = Clock::now();
    CRIA_RETURN_IF_ERROR(answer.status());
    if (answer->status != 200)
      return absl::UnavailableError(absl::StrCat("key set: HTTP ", answer->status));
    CRIA_ASSIGN_OR_RETURN(JwkSet set, JwkSet::Parse(answer->body));
    keys_ = std::make_shared<const JwkSet>(std::move(set));
    fetched_ = Clock::now();
    return absl::OkStatus();
  }

  const Oauth2Config config_;
  const JwtRules rules_;
  WorkerPool* pool_;
  std::mutex fetching_;
  std::mutex mutex_;  // of what follows
  std::shared_ptr<const JwkSet> keys_;
  Clock::time_point fetched_;
  std::optional<Clock::time_point> last_try_;
};

}  // namespace

std::unique_ptr<TokenVerifier> MakeJwksVerifier(const Oauth2Config& config, WorkerPool* pool) {
  return std::make_unique<JwksVerifier>(config, pool);
}

}  // namespace cria::server
