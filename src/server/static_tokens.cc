#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "absl/strings/escaping.h"
#include "server/token_verifier.h"

namespace cria::server {
namespace {

constexpr size_t kHashBytes = 32;

class StaticTokens final : public TokenVerifier {
 public:
  struct Entry {
    std::string hash;
    Identity identity;
  };
  explicit StaticTokens(std::vector<Entry> entries) : entries_(std::move(entries)) {}

  boost::asio::awaitable<absl::StatusOr<Identity>> Verify(std::string token,
                                                          const Request&) override {
    const std::string hash = Sha256(token);
    const Entry* found = nullptr;  // always looks at all of them, and at every byte
    for (const Entry& entry : entries_)
      if (CRYPTO_memcmp(entry.hash.data(), hash.data(), kHashBytes) == 0) found = &entry;
    if (found == nullptr) co_return absl::UnauthenticatedError("the token isn't known");
    co_return found->identity;
  }

 private:
  const std::vector<Entry> entries_;
};

}  // namespace

std::string Sha256(std::string_view text) {
  std::string hash(kHashBytes, '\0');
  EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(hash.data()), nullptr,
             EVP_sha256(), nullptr);
  return hash;
}

absl::StatusOr<std::unique_ptr<TokenVerifier>> MakeStaticTokens(const StaticTokensConfig& config) {
  std::vector<StaticTokens::Entry> entries;
  for (const StaticTokensConfig::Token& token : config.tokens) {
    const bool is_hex =
        token.sha256.size() == 2 * kHashBytes &&
        token.sha256.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
    if (!is_hex)
      return absl::InvalidArgumentError(
          absl::StrCat("auth: the sha256 of the token of '", token.principal,
                       "' must be 64 hex digits: printf %s TOKEN | sha256sum"));
    entries.push_back({absl::HexStringToBytes(token.sha256), {token.principal, token.attributes}});
  }
  return std::make_unique<StaticTokens>(std::move(entries));
}

}  // namespace cria::server
