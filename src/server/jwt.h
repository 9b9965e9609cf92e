// JSON Web Tokens (RFC 7519) in the compact form, signed.
#ifndef CRIA_SERVER_JWT_H_
#define CRIA_SERVER_JWT_H_

#include <chrono>
#include <string>
#include <string_view>

#include "base/json.h"
#include "server/jwks.h"

namespace cria::server {

struct Jwt {
  std::string algorithm, key_id;  // key_id may be empty
  base::json::object claims;
  std::string signed_text, signature;
};

// Only its form is checked: nothing of it may be believed yet. kUnauthenticated.
absl::StatusOr<Jwt> ParseJwt(std::string_view token);

struct JwtRules {
  std::string issuer;               // empty: any
  std::string audience;             // empty: any
  std::chrono::seconds leeway{60};  // clocks differ
};

// The signature, "exp" (which must be there), "nbf", "iss" and "aud". kUnauthenticated.
absl::Status CheckJwt(const Jwt& token, const JwkSet& keys, const JwtRules& rules,
                      std::chrono::system_clock::time_point now);

}  // namespace cria::server

#endif  // CRIA_SERVER_JWT_H_
