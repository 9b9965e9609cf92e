#include "server/auth.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/json.h"
#include "server/errors.h"
#include "server/route_policy.h"
#include "server/token_verifier.h"

namespace cria::server {
namespace {

constexpr size_t kMaxToken = size_t{32} << 10;
constexpr std::string_view kPublic[] = {"/v1/health", "/v1/version", "/alpha/health",
                                        "/healthcheck"};

// The token of "Bearer TOKEN", or of the header that Anthropic's clients send instead; empty: there
// is none.
std::string BearerToken(const Request& request) {
  const std::string* header = request.Header("authorization");
  const std::string* key = request.Header("x-api-key");
  if (header == nullptr && key != nullptr && key->size() <= kMaxToken) return *key;
  if (header == nullptr || header->size() > kMaxToken ||
      !absl::StartsWithIgnoreCase(*header, "bearer "))
    return "";
  return std::string(absl::StripAsciiWhitespace(header->substr(7)));
}

Reply Unauthenticated(const absl::Status& status) {
  Reply reply = ErrorReply(status);
  for (auto& [name, value] : reply.headers)
    if (name == "WWW-Authenticate") value = R"(Bearer realm="cria", error="invalid_token")";
  return reply;
}

class Auth final : public Middleware {
 public:
  Auth(std::unique_ptr<TokenVerifier> verifier, std::optional<UpstreamHeaderConfig> upstream,
       RoutePolicy policy)
      : verifier_(std::move(verifier)),
        upstream_(std::move(upstream)),
        policy_(std::move(policy)) {}

  boost::asio::awaitable<std::optional<Reply>> Before(Call& call) override {
    Request& request = call.request;
    if (std::find(std::begin(kPublic), std::end(kPublic), request.path) != std::end(kPublic))
      co_return std::nullopt;
    absl::StatusOr<Identity> identity = Identity{};
    if (upstream_.has_value()) {
      identity = FromUpstream(request);
    } else if (verifier_ != nullptr) {
      const std::string token = BearerToken(request);
      if (token.empty())
        co_return ErrorReply(
            absl::UnauthenticatedError("no token: send one as Authorization: Bearer TOKEN"));
      identity = co_await verifier_->Verify(token, request);
    }
    if (absl::IsUnauthenticated(identity.status())) co_return Unauthenticated(identity.status());
    if (!identity.ok()) co_return ErrorReply(identity.status());
    request.principal = std::move(identity->principal);
    request.attributes = std::move(identity->attributes);
    if (!policy_.Permits(request.path, request.attributes))
      co_return ErrorReply(absl::PermissionDeniedError(
          "the server's route_policy doesn't let this user ask for this path"));
    co_return std::nullopt;
  }

 private:
  absl::StatusOr<Identity> FromUpstream(const Request& request) const {
    const std::string* principal =
        request.Header(absl::AsciiStrToLower(upstream_->principal_header));
    if (principal == nullptr || principal->empty())
      return absl::UnauthenticatedError(
          "the proxy in front of this server didn't say who is asking");
    Identity identity{*principal, {}};
    const std::string* attributes =
        request.Header(absl::AsciiStrToLower(upstream_->attributes_header));
    if (attributes == nullptr) return identity;
    const auto parsed = base::ParseJson(*attributes, "attributes");
    if (!parsed.ok() || !parsed->is_object())
      return absl::UnauthenticatedError("the proxy's attributes aren't a JSON object");
    identity.attributes = AttributesFromJson(parsed->get_object());
    return identity;
  }

  const std::unique_ptr<TokenVerifier> verifier_;  // nullptr: everybody is anonymous
  const std::optional<UpstreamHeaderConfig> upstream_;
  const RoutePolicy policy_;
};

absl::StatusOr<std::unique_ptr<TokenVerifier>> MakeOauth2(const Oauth2Config& config,
                                                          WorkerPool* pool) {
  if (config.jwks.has_value() == config.introspection.has_value())
    return absl::InvalidArgumentError(
        "auth: oauth2_token needs exactly one of jwks and introspection");
  return config.jwks.has_value() ? MakeJwksVerifier(config, pool) : MakeIntrospection(config, pool);
}

struct MakeVerifier {
  using Result = absl::StatusOr<std::unique_ptr<TokenVerifier>>;
  Result operator()(const StaticTokensConfig& config) const { return MakeStaticTokens(config); }
  Result operator()(const Oauth2Config& config) const { return MakeOauth2(config, pool); }
  Result operator()(const GithubConfig& config) const { return MakeGithub(config, pool); }
  Result operator()(const KubernetesConfig& config) const { return MakeKubernetes(config, pool); }
  Result operator()(const CustomAuthConfig& config) const { return MakeCustom(config, pool); }
  Result operator()(const UpstreamHeaderConfig& config) const {
    if (config.principal_header.empty())
      return absl::InvalidArgumentError("auth: upstream_header needs principal_header");
    return Result(nullptr);
  }
  WorkerPool* pool;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Middleware>> MakeAuth(const AuthConfig& config, WorkerPool* pool) {
  CRIA_ASSIGN_OR_RETURN(RoutePolicy policy, RoutePolicy::Make(config.route_policy));
  std::unique_ptr<TokenVerifier> verifier;
  std::optional<UpstreamHeaderConfig> upstream;
  if (config.provider.has_value()) {
    CRIA_ASSIGN_OR_RETURN(verifier, std::visit(MakeVerifier{pool}, *config.provider));
    if (const auto* headers = std::get_if<UpstreamHeaderConfig>(&*config.provider))
      upstream = *headers;
  }
  return std::make_unique<Auth>(std::move(verifier), std::move(upstream), std::move(policy));
}

}  // namespace cria::server
