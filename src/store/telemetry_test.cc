#include "store/telemetry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/test_store.h"

namespace cria::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kTtl = 100;

TelemetryCaller As(const std::string& principal) {
  return {{principal, {}},
          [principal](const Owner& owner) { return owner.principal == principal; }};
}

class TelemetryTest : public StoreTest {
 protected:
  absl::Status Begin(const std::string& trace, const std::string& id, const std::string& parent,
                     int64_t at, base::json::object attributes = {}) {
    Span span;
    span.trace = trace;
    span.id = id;
    if (!parent.empty()) span.parent = parent;
    span.name = "name of " + id;
    span.started_us = at;
    span.attributes = std::move(attributes);
    return telemetry().Begin(span, kTtl, As("ann"));
  }
  absl::Status End(const std::string& trace, const std::string& id, int64_t at,
                   base::json::object attributes = {}) {
    return telemetry().End({trace, id, at, "ok", std::move(attributes)}, kTtl, As("ann"));
  }
  std::vector<std::string> Find(const TraceQuery& query, const std::string& as = "ann") {
    const auto traces = telemetry().Find(query, As(as));
    EXPECT_TRUE(traces.ok()) << traces.status();
    std::vector<std::string> ids;
    for (const Trace& trace : *traces) ids.push_back(trace.id);
    return ids;
  }
  std::vector<std::string> Tree(const std::string& span, std::optional<int64_t> max_depth = {}) {
    const auto spans = telemetry().Tree({}, span, max_depth, As("ann"));
    if (!spans.ok()) return {spans.status().ToString()};
    std::vector<std::string> ids;
    for (const Span& one : *spans) ids.push_back(one.id);
    return ids;
  }
  Telemetry& telemetry() { return store().telemetry(); }
};

TEST_P(TelemetryTest, ASpanBeginsAndEnds) {
  ASSERT_TRUE(Begin("t", "s", "", 10, {{"a", 1}, {"b", 1}}).ok());
  auto span = telemetry().GetSpan("t", "s", As("ann"));
  ASSERT_TRUE(span.ok()) << span.status();
  EXPECT_EQ(span->name, "name of s");
  EXPECT_EQ(span->started_us, 10);
  EXPECT_FALSE(span->parent.has_value() || span->ended_us.has_value());
  EXPECT_EQ(span->status, "");
  ASSERT_TRUE(End("t", "s", 30, {{"b", 2}}).ok());
  Reopen();
  span = telemetry().GetSpan("t", "s", As("ann"));
  ASSERT_TRUE(span.ok()) << span.status();
  EXPECT_EQ(span->ended_us, 30);
  EXPECT_EQ(span->status, "ok");
  EXPECT_EQ(span->attributes, (base::json::object{{"a", 1}, {"b", 2}}));
}

TEST_P(TelemetryTest, ATraceSpansItsSpans) {
  ASSERT_TRUE(Begin("t", "child", "root", 20).ok());
  EXPECT_EQ(telemetry().GetTrace("t", As("ann"))->root_span, "child");
  ASSERT_TRUE(Begin("t", "root", "", 10).ok());
  ASSERT_TRUE(Begin("t", "other", "", 5).ok());
  ASSERT_TRUE(End("t", "root", 40).ok());
  ASSERT_TRUE(End("t", "child", 30).ok());
  const auto trace = telemetry().GetTrace("t", As("ann"));
  ASSERT_TRUE(trace.ok()) << trace.status();
  EXPECT_EQ(trace->root_span, "root");
  EXPECT_EQ(trace->started_us, 5);
  EXPECT_EQ(trace->ended_us, 40);
  EXPECT_EQ(trace->owner.principal, "ann");
}

TEST_P(TelemetryTest, ASpanThatBeginsTwiceIsTheFirst) {
  ASSERT_TRUE(Begin("t", "s", "", 10).ok());
  ASSERT_TRUE(Begin("t", "s", "", 20).ok());
  EXPECT_EQ(telemetry().GetSpan("t", "s", As("ann"))->started_us, 10);
}

