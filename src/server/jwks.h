// JSON Web Key Sets (RFC 7517) and signatures by their keys (RFC 7518).
#ifndef CRIA_SERVER_JWKS_H_
#define CRIA_SERVER_JWKS_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace cria::server {

// Immutable; any thread.
class JwkSet {
 public:
  // Keys that can't verify what we accept (RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384;
  // RSA of at least 2048 bits) are left out. kDataLoss if it isn't a key set.
  static absl::StatusOr<JwkSet> Parse(std::string_view json);

  size_t size() const { return keys_.size(); }
  bool HasKey(std::string_view id) const;

  // By the key of that id, or, without one, by any key that fits `algorithm`. kUnauthenticated.
  absl::Status Verify(std::string_view algorithm, std::string_view key_id,
                      std::string_view signed_text, std::string_view signature) const;

 private:
  struct Key;
  std::vector<std::shared_ptr<const Key>> keys_;
};

// Base64 in the URL alphabet, without padding (RFC 7515). kUnauthenticated for anything else.
absl::StatusOr<std::string> DecodeBase64Url(std::string_view text);

}  // namespace cria::server

#endif  // CRIA_SERVER_JWKS_H_
