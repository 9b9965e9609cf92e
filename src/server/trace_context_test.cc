#include "server/trace_context.h"

#include <gtest/gtest.h>

#include "server/otlp_exporter.h"

namespace cria::server {
namespace {

constexpr char kTrace[] = "0af7651916cd43dd8448eb211c80319c";
constexpr char kSpan[] = "b7ad6b7169203331";

std::string Header(std::string version = "00", std::string flags = "01") {
  return version + "-" + kTrace + "-" + kSpan + "-" + flags;
}

TEST(TraceContextTest, IsReadAndWritten) {
  const auto context = ParseTraceparent(Header());
  ASSERT_TRUE(context.has_value());
  EXPECT_EQ(context->trace_id, kTrace);
  EXPECT_EQ(context->parent_id, kSpan);
  EXPECT_TRUE(context->sampled);
  EXPECT_EQ(FormatTraceparent(*context, kSpan), Header());
  EXPECT_FALSE(ParseTraceparent(Header("00", "02"))->sampled);
  EXPECT_TRUE(ParseTraceparent(Header("cc", "09") + "-what comes later")->sampled);
}

TEST(TraceContextTest, WhatIsNone) {
  const std::string zero_trace = std::string("00-") + std::string(32, '0') + "-" + kSpan + "-01";
  const std::string zero_span = std::string("00-") + kTrace + "-0000000000000000-01";
  std::string upper = Header();
  upper[5] = 'A';
  for (const std::string& bad :
       {std::string(), Header("ff"), Header("0x"), Header() + "-more", Header() + "x",
        Header("cc") + "x", Header("00", "0g"), Header().substr(1), zero_trace, zero_span, upper})
    EXPECT_FALSE(ParseTraceparent(bad).has_value()) << bad;
}

TEST(TraceContextTest, RandomIdsDiffer) {
  EXPECT_EQ(RandomHex(8).size(), 16u);
  EXPECT_NE(RandomHex(8), RandomHex(8));
}

TEST(OtlpTest, SpansAsJson) {
  Span span{kTrace, kSpan, "", "GET /", Span::Kind::kServer, 5, 7, {{"n", 3}, {"ok", true}}, true};
  EXPECT_EQ(base::json::serialize(OtlpJson({span}, "cria")),
            R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":)"
            R"({"stringValue":"cria"}}]},"scopeSpans":[{"scope":{"name":"cria"},"spans":[)"
            R"({"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331",)"
            R"("name":"GET /","kind":2,"startTimeUnixNano":"5","endTimeUnixNano":"7",)"
            R"("attributes":[{"key":"n","value":{"intValue":"3"}},)"
            R"({"key":"ok","value":{"boolValue":true}}],"status":{"code":2}}]}]}]})");
}

}  // namespace
}  // namespace cria::server
