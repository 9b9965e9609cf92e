#include "provider/remote_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cria::provider {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

absl::StatusOr<RemoteConfig> Read(const std::string& type, const std::string& config) {
  return ReadRemoteConfig(type, "mine", base::ParseJson(config, "config")->as_object());
}

std::string UrlOf(const std::string& type, const std::string& config) {
  const absl::StatusOr<RemoteConfig> read = Read(type, config);
  return read.ok() ? read->base_url : read.status().ToString();
}

TEST(RemoteConfig, UrlsOfAllGenerations) {
  EXPECT_EQ(UrlOf("remote::vllm", R"({"base_url":"http://h:8000/v1/"})"), "http://h:8000/v1");
  EXPECT_EQ(UrlOf("remote::vllm", R"({"url":"http://h:8000"})"), "http://h:8000/v1");
  EXPECT_EQ(UrlOf("remote::ollama", "{}"), "http://localhost:11434/v1");
  EXPECT_EQ(UrlOf("remote::ollama", R"({"host":"h","port":1})"), "http://h:1/v1");
  EXPECT_EQ(UrlOf("remote::tgi", R"({"url":"http://h"})"), "http://h/v1");
  EXPECT_EQ(UrlOf("remote::groq", R"({"url":"https://api.groq.com"})"),
            "https://api.groq.com/openai/v1");
  EXPECT_EQ(UrlOf("remote::openai", R"({"base_url":""})"), "https://api.openai.com/v1");
  EXPECT_EQ(UrlOf("remote::databricks", R"({"url":"https://w.example"})"),
            "https://w.example/serving-endpoints");
  EXPECT_EQ(UrlOf("remote", R"({"host":"::1","port":5000})"), "http://[::1]:5000");
}

TEST(RemoteConfig, ReadsEverything) {
  const auto read = Read("remote::vllm", R"({
    "base_url": "https://h/v1", "api_token": "t", "max_tokens": 100, "tls_verify": false,
    "allowed_models": ["m"], "refresh_models": true, "model_aliases": {"a": "b"},
    "network": {"tls": {"min_version": "TLSv1.3", "ciphers": ["A", "B"]},
                "proxy": {"url": "http://p:1", "https": "http://q:2", "no_proxy": ["x", "y"]},
                "timeout": {"connect": 1.5, "read": 20}, "headers": {"X-Team": "one"}}})");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->api_key, "t");
  EXPECT_EQ(read->max_tokens, 100);
  EXPECT_THAT(read->allowed_models, ElementsAre("m"));
  EXPECT_THAT(read->aliases, ElementsAre(Pair("a", "b")));
  EXPECT_THAT(read->headers, ElementsAre("X-Team: one"));
  EXPECT_FALSE(read->http->verify_tls);
  EXPECT_EQ(read->http->min_tls_version, "TLSv1.3");
  EXPECT_EQ(read->http->ciphers, "A:B");
  EXPECT_EQ(read->http->proxy, "http://q:2");
  EXPECT_EQ(read->http->no_proxy, "x,y");
  EXPECT_EQ(read->http->connect_timeout, std::chrono::milliseconds(1500));
  EXPECT_EQ(read->http->read_timeout, std::chrono::seconds(20));
}

TEST(RemoteConfig, OneNumberIsBothTimeouts) {
  const auto read = Read("remote::openai", R"({"network": {"timeout": 7}})");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->http->connect_timeout, std::chrono::seconds(7));
  EXPECT_EQ(read->http->read_timeout, std::chrono::seconds(7));
  EXPECT_TRUE(read->http->verify_tls);
  EXPECT_FALSE(read->http->proxy.has_value());
}

TEST(RemoteConfig, ErrorsNameTheKey) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({})", "'base_url'"},
      {R"({"base_url":"ftp://h"})", "'base_url'"},
      {R"({"base_url":"http://u:p@h"})", "'base_url'"},
      {R"({"base_url":7})", "'base_url'"},
      {R"({"base_url":"http://h","api_kye":"x"})", "'api_kye'"},
      {R"({"base_url":"http://h","api_token":"a\nb"})", "'api_key'"},
      {R"({"host":"h","port":99999})", "'port'"},
      {R"({"base_url":"http://h","allowed_models":"m"})", "'allowed_models'"},
      {R"({"base_url":"http://h","model_aliases":{"a":1}})", "'model_aliases.a'"},
      {R"({"base_url":"http://h","max_tokens":0})", "'max_tokens'"},
      {R"({"base_url":"http://h","network":[]})", "'network'"},
      {R"({"base_url":"http://h","network":{"tsl":{}}})", "'network.tsl'"},
      {R"({"base_url":"http://h","network":{"tls":{"verify":1}}})", "'network.tls.verify'"},
      {R"({"base_url":"http://h","network":{"tls":{"verify":"/nonesuch"}}})", "/nonesuch"},
      {R"({"base_url":"http://h","network":{"tls":{"min_version":"1.2"}}})",
       "'network.tls.min_version'"},
      {R"({"base_url":"http://h","network":{"tls":{"client_cert":"/nonesuch"}}})",
       "'network.tls.client_cert'"},
      {R"({"base_url":"http://h","network":{"proxy":{"url":"x"}}})", "'network.proxy.url'"},
      {R"({"base_url":"http://h","network":{"timeout":0}})", "'network.timeout'"},
      {R"({"base_url":"http://h","network":{"timeout":{"read":"x"}}})", "'network.timeout.read'"},
      {R"({"base_url":"http://h","network":{"headers":{"Host":"x"}}})", "'network.headers.Host'"},
      {R"({"base_url":"http://h","network":{"headers":{"X":"a\r\nb"}}})", "'network.headers.X'"},
      {R"({"base_url":"http://h","forward_headers":{"k":"X-K"},"extra_blocked_headers":["x-k"]})",
       "'forward_headers.k'"},
  };
  for (const auto& [config, said] : cases) {
    const absl::Status status = Read("remote::vllm", config).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << config;
    EXPECT_THAT(std::string(status.message()), HasSubstr(said));
    EXPECT_THAT(std::string(status.message()), HasSubstr("'mine'"));
  }
}

TEST(RemoteConfig, UnknownTypesAreNamed) {
  const absl::Status status = Read("remote::nonesuch", "{}").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("remote::nonesuch"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("remote::vllm"));
}

}  // namespace
}  // namespace cria::provider
