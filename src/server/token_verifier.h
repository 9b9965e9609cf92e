// Finds out who holds a bearer token.
#ifndef CRIA_SERVER_TOKEN_VERIFIER_H_
#define CRIA_SERVER_TOKEN_VERIFIER_H_

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "base/status.h"
#include "server/auth_config.h"
#include "server/exchange.h"
#include "server/identity.h"
#include "server/worker_pool.h"

namespace cria::server {

// Shared by all exchanges and called on their strands: thread-safe, and never blocks there.
class TokenVerifier {
 public:
  virtual ~TokenVerifier() = default;
  // kUnauthenticated: nobody's. kUnavailable: whoever knows doesn't answer.
  virtual boost::asio::awaitable<absl::StatusOr<Identity>> Verify(std::string token,
                                                                  const Request& request) = 0;
};

// kInvalidArgument for a hash that is none.
absl::StatusOr<std::unique_ptr<TokenVerifier>> MakeStaticTokens(const StaticTokensConfig& config);

// By signature. `pool` fetches the keys when they are first needed, when they are old, and when a
// token names one that isn't among them. It outlives the verifier.
std::unique_ptr<TokenVerifier> MakeJwksVerifier(const Oauth2Config& config, WorkerPool* pool);

// By asking somebody, on `pool`. What they say about a token holds for a minute, but for the custom
// endpoint, which is asked for every request.
std::unique_ptr<TokenVerifier> MakeIntrospection(const Oauth2Config& config, WorkerPool* pool);
std::unique_ptr<TokenVerifier> MakeGithub(const GithubConfig& config, WorkerPool* pool);
std::unique_ptr<TokenVerifier> MakeKubernetes(const KubernetesConfig& config, WorkerPool* pool);
std::unique_ptr<TokenVerifier> MakeCustom(const CustomAuthConfig& config, WorkerPool* pool);

// SHA-256 of `text`, as 32 bytes.
std::string Sha256(std::string_view text);

}  // namespace cria::server

#endif  // CRIA_SERVER_TOKEN_VERIFIER_H_