TEST_P(TelemetryTest, WhatIsNotThereIsNotFound) {
  const auto not_found = HasStatus(absl::StatusCode::kNotFound, "no such");
  ASSERT_TRUE(Begin("t", "s", "", 10).ok());
  EXPECT_THAT(End("t", "x", 1), not_found);
  EXPECT_THAT(End("x", "s", 1), not_found);
  EXPECT_THAT(telemetry().GetTrace("x", As("ann")).status(), not_found);
  EXPECT_THAT(telemetry().GetSpan("t", "x", As("ann")).status(), not_found);
  EXPECT_THAT(telemetry().Tree({}, "x", {}, As("ann")).status(), not_found);
  EXPECT_THAT(telemetry().Tree("t", "x", {}, As("ann")).status(), not_found);
}

TEST_P(TelemetryTest, IsInvisibleToOthers) {
  const auto not_found = HasStatus(absl::StatusCode::kNotFound, "no such");
  ASSERT_TRUE(Begin("t", "s", "", 10).ok());
  EXPECT_THAT(telemetry().GetTrace("t", As("bob")).status(), not_found);
  EXPECT_THAT(telemetry().GetSpan("t", "s", As("bob")).status(), not_found);
  EXPECT_THAT(telemetry().Tree({}, "s", {}, As("bob")).status(), not_found);
  EXPECT_THAT(telemetry().End({"t", "s", 1, "ok", {}}, kTtl, As("bob")), not_found);
  EXPECT_THAT(telemetry().Add({"t", "s", 1, "metric", "m", {}}, kTtl, As("bob")), not_found);
  Span span;
  span.trace = "t";
  span.id = "of bob";
  EXPECT_THAT(telemetry().Begin(span, kTtl, As("bob")), not_found);
  EXPECT_THAT(Find({}, "bob"), IsEmpty());
  EXPECT_THAT(Find({}), ElementsAre("t"));
}

TEST_P(TelemetryTest, ATreeGoesDownLevelByLevel) {
  ASSERT_TRUE(Begin("t", "root", "", 1).ok());
  ASSERT_TRUE(Begin("t", "b", "root", 3).ok());
  ASSERT_TRUE(Begin("t", "a", "root", 2).ok());
  ASSERT_TRUE(Begin("t", "a1", "a", 4).ok());
  ASSERT_TRUE(Begin("t", "beside", "", 5).ok());
  EXPECT_THAT(Tree("root"), ElementsAre("root", "a", "b", "a1"));
  EXPECT_THAT(Tree("root", 2), ElementsAre("root", "a", "b"));
  EXPECT_THAT(Tree("root", 1), ElementsAre("root"));
  EXPECT_THAT(Tree("a"), ElementsAre("a", "a1"));
}

TEST_P(TelemetryTest, ACircleOfParentsEnds) {
  ASSERT_TRUE(Begin("t", "a", "b", 1).ok());
  ASSERT_TRUE(Begin("t", "b", "a", 2).ok());
  ASSERT_TRUE(Begin("t", "self", "self", 3).ok());
  EXPECT_THAT(Tree("a"), ElementsAre("a", "b"));
  EXPECT_THAT(Tree("self"), ElementsAre("self"));
}

TEST_P(TelemetryTest, OfAnIdInTwoTracesTheLatestIsMeant) {
  ASSERT_TRUE(Begin("t1", "s", "", 1).ok());
  ASSERT_TRUE(Begin("t2", "s", "", 3).ok());
  ASSERT_TRUE(Begin("t2", "below", "s", 4).ok());
  EXPECT_THAT(Tree("s"), ElementsAre("s", "below"));
  EXPECT_EQ(telemetry().Tree("t1", "s", {}, As("ann"))->size(), 1u);
}

