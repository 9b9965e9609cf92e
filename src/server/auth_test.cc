// Who is let in: tokens by every provider, through a server, with the test as the other side.
#include "server/auth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <atomic>
#include <mutex>

#include "absl/strings/escaping.h"
#include "server/jwt.h"
#include "server/middlewares.h"
#include "server/route_policy.h"
#include "server/server_testing.h"
#include "server/token_verifier.h"

namespace cria::server {
namespace {

namespace asio = boost::asio;
namespace json = base::json;
using testing::HasSubstr;

std::string Base64Url(std::string_view text) {
  std::string out = absl::WebSafeBase64Escape(absl::string_view(text.data(), text.size()));
  while (out.ends_with('=')) out.pop_back();
  return out;
}

std::string Padded(const BIGNUM* number, int width) {
  std::string bytes(static_cast<size_t>(width), '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()), width);
  return bytes;
}

// A key pair of the test's own issuer.
class Signer {
 public:
  static Signer Rsa(unsigned bits = 2048) { return Signer(EVP_RSA_gen(bits), ""); }
  static Signer Ec(const char* curve) { return Signer(EVP_EC_gen(curve), curve); }
  ~Signer() { EVP_PKEY_free(key_); }
  Signer(Signer&& other) noexcept
      : key_(std::exchange(other.key_, nullptr)), curve_(other.curve_) {}
  Signer(const Signer&) = delete;

  json::object Jwk(const std::string& id) const {
    if (curve_.empty())
      return {{"kty", "RSA"},
              {"kid", id},
              {"n", Field(OSSL_PKEY_PARAM_RSA_N, 0)},
              {"e", Field(OSSL_PKEY_PARAM_RSA_E, 0)}};
    return {{"kty", "EC"},
            {"kid", id},
            {"crv", curve_},
            {"x", Field(OSSL_PKEY_PARAM_EC_PUB_X, Width())},
            {"y", Field(OSSL_PKEY_PARAM_EC_PUB_Y, Width())}};
  }

  std::string Sign(const std::string& algorithm, const std::string& text) const {
    const EVP_MD* digest = algorithm.ends_with("256")   ? EVP_sha256()
                           : algorithm.ends_with("384") ? EVP_sha384()
                                                        : EVP_sha512();
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_PKEY_CTX* options = nullptr;
    EXPECT_EQ(EVP_DigestSignInit(context, &options, digest, nullptr, key_), 1);
    if (algorithm.starts_with("PS")) {
      EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING);
      EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST);
    }
    size_t size = 0;
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    EVP_DigestSign(context, nullptr, &size, bytes, text.size());
    std::string signature(size, '\0');
    auto* out = reinterpret_cast<unsigned char*>(signature.data());
    EXPECT_EQ(EVP_DigestSign(context, out, &size, bytes, text.size()), 1);
    signature.resize(size);
    EVP_MD_CTX_free(context);
    return curve_.empty() ? signature : SideBySide(signature);
  }

  std::string Token(const std::string& algorithm, const std::string& id,
                    const json::object& claims) const {
    json::object header{{"alg", algorithm}, {"typ", "JWT"}};
    if (!id.empty()) header["kid"] = id;
    const std::string text =
        Base64Url(json::serialize(header)) + "." + Base64Url(json::serialize(claims));
    return text + "." + Base64Url(Sign(algorithm, text));
  }

 private:
  Signer(EVP_PKEY* key, std::string curve) : key_(key), curve_(std::move(curve)) {}
  int Width() const { return curve_ == "P-256" ? 32 : 48; }

  std::string Field(const char* name, int width) const {
    BIGNUM* number = nullptr;
    EXPECT_EQ(EVP_PKEY_get_bn_param(key_, name, &number), 1);
    const std::string bytes = Padded(number, width > 0 ? width : BN_num_bytes(number));
    BN_free(number);
    return Base64Url(bytes);
  }

