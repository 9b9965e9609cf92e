#include "server/jwks.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "base/json.h"

namespace cria::server {
namespace {

namespace json = base::json;

constexpr size_t kMaxKeys = 100;
constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;
constexpr size_t kMaxNumberBytes = kMaxRsaBits / 8 + 1;

template <auto Function>
struct Free {
  template <typename T>
  void operator()(T* pointer) const {
    Function(pointer);
  }
};
using Pkey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Free<BN_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Number ToNumber(std::string_view bytes) {
  return Number(BN_bin2bn(Bytes(bytes), static_cast<int>(bytes.size()), nullptr));
}

absl::Status BadSignature() {
  return absl::UnauthenticatedError("the token's signature is not valid");
}

// What an algorithm needs of a key.
struct Algorithm {
  std::string_view name;
  std::string_view key_type;
  std::string_view curve;  // of EC keys
  const EVP_MD* (*digest)();
  bool pss;
};
constexpr Algorithm kAlgorithms[] = {
    {"RS256", "RSA", "", EVP_sha256, false},     {"RS384", "RSA", "", EVP_sha384, false},
    {"RS512", "RSA", "", EVP_sha512, false},     {"PS256", "RSA", "", EVP_sha256, true},
    {"PS384", "RSA", "", EVP_sha384, true},      {"PS512", "RSA", "", EVP_sha512, true},
    {"ES256", "EC", "P-256", EVP_sha256, false}, {"ES384", "EC", "P-384", EVP_sha384, false},
};

std::string Text(const json::object& object, std::string_view key) {
  const json::value* value = base::Find(object, key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

// The number in a field; empty if it isn't one.
std::string NumberBytes(const json::object& object, std::string_view key) {
  auto decoded = DecodeBase64Url(Text(object, key));
  return decoded.ok() && decoded->size() <= kMaxNumberBytes ? *std::move(decoded) : "";
}

Pkey FromParams(const char* type, ParamBuilder builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (params == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    return nullptr;
  return Pkey(key);
}

Pkey RsaKey(const json::object& object) {
  const Number n = ToNumber(NumberBytes(object, "n")), e = ToNumber(NumberBytes(object, "e"));
  ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (n == nullptr || e == nullptr || builder == nullptr || BN_num_bits(n.get()) < kMinRsaBits ||
      BN_num_bits(n.get()) > kMaxRsaBits || BN_num_bits(e.get()) > 64 || !BN_is_odd(e.get()) ||
      BN_is_one(e.get()))
    return nullptr;
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  return FromParams("RSA", std::move(builder));
}

Pkey EcKey(const json::object& object, std::string_view curve) {
  const size_t width = curve == "P-256" ? 32 : 48;
  const std::string x = NumberBytes(object, "x"), y = NumberBytes(object, "y");
  ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (x.size() != width || y.size() != width || builder == nullptr) return nullptr;
  const std::string point = "\x04" + x + y;  // uncompressed (SEC 1, section 2.3.3)
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.data(),
                                  curve.size());
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  return FromParams("EC", std::move(builder));
}

// From r and s side by side to DER. Empty: not of this curve.
std::string ToDer(std::string_view signature, std::string_view curve) {
  const size_t width = curve == "P-256" ? 32 : 48;
  if (signature.size() != 2 * width) return "";
  EcdsaSignature pair(ECDSA_SIG_new());
  Number r = ToNumber(signature.substr(0, width)), s = ToNumber(signature.substr(width));
  if (pair == nullptr || r == nullptr || s == nullptr) return "";
  ECDSA_SIG_set0(pair.get(), r.release(), s.release());
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0) return "";
  std::string result(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return result;
}

}  // namespace

struct JwkSet::Key {
  std::string id, type, curve;
  std::string algorithm;  // the only one that it is for; may be empty
  Pkey pkey;

  static std::shared_ptr<const Key> Parse(const json::object& object) {
    auto key = std::make_shared<Key>();
    key->id = Text(object, "kid");
    key->type = Text(object, "kty");
    key->algorithm = Text(object, "alg");
    const std::string use = Text(object, "use");
    if (!use.empty() && use != "sig") return nullptr;
    if (key->type == "RSA") {
      key->pkey = RsaKey(object);
    } else if (key->type == "EC") {
      key->curve = Text(object, "crv");
      if (key->curve == "P-256" || key->curve == "P-384") key->pkey = EcKey(object, key->curve);
    }
    return key->pkey == nullptr ? nullptr : key;
  }

  bool Fits(const Algorithm& wanted) const {
    return type == wanted.key_type && curve == wanted.curve &&
           (algorithm.empty() || algorithm == wanted.name);
  }

  bool Verifies(const Algorithm& with, std::string_view text, std::string_view signature) const {
    const std::string der = type == "EC" ? ToDer(signature, curve) : std::string(signature);
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* options = nullptr;  // the context's own
    if (der.empty() || context == nullptr ||
        EVP_DigestVerifyInit(context.get(), &options, with.digest(), nullptr, pkey.get()) != 1)
      return false;
    if (with.pss && (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1 ||
                     EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) != 1))
      return false;
    return EVP_DigestVerify(context.get(), Bytes(der), der.size(), Bytes(text), text.size()) == 1;
  }
};

absl::StatusOr<JwkSet> JwkSet::Parse(std::string_view text) {
  CRIA_ASSIGN_OR_RETURN(const json::value parsed, base::ParseJson(text, "key set"));
  const json::array* keys =
      parsed.is_object() ? base::FindArray(parsed.get_object(), "keys") : nullptr;
  if (keys == nullptr) return absl::DataLossError("key set: an object with \"keys\" is expected");
  JwkSet set;
  for (const json::value& one : *keys) {
    if (!one.is_object() || set.keys_.size() >= kMaxKeys) continue;
    auto key = Key::Parse(one.get_object());
    if (key != nullptr) set.keys_.push_back(std::move(key));
  }
  return set;
}

bool JwkSet::HasKey(std::string_view id) const {
  return std::any_of(keys_.begin(), keys_.end(), [&](const auto& key) { return key->id == id; });
}

absl::Status JwkSet::Verify(std::string_view algorithm, std::string_view key_id,
                            std::string_view signed_text, std::string_view signature) const {
  const auto* with = std::find_if(std::begin(kAlgorithms), std::end(kAlgorithms),
                                  [&](const Algorithm& one) { return one.name == algorithm; });
  if (with == std::end(kAlgorithms))
    return absl::UnauthenticatedError("the token is signed by an algorithm that isn't accepted");
  bool known = false;
  for (const auto& key : keys_) {
    if (!key_id.empty() && key->id != key_id) continue;
    known = true;
    if (key->Fits(*with) && key->Verifies(*with, signed_text, signature)) return absl::OkStatus();
  }
  return known ? BadSignature()
               : absl::UnauthenticatedError("the token is signed by a key that isn't known");
}

absl::StatusOr<std::string> DecodeBase64Url(std::string_view text) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string decoded;
  if (text.find_first_not_of(kAlphabet) != std::string_view::npos || text.size() % 4 == 1 ||
      !absl::WebSafeBase64Unescape(absl::string_view(text.data(), text.size()), &decoded))
    return absl::UnauthenticatedError("the token isn't base64url");
  return decoded;
}

}  // namespace cria::server
