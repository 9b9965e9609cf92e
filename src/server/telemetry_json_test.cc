#include "server/telemetry_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/schema.h"
#include "api/schemas.h"

namespace cria::server {
namespace {

namespace json = base::json;
using ::testing::HasSubstr;

json::value Parse(std::string_view text) {
  return json::parse(json::string_view(text.data(), text.size()));
}

constexpr int64_t kNoon = 1727784000;  // 2024-10-01T12:00:00Z

int64_t Stamp(const json::value& value) {
  const auto time = ParseTimestamp(value);
  return time.ok() ? *time : -1;
}

TEST(TimestampTest, TakesWhatClientsSend) {
  EXPECT_EQ(Stamp("2024-10-01T12:00:00Z"), kNoon * 1'000'000);
  EXPECT_EQ(Stamp("2024-10-01T14:00:00.000001+02:00"), kNoon * 1'000'000 + 1);
  EXPECT_EQ(Stamp("2024-10-01T12:00:00.5"), kNoon * 1'000'000 + 500'000);  // naive: UTC
  EXPECT_EQ(Stamp("2024-10-01 12:00:00"), kNoon * 1'000'000);
  EXPECT_EQ(Stamp(kNoon), kNoon * 1'000'000);
  EXPECT_EQ(Stamp(0.25), 250'000);
}

TEST(TimestampTest, RefusesTheRest) {
  for (const json::value& value :
       {json::value("yesterday"), json::value(""), json::value("infinite-future"),
        json::value("1969-12-31T23:59:59Z"), json::value("10000-01-01T00:00:00Z"), json::value(-1),
        json::value(1e300), json::value(nullptr)})
    EXPECT_TRUE(absl::IsInvalidArgument(ParseTimestamp(value).status())) << value;
  EXPECT_THAT(ParseTimestamp("x").status().message(), HasSubstr("Unix seconds, from 1970"));
}

TEST(TimestampTest, IsWrittenToTheMicrosecond) {
  EXPECT_EQ(TimestampText(kNoon * 1'000'000 + 1), "2024-10-01T12:00:00.000001Z");
}

bool FitsOne(const char* op, std::string_view value, std::string_view attributes) {
  json::object condition{{"key", "a"}, {"op", op}, {"value", Parse(value)}};
  return Fit(ConditionsFrom({std::move(condition)}), Parse(attributes).as_object());
}

TEST(FitTest, ComparesNumbersWithNumbersAndTextsWithTexts) {
  EXPECT_TRUE(FitsOne("eq", "1", R"({"a": 1.0})"));
  EXPECT_TRUE(FitsOne("eq", "1", R"({"a": true})"));
  EXPECT_TRUE(FitsOne("eq", "\"x\"", R"({"a": "x"})"));
  EXPECT_FALSE(FitsOne("eq", "\"1\"", R"({"a": 1})"));
  EXPECT_TRUE(FitsOne("gt", "1", R"({"a": 1.5})"));
  EXPECT_FALSE(FitsOne("gt", "1", R"({"a": 1})"));
  EXPECT_FALSE(FitsOne("gt", "1", R"({"a": "2"})"));
  EXPECT_TRUE(FitsOne("lt", "\"b\"", R"({"a": "a"})"));
  EXPECT_FALSE(FitsOne("lt", "\"b\"", R"({"a": "c"})"));
  // Beyond what a double can hold.
  EXPECT_TRUE(FitsOne("gt", "9007199254740992", R"({"a": 9007199254740993})"));
}

TEST(FitTest, WhatIsNotThereFitsNothing) {
  EXPECT_TRUE(FitsOne("ne", "1", R"({"a": 2})"));
  EXPECT_TRUE(FitsOne("ne", "1", R"({"a": "1"})"));
  EXPECT_FALSE(FitsOne("ne", "1", R"({"a": 1})"));
  EXPECT_FALSE(FitsOne("ne", "1", R"({"b": 2})"));
  EXPECT_FALSE(FitsOne("ne", "1", R"({"a": null})"));
  EXPECT_FALSE(FitsOne("eq", "null", R"({"a": null})"));
}

TEST(FitTest, AllConditionsHaveToFit) {
  const auto conditions = ConditionsFrom(
      Parse(R"([{"key": "a", "op": "gt", "value": 1}, {"key": "b", "op": "eq", "value": "x"}])")
          .as_array());
  EXPECT_TRUE(Fit(conditions, Parse(R"({"a": 2, "b": "x"})").as_object()));
  EXPECT_FALSE(Fit(conditions, Parse(R"({"a": 2, "b": "y"})").as_object()));
  EXPECT_TRUE(Fit({}, {}));
}

TEST(EventTest, SpansBeginAndEnd) {
  const auto schemas = api::SchemaSet::Parse(api::StackSchemas());
  ASSERT_TRUE(schemas.ok()) << schemas.status();
  const json::value start = Parse(R"({"type": "structured_log", "trace_id": "t", "span_id": "s",
      "timestamp": "1970-01-01T00:00:01Z", "attributes": {"a": 1},
      "payload": {"type": "span_start", "name": "n", "parent_span_id": "p"}})");
  EXPECT_THAT(schemas->Check("TelemetryEvent", start), ::testing::IsEmpty());
  const auto span = SpanFrom(start.get_object());
  ASSERT_TRUE(span.ok()) << span.status();
  EXPECT_EQ(span->trace + span->id + *span->parent + span->name, "tspn");
  EXPECT_EQ(span->started_us, 1'000'000);
  EXPECT_EQ(span->attributes.at("a"), 1);

  const json::value stop = Parse(R"({"type": "structured_log", "trace_id": "t", "span_id": "s",
      "timestamp": 2, "payload": {"type": "span_end", "status": "error"}})");
  EXPECT_THAT(schemas->Check("TelemetryEvent", stop), ::testing::IsEmpty());
  const auto end = SpanEndFrom(stop.get_object());
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->trace + end->id + end->status, "tserror");
  EXPECT_EQ(end->ended_us, 2'000'000);
}

TEST(EventTest, NoParentIsARoot) {
  for (const char* parent : {"null", "\"\""}) {
    const auto span =
        SpanFrom(Parse(std::string(R"({"trace_id": "t", "span_id": "s", "timestamp": 1,
            "payload": {"name": "n", "parent_span_id": )") +
                       parent + "}}")
                     .as_object());
    ASSERT_TRUE(span.ok()) << span.status();
    EXPECT_FALSE(span->parent.has_value());
  }
}

TEST(EventTest, MeasurementsKeepTheirValue) {
  const auto event = EventFrom(Parse(R"({"type": "metric", "trace_id": "t", "span_id": "s",
      "timestamp": 3, "metric": "tokens", "value": 4, "unit": "1", "attributes": {"m": "x"}})")
                                   .as_object());
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->type + event->name, "metrictokens");
  EXPECT_EQ(event->body,
            Parse(R"({"value": 4, "unit": "1", "attributes": {"m": "x"}})").as_object());
}