TEST_P(TelemetryTest, TracesAreFoundInOrder) {
  ASSERT_TRUE(Begin("b", "s1", "", 30).ok());
  ASSERT_TRUE(Begin("a", "s3", "", 10).ok());
  ASSERT_TRUE(Begin("c", "s2", "", 10).ok());
  ASSERT_TRUE(End("c", "s2", 99).ok());
  using Key = TraceQuery::Key;
  EXPECT_THAT(Find({}), ElementsAre("b", "a", "c"));
  EXPECT_THAT(Find({{{Key::kStart, false}, {Key::kId, true}}, 100, 0, {}}),
              ElementsAre("c", "a", "b"));
  EXPECT_THAT(Find({{{Key::kRootSpan, false}}, 100, 0, {}}), ElementsAre("b", "c", "a"));
  EXPECT_THAT(Find({{{Key::kEnd, true}}, 1, 0, {}}), ElementsAre("c"));
  EXPECT_THAT(Find({{}, 1, 1, {}}), ElementsAre("a"));
  EXPECT_THAT(Find({{}, 100, 3, {}}), IsEmpty());
}

TEST_P(TelemetryTest, TracesAreFoundByASpan) {
  ASSERT_TRUE(Begin("t1", "r", "", 1).ok());
  ASSERT_TRUE(Begin("t1", "s", "r", 2, {{"a", 1}}).ok());
  ASSERT_TRUE(Begin("t2", "r", "", 1, {{"a", 2}}).ok());
  ASSERT_TRUE(Begin("t3", "r", "", 1, {{"a", 1}}).ok());
  TraceQuery query;
  query.span_fits = [](const base::json::object& attributes) {
    const auto* a = attributes.if_contains("a");
    return a != nullptr && *a == 1;
  };
  EXPECT_THAT(Find(query), ElementsAre("t1", "t3"));
  query.offset = 1;
  EXPECT_THAT(Find(query), ElementsAre("t3"));
}

TEST_P(TelemetryTest, ManyTracesAreReadInParts) {
  constexpr int kMany = 1100;
  for (int i = 0; i < kMany; ++i) ASSERT_TRUE(Begin(absl::StrCat("t", i), "s", "", i).ok());
  EXPECT_EQ(Find({{}, 2000, 0, {}}).size(), static_cast<size_t>(kMany));
  EXPECT_THAT(Find({{}, 1, kMany - 1, {}}), ElementsAre(absl::StrCat("t", kMany - 1)));
}

TEST_P(TelemetryTest, ExpiresAfterTheLastReport) {
  place().set_now(1000);
  ASSERT_TRUE(Begin("t", "s", "", 1).ok());
  ASSERT_TRUE(telemetry().Add({"t", "s", 1, "metric", "m", {{"value", 1}}}, kTtl, As("ann")).ok());
  place().set_now(1050);
  ASSERT_TRUE(End("t", "s", 2).ok());
  place().set_now(1149);
  EXPECT_EQ(*telemetry().RemoveExpired(), 0);
  EXPECT_TRUE(telemetry().GetTrace("t", As("ann")).ok());
  place().set_now(1150);
  EXPECT_THAT(Find({}), IsEmpty());
  EXPECT_FALSE(telemetry().GetTrace("t", As("ann")).ok());
  EXPECT_THAT(Tree("s"), ElementsAre(::testing::HasSubstr("NOT_FOUND")));
  EXPECT_EQ(*telemetry().RemoveExpired(), 1);
  EXPECT_EQ(*telemetry().RemoveExpired(), 0);
}

TEST_P(TelemetryTest, RefusesTooManyAttributes) {
  const auto too_much = HasStatus(absl::StatusCode::kResourceExhausted, "attributes: expected");
  base::json::object many;
  for (size_t i = 0; i < kMaxSpanAttributes; ++i) many[absl::StrCat("a", i)] = 1;
  ASSERT_TRUE(Begin("t", "s", "", 1, many).ok());
  EXPECT_THAT(End("t", "s", 2, {{"one more", 1}}), too_much);
  many["one more"] = 1;
  EXPECT_THAT(Begin("t", "s2", "", 1, many), too_much);
  EXPECT_THAT(Begin("t", "s3", "", 1, {{"a", std::string(kMaxSpanAttributeBytes, 'x')}}), too_much);
}

CRIA_TEST_EVERY_BACKEND(TelemetryTest);

}  // namespace
}  // namespace cria::store