  std::string SideBySide(const std::string& der) const {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
    const std::string both =
        Padded(ECDSA_SIG_get0_r(pair), Width()) + Padded(ECDSA_SIG_get0_s(pair), Width());
    ECDSA_SIG_free(pair);
    return both;
  }

  EVP_PKEY* key_;
  std::string curve_;
};

JwkSet SetOf(json::array keys) {
  auto set = JwkSet::Parse(json::serialize(json::object{{"keys", std::move(keys)}}));
  EXPECT_TRUE(set.ok()) << set.status();
  return *std::move(set);
}

constexpr std::chrono::system_clock::time_point kNow{std::chrono::seconds(1'000'000)};

json::object Claims() {
  return {{"sub", "ada"}, {"exp", 1'000'600}, {"iss", "https://issuer"}, {"aud", "llama-stack"}};
}

absl::Status Check(const JwkSet& set, const std::string& token) {
  const auto jwt = ParseJwt(token);
  if (!jwt.ok()) return jwt.status();
  return CheckJwt(*jwt, set, {"https://issuer", "llama-stack"}, kNow);
}

TEST(JwtTest, EveryAlgorithm) {
  const Signer rsa = Signer::Rsa(), p256 = Signer::Ec("P-256"), p384 = Signer::Ec("P-384");
  const JwkSet set = SetOf({rsa.Jwk("r"), p256.Jwk("p256"), p384.Jwk("p384")});
  ASSERT_EQ(set.size(), 3u);
  for (const char* algorithm : {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}) {
    EXPECT_TRUE(Check(set, rsa.Token(algorithm, "r", Claims())).ok()) << algorithm;
    EXPECT_TRUE(Check(set, rsa.Token(algorithm, "", Claims())).ok()) << algorithm;
  }
  EXPECT_TRUE(Check(set, p256.Token("ES256", "p256", Claims())).ok());
  EXPECT_TRUE(Check(set, p384.Token("ES384", "p384", Claims())).ok());
}

TEST(JwtTest, SignaturesThatAreWrong) {
  const Signer rsa = Signer::Rsa(), other = Signer::Rsa(), p256 = Signer::Ec("P-256");
  const JwkSet set = SetOf({rsa.Jwk("r"), p256.Jwk("p")});
  const std::string good = rsa.Token("RS256", "r", Claims());
  std::string changed = good;
  changed[good.size() / 2] = changed[good.size() / 2] == 'A' ? 'B' : 'A';
  json::object other_claims = Claims();
  other_claims["sub"] = "eve";
  const std::string forged = rsa.Token("RS256", "r", other_claims);
  const std::string swapped = forged.substr(0, forged.rfind('.')) + good.substr(good.rfind('.'));
  const std::string none =
      Base64Url(R"({"alg":"none"})") + "." + Base64Url(json::serialize(Claims())) + ".";
  const std::string hmac = rsa.Token("HS256", "r", Claims());
  for (const std::string& bad :
       {changed, swapped, none, hmac, other.Token("RS256", "r", Claims()),
        rsa.Token("RS256", "unknown", Claims()), rsa.Token("RS256", "p", Claims()),
        p256.Token("ES384", "p", Claims()), good.substr(0, good.size() - 4), good + ".x",
        std::string("a.b"), std::string("..")})
    EXPECT_TRUE(absl::IsUnauthenticated(Check(set, bad))) << bad;
  EXPECT_TRUE(Check(set, good).ok());
}

TEST(JwtTest, ClaimsThatAreWrong) {
  const Signer key = Signer::Ec("P-256");
  const JwkSet set = SetOf({key.Jwk("k")});
  const auto with = [&](const char* name, const json::value& value) {
    json::object claims = Claims();
    if (value.is_null()) {
      claims.erase(name);
    } else {
      claims[name] = value;
    }
    return Check(set, key.Token("ES256", "k", claims));
  };
  EXPECT_TRUE(with("exp", 999'990).ok());  // within the leeway
  EXPECT_TRUE(with("nbf", 1'000'010).ok());
  EXPECT_TRUE(with("aud", json::array{"x", "llama-stack"}).ok());
  EXPECT_TRUE(absl::IsUnauthenticated(with("exp", 999'000)));
  EXPECT_TRUE(absl::IsUnauthenticated(with("exp", nullptr)));
  EXPECT_TRUE(absl::IsUnauthenticated(with("exp", "tomorrow")));
  EXPECT_TRUE(absl::IsUnauthenticated(with("nbf", 1'000'900)));
  EXPECT_TRUE(absl::IsUnauthenticated(with("iss", "https://other")));
  EXPECT_TRUE(absl::IsUnauthenticated(with("iss", nullptr)));
  EXPECT_TRUE(absl::IsUnauthenticated(with("aud", "other")));
  EXPECT_TRUE(absl::IsUnauthenticated(with("aud", nullptr)));
}

TEST(JwksTest, KeysThatAreTooWeakOrForOtherUsesAreLeftOut) {
  const Signer good = Signer::Rsa(), weak = Signer::Rsa(1024), ec = Signer::Ec("P-256");
  json::object encryption = good.Jwk("e"), wrong_point = ec.Jwk("w");
  encryption["use"] = "enc";
  wrong_point["x"] = Base64Url(std::string(32, '\x01'));
  EXPECT_EQ(SetOf({good.Jwk("g"), weak.Jwk("weak"), encryption, wrong_point,
                   json::object{{"kty", "oct"}, {"k", "AAAA"}}, "rubbish", json::object{}})
                .size(),
            1u);
  json::object only_rs512 = good.Jwk("g");
  only_rs512["alg"] = "RS512";
  const JwkSet set = SetOf({only_rs512});
  EXPECT_TRUE(Check(set, good.Token("RS512", "g", Claims())).ok());
  EXPECT_FALSE(Check(set, good.Token("RS256", "g", Claims())).ok());
  EXPECT_FALSE(JwkSet::Parse("[]").ok());
}

TEST(IdentityTest, ClaimsBecomeAttributes) {
  const json::object claims{{"sub", "ada"},
                            {"groups", json::array{"ml", "ops", "ml"}},
                            {"realm", json::object{{"roles", json::array{"admin"}}}},
                            {"tenant", "one two"}};
  const Attributes attributes = AttributesFromClaims(claims, {{"sub", "roles"},
                                                              {"groups", "teams"},
                                                              {"realm.roles", "roles"},
                                                              {"tenant", "namespaces"},
                                                              {"absent", "projects"}});
  EXPECT_EQ(attributes, (Attributes{{"roles", {"admin", "ada"}},
                                    {"teams", {"ml", "ops"}},
                                    {"namespaces", {"one", "two"}}}));
}

TEST(RoutePolicyTest, TheFirstRuleThatFitsDecides) {
  const auto policy = RoutePolicy::Make({
      {false, {"/v1/files/secret"}, {}, {}, ""},
      {true, {"/v1/files*"}, {"user with admin in roles", "user with ml in teams"}, {}, ""},
      {false, {"/v1/models*"}, {}, {"user with ml in teams"}, ""},
      {true, {"/v1/models*", "/v1/chat/completions"}, {"user with bad not in roles"}, {}, ""},
  });
  ASSERT_TRUE(policy.ok()) << policy.status();
  const Attributes nobody, ml{{"teams", {"ml"}}}, admin{{"roles", {"admin"}}, {"teams", {"ml"}}},
      bad{{"roles", {"bad"}}, {"teams", {"ml"}}};
  EXPECT_FALSE(policy->Permits("/v1/files/secret", admin));
  EXPECT_TRUE(policy->Permits("/v1/files/other", admin));
  EXPECT_FALSE(policy->Permits("/v1/files/other", ml));
  EXPECT_FALSE(policy->Permits("/v1/models", nobody));
  EXPECT_TRUE(policy->Permits("/v1/models/x", ml));
  EXPECT_FALSE(policy->Permits("/v1/models/x", bad));
  EXPECT_TRUE(policy->Permits("/v1/chat/completions", nobody));
  EXPECT_FALSE(policy->Permits("/v1/chat/completions/x", nobody));
  EXPECT_FALSE(policy->Permits("/else", admin));
  EXPECT_TRUE(RoutePolicy::Make({})->Permits("/else", nobody));
}

TEST(RoutePolicyTest, RulesThatCannotWork) {
  for (const RouteRule& rule :
       {RouteRule{true, {}, {}, {}, ""}, RouteRule{true, {"/"}, {"user is owner"}, {}, ""},
        RouteRule{true, {"/"}, {"user with a in"}, {}, ""},
        RouteRule{true, {"/"}, {"user with a in b"}, {"user with a in b"}, ""}})
    EXPECT_TRUE(absl::IsInvalidArgument(RoutePolicy::Make({rule}).status()));
}

// A server with auth, and another whose handlers vouch for tokens.
class AuthTest : public testing::Test {
 protected:
  void Start(const AuthConfig& config) {
    MiddlewareOptions options;
    options.auth = config;
    options.pool = &pool_;
    auto list = StandardMiddlewares(options);
    ASSERT_TRUE(list.ok()) << list.status();
    server_.middlewares = *std::move(list);
    for (const char* path : {"/v1/who", "/v1/health", "/v1/admin"})
      server_.Add("GET", path, [](Exchange& exchange) -> asio::awaitable<void> {
        Reply reply;
        reply.body = exchange.request().principal;
        for (const auto& [attribute, values] : exchange.request().attributes)
          for (const std::string& value : values) reply.body += " " + attribute + "=" + value;
        co_await exchange.Send(std::move(reply));
      });
    server_.Start();
  }
  RawClient::Answer Ask(const std::string& path, const std::string& token) {
    RawClient client(server_.port());
    client.Send(Get(path, token.empty() ? "" : "Authorization: Bearer " + token + "\r\n"));
    return client.ReadAnswer();
  }
  // The issuer answers with `body`, and notes what it was asked.
  void StartIssuer(const char* method, const char* path) {
    issuer_.Add(method, path, [this](Exchange& exchange) -> asio::awaitable<void> {
      Reply reply;
      {
        const std::lock_guard lock(mutex_);
        ++asked_;
        request_ = exchange.request();
        reply.status = status_;
        reply.body = body_;
      }
      co_await exchange.Send(std::move(reply));
    });
    issuer_.Start();
  }
  std::string IssuerUrl(const std::string& path) {
    return "http://127.0.0.1:" + std::to_string(issuer_.port()) + path;
  }
  void Say(int status, std::string body) {
    const std::lock_guard lock(mutex_);
    status_ = status;
    body_ = std::move(body);
  }
  int asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

  std::mutex mutex_;
  int asked_ = 0, status_ = 200;
  std::string body_;
  Request request_;
  TestServer issuer_;
  WorkerPool pool_{2, 16};
  TestServer server_;
};

TEST_F(AuthTest, TokensOfTheConfiguration) {
  StaticTokensConfig tokens;
  tokens.tokens.push_back(
      {absl::BytesToHexString(Sha256("s3cret")), "ada", {{"roles", {"admin"}}}});
  tokens.tokens.push_back({absl::BytesToHexString(Sha256("other")), "eve", {}});
  AuthConfig config;
  config.provider = tokens;
  config.route_policy = {{true, {"/v1/admin"}, {"user with admin in roles"}, {}, ""},
                         {true, {"/v1/who"}, {}, {}, ""}};
  Start(config);
  EXPECT_EQ(Ask("/v1/who", "s3cret").body, "ada roles=admin");
  EXPECT_EQ(Ask("/v1/who", "other").body, "eve");
  RawClient anthropic(server_.port());
  anthropic.Send(Get("/v1/who", "x-api-key: other\r\n"));
  EXPECT_EQ(anthropic.ReadAnswer().body, "eve");
  EXPECT_EQ(Ask("/v1/admin", "s3cret").status, 200);
  EXPECT_EQ(Ask("/v1/admin", "other").status, 403);
  EXPECT_EQ(Ask("/v1/health", "").status, 200);
  const RawClient::Answer missing = Ask("/v1/who", ""), wrong = Ask("/v1/who", "S3cret");
  EXPECT_EQ(missing.status, 401);
  EXPECT_TRUE(missing.Has("\r\nWWW-Authenticate: Bearer\r\n"));
  EXPECT_EQ(wrong.status, 401);
  EXPECT_THAT(wrong.head, HasSubstr("error=\"invalid_token\""));
  EXPECT_EQ(Ask("/nothing", "").status, 401);  // what there is isn't told to strangers
  tokens.tokens[0].sha256 = "s3cret";
  EXPECT_TRUE(absl::IsInvalidArgument(MakeStaticTokens(tokens).status()));
}

json::object FreshClaims() {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now().time_since_epoch());
  return {{"sub", "ada"}, {"exp", now.count() + 600}, {"aud", "llama-stack"}, {"groups", "ml"}};
}

TEST_F(AuthTest, JwksAreFetchedOnceAndKept) {
  StartIssuer("GET", "/keys");
  const Signer key = Signer::Ec("P-256"), other = Signer::Ec("P-256");
  Say(200, json::serialize(json::object{{"keys", json::array{key.Jwk("k")}}}));
  Oauth2Config oauth2;
  oauth2.jwks = JwksConfig{IssuerUrl("/keys"), "key-token", std::chrono::seconds(3600)};
  AuthConfig config;
  config.provider = oauth2;
  Start(config);
  const std::string token = key.Token("ES256", "k", FreshClaims());
  EXPECT_EQ(Ask("/v1/who", token).body, "ada roles=ada teams=ml");
  EXPECT_EQ(Ask("/v1/who", token).status, 200);
  EXPECT_EQ(Ask("/v1/who", other.Token("ES256", "k", FreshClaims())).status, 401);
  EXPECT_EQ(Ask("/v1/who", other.Token("ES256", "new", FreshClaims())).status, 401);
  EXPECT_EQ(Ask("/v1/who", "not.a.token").status, 401);
  EXPECT_EQ(asked(), 1);  // an unknown key doesn't make it ask again so soon
  EXPECT_EQ(*request_.Header("authorization"), "Bearer key-token");
}

TEST_F(AuthTest, WithoutKeysNobodyIsLetIn) {
  StartIssuer("GET", "/keys");
  Say(500, "");
  Oauth2Config oauth2;
  oauth2.jwks = JwksConfig{IssuerUrl("/keys"), "", std::chrono::seconds(3600)};
  AuthConfig config;
  config.provider = oauth2;
  Start(config);
  const Signer key = Signer::Ec("P-256");
  EXPECT_EQ(Ask("/v1/who", key.Token("ES256", "k", FreshClaims())).status, 503);
}

TEST_F(AuthTest, Introspection) {
  StartIssuer("POST", "/introspect");
  Say(200, R"({"active":true,"sub":"ada","groups":["ml"]})");
  Oauth2Config oauth2;
  oauth2.introspection = IntrospectionConfig{IssuerUrl("/introspect"), "id", "se cret", false};
  AuthConfig config;
  config.provider = oauth2;
  Start(config);
  EXPECT_EQ(Ask("/v1/who", "a/b").body, "ada roles=ada teams=ml");
  EXPECT_EQ(Ask("/v1/who", "a/b").status, 200);
  EXPECT_EQ(asked(), 1);
  EXPECT_EQ(request_.body, "token=a%2Fb");
  EXPECT_EQ(*request_.Header("authorization"), "Basic aWQ6c2UgY3JldA==");
  Say(200, R"({"active":false})");
  EXPECT_EQ(Ask("/v1/who", "c").status, 401);
}

TEST_F(AuthTest, Github) {
  StartIssuer("GET", "/user");
  Say(200, R"({"login":"ada","id":5})");
  AuthConfig config;
  GithubConfig github;
  github.github_api_base_url = IssuerUrl("");
  config.provider = github;
  Start(config);
  EXPECT_EQ(Ask("/v1/who", "t").body, "ada roles=ada");
  EXPECT_EQ(*request_.Header("authorization"), "Bearer t");
  Say(401, "{}");
  EXPECT_EQ(Ask("/v1/who", "u").status, 401);
  Say(502, "");
  EXPECT_EQ(Ask("/v1/who", "v").status, 503);
}

TEST_F(AuthTest, Kubernetes) {
  StartIssuer("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews");
  Say(201, R"({"status":{"userInfo":{"username":"ada","groups":["system:masters"]}}})");
  AuthConfig config;
  KubernetesConfig kubernetes;
  kubernetes.api_server_url = IssuerUrl("");
  config.provider = kubernetes;
  Start(config);
  EXPECT_EQ(Ask("/v1/who", "t").body, "ada roles=system:masters roles=ada");
}

TEST_F(AuthTest, ACustomEndpointIsAskedForEveryRequest) {
  StartIssuer("POST", "/auth");
  Say(200, R"({"principal":"ada","attributes":{"roles":["admin"]}})");
  AuthConfig config;
  config.provider = CustomAuthConfig{IssuerUrl("/auth")};
  Start(config);
  EXPECT_EQ(Ask("/v1/who?a=1&a=2", "t").body, "ada roles=admin");
  const auto told = base::ParseJson(request_.body, "body");
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(told->at("api_key"), "t");
  EXPECT_EQ(told->at("request").at("path"), "/v1/who");
  EXPECT_EQ(told->at("request").at("params"), (json::object{{"a", json::array{"1", "2"}}}));
  EXPECT_EQ(told->at("request").at("headers").at("host"), "x");
  EXPECT_FALSE(told->at("request").at("headers").get_object().contains("authorization"));
  EXPECT_EQ(Ask("/v1/who", "t").status, 200);
  EXPECT_EQ(asked(), 2);
  Say(403, "{}");
  EXPECT_EQ(Ask("/v1/who", "t").status, 401);
}

TEST_F(AuthTest, HeadersOfAProxy) {
  AuthConfig config;
  config.provider = UpstreamHeaderConfig{"X-User", "X-Attributes"};
  Start(config);
  RawClient client(server_.port());
  client.Send(Get("/v1/who", "X-User: ada\r\nX-Attributes: {\"teams\":[\"ml\"]}\r\n"));
  EXPECT_EQ(client.ReadAnswer().body, "ada teams=ml");
  client.Send(Get("/v1/who", "X-User: ada\r\nX-Attributes: rubbish\r\n"));
  EXPECT_EQ(client.ReadAnswer().status, 401);
  client.Send(Get("/v1/who"));
  EXPECT_EQ(client.ReadAnswer().status, 401);
}

TEST(AuthConfigTest, ConfigurationsThatCannotWork) {
  WorkerPool pool(1, 1);
  AuthConfig config;
  config.provider = Oauth2Config();
  EXPECT_TRUE(absl::IsInvalidArgument(MakeAuth(config, &pool).status()));
  config.provider = UpstreamHeaderConfig();
  EXPECT_TRUE(absl::IsInvalidArgument(MakeAuth(config, &pool).status()));
}

}  // namespace
}  // namespace cria::server
