// Verifiers that ask another server.
#include <chrono>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "absl/strings/escaping.h"
#include "server/http_fetch.h"
#include "server/token_verifier.h"

namespace cria::server {
namespace {

namespace json = base::json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kRemember{60};
constexpr size_t kMaxRemembered = 10'000;

absl::Status NotAccepted() { return absl::UnauthenticatedError("the token isn't accepted"); }

// What others said about tokens, by the tokens' hashes. Any thread.
class Memory {
 public:
  std::optional<absl::StatusOr<Identity>> Find(const std::string& hash) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(hash);
    if (found == entries_.end() || Clock::now() - found->second.at > kRemember) return std::nullopt;
    return found->second.said;
  }
  void Keep(const std::string& hash, const absl::StatusOr<Identity>& said) {
    if (!said.ok() && !absl::IsUnauthenticated(said.status())) return;
    const std::lock_guard lock(mutex_);
    if (entries_.size() >= kMaxRemembered) entries_.clear();
    entries_.insert_or_assign(hash, Entry{said, Clock::now()});
  }

 private:
  struct Entry {
    absl::StatusOr<Identity> said;
    Clock::time_point at;
  };
  std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

// The JSON object of a 2xx answer. kUnauthenticated for 4xx, kUnavailable for the rest.
absl::StatusOr<json::object> FetchObject(const FetchRequest& request) {
  CRIA_ASSIGN_OR_RETURN(const FetchResult answer, Fetch(request));
  if (answer.status / 100 == 4 && answer.status != 408 && answer.status != 429)
    return NotAccepted();
  const absl::Status failed = absl::UnavailableError("who knows the tokens doesn't answer");
  if (answer.status / 100 != 2) return failed;
  auto parsed = base::ParseJson(answer.body, "authentication answer");
  if (!parsed.ok() || !parsed->is_object()) return failed;
  return std::move(parsed->get_object());
}

std::string Text(const json::object& object, std::string_view key) {
  const json::value* value = base::Find(object, key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

absl::StatusOr<Identity> Known(std::string principal, Attributes attributes) {
  if (principal.empty()) return NotAccepted();
  return Identity{std::move(principal), std::move(attributes)};
}

// Asks on the pool, and remembers.
class Asking : public TokenVerifier {
 public:
  explicit Asking(WorkerPool* pool) : pool_(pool) {}

  boost::asio::awaitable<absl::StatusOr<Identity>> Verify(std::string token,
                                                          const Request&) override {
    const std::string hash = Sha256(token);
    if (auto said = memory_.Find(hash)) co_return *std::move(said);
    absl::StatusOr<Identity> said = NotAccepted();
    const absl::Status ran = co_await pool_->Run([&] { said = Ask(token); });
    if (!ran.ok()) co_return ran;
    memory_.Keep(hash, said);
    co_return said;
  }

 protected:
  virtual absl::StatusOr<Identity> Ask(const std::string& token) = 0;  // blocks

 private:
  WorkerPool* pool_;
  Memory memory_;
};

// RFC 7662.
class Introspection final : public Asking {
 public:
  Introspection(const Oauth2Config& config, WorkerPool* pool) : Asking(pool), config_(config) {}

 protected:
  absl::StatusOr<Identity> Ask(const std::string& token) override {
    const IntrospectionConfig& how = *config_.introspection;
    FetchRequest request;
    request.url = how.url;
    request.method = "POST";
    request.verify_tls = config_.verify_tls;
    request.ca_file = config_.tls_cafile;
    request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    request.body = "token=" + Encode(token);
    if (how.send_secret_in_body) {
      absl::StrAppend(&request.body, "&client_id=", Encode(how.client_id),
                      "&client_secret=", Encode(how.client_secret));
    } else {
      request.headers.emplace_back(
          "Authorization",
          "Basic " + absl::Base64Escape(absl::StrCat(how.client_id, ":", how.client_secret)));
    }
    CRIA_ASSIGN_OR_RETURN(const json::object claims, FetchObject(request));
    const json::value* active = base::Find(claims, "active");
    if (active == nullptr || !active->is_bool() || !active->get_bool()) return NotAccepted();
    const std::string subject = Text(claims, "sub");
    return Known(subject.empty() ? Text(claims, "username") : subject,
                 AttributesFromClaims(claims, config_.claims_mapping));
  }

 private:
  static std::string Encode(std::string_view text) {
    static constexpr char kHex[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                         (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
      if (plain) {
        out += c;
      } else {
        out += {'%', kHex[byte >> 4], kHex[byte & 15]};
      }
    }
    return out;
  }

  const Oauth2Config config_;
};

class Github final : public Asking {
 public:
  Github(const GithubConfig& config, WorkerPool* pool) : Asking(pool), config_(config) {}

 protected:
  absl::StatusOr<Identity> Ask(const std::string& token) override {
    FetchRequest request;
    request.url = config_.github_api_base_url + "/user";
    request.headers = {{"Authorization", "Bearer " + token},
                       {"Accept", "application/vnd.github+json"}};
    CRIA_ASSIGN_OR_RETURN(const json::object user, FetchObject(request));
    return Known(Text(user, "login"), AttributesFromClaims(user, config_.claims_mapping));
  }

 private:
  const GithubConfig config_;
};

// A review of oneself: the API server says who the token's holder is.
class Kubernetes final : public Asking {
 public:
  Kubernetes(const KubernetesConfig& config, WorkerPool* pool) : Asking(pool), config_(config) {}

 protected:
  absl::StatusOr<Identity> Ask(const std::string& token) override {
    FetchRequest request;
    request.url = config_.api_server_url + "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    request.method = "POST";
    request.verify_tls = config_.verify_tls;
    request.ca_file = config_.tls_cafile;
    request.headers = {{"Authorization", "Bearer " + token}, {"Content-Type", "application/json"}};
    request.body = R"({"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"})";
    CRIA_ASSIGN_OR_RETURN(const json::object review, FetchObject(request));
    const json::object* status = base::FindObject(review, "status");
    const json::object* user = status == nullptr ? nullptr : base::FindObject(*status, "userInfo");
    if (user == nullptr) return NotAccepted();
    return Known(Text(*user, "username"), AttributesFromClaims(*user, config_.claims_mapping));
  }

 private:
  const KubernetesConfig config_;
};

// What the custom endpoint is told: {"api_key", "request": {"path", "headers", "params"}}.
std::string CustomBody(const std::string& token, const Request& request) {
  json::object headers, params;
  for (const auto& [name, value] : request.headers)
    if (name != "authorization" && name != "cookie") headers[name] = value;
  for (const auto& [name, value] : request.query) {
    json::value& values = params[name];
    if (!values.is_array()) values = json::array();
    values.get_array().push_back(json::string(value));
  }
  return json::serialize(json::object{{"api_key", token},
                                      {"request", json::object{{"path", request.path},
                                                               {"headers", std::move(headers)},
                                                               {"params", std::move(params)}}}});
}

class Custom final : public TokenVerifier {
 public:
  Custom(const CustomAuthConfig& config, WorkerPool* pool) : config_(config), pool_(pool) {}

  boost::asio::awaitable<absl::StatusOr<Identity>> Verify(std::string token,
                                                          const Request& request) override {
    FetchRequest ask;
    ask.url = config_.endpoint;
    ask.method = "POST";
    ask.headers = {{"Content-Type", "application/json"}};
    ask.body = CustomBody(token, request);
    absl::StatusOr<json::object> answer = NotAccepted();
    const absl::Status ran = co_await pool_->Run([&] { answer = FetchObject(ask); });
    if (!ran.ok()) co_return ran;
    if (!answer.ok()) co_return answer.status();
    const json::object* attributes = base::FindObject(*answer, "attributes");
    co_return Known(Text(*answer, "principal"),
                    attributes == nullptr ? Attributes() : AttributesFromJson(*attributes));
  }

 private:
  const CustomAuthConfig config_;
  WorkerPool* pool_;
};

}  // namespace

std::unique_ptr<TokenVerifier> MakeIntrospection(const Oauth2Config& config, WorkerPool* pool) {
  return std::make_unique<Introspection>(config, pool);
}

std::unique_ptr<TokenVerifier> MakeGithub(const GithubConfig& config, WorkerPool* pool) {
  return std::make_unique<Github>(config, pool);
}

std::unique_ptr<TokenVerifier> MakeKubernetes(const KubernetesConfig& config, WorkerPool* pool) {
  return std::make_unique<Kubernetes>(config, pool);
}

std::unique_ptr<TokenVerifier> MakeCustom(const CustomAuthConfig& config, WorkerPool* pool) {
  return std::make_unique<Custom>(config, pool);
}

}  // namespace cria::server