TEST(OrderTest, TakesFieldsOfTraces) {
  using Key = store::TraceQuery::Key;
  const auto order = OrderFrom({"-end_time", "trace_id"});
  ASSERT_TRUE(order.ok()) << order.status();
  EXPECT_THAT(*order,
              ::testing::ElementsAre(std::pair(Key::kEnd, true), std::pair(Key::kId, false)));
  EXPECT_THAT(OrderFrom({"name; DROP TABLE x"}).status().message(),
              HasSubstr("order_by: expected"));
  EXPECT_FALSE(OrderFrom({"trace_id", "trace_id", "trace_id", "trace_id", "trace_id"}).ok());
}

TEST(SpanJsonTest, TellsTheAttributesThatAreAskedFor) {
  store::Span span;
  span.trace = "t";
  span.id = "s";
  span.attributes = {{"a", 1}, {"b", 2}};
  EXPECT_EQ(SpanJson(span, {}).at("attributes"), Parse(R"({"a": 1, "b": 2})"));
  EXPECT_EQ(SpanJson(span, {"b", "c"}).at("attributes"), Parse(R"({"b": 2})"));
  EXPECT_TRUE(SpanJson(span, {}).at("end_time").is_null());
  span.ended_us = 1;
  span.status = "ok";
  EXPECT_EQ(SpanJson(span, {}).at("end_time"), "1970-01-01T00:00:00.000001Z");
  EXPECT_EQ(SpanJson(span, {}).at("status"), "ok");
}

}  // namespace
}  // namespace cria::server
