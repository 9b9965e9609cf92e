#include "server/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cria::server {
namespace {

using testing::HasSubstr;

TEST(MetricsTest, CountersAndGauges) {
  Metrics metrics;
  metrics.GetCounter("b_total", "Things.", {{"kind", "x\"y\\z\n"}}).Add(2);
  metrics.GetCounter("b_total", "Things.", {{"kind", "x\"y\\z\n"}}).Add();
  metrics.GetGauge("a", "Now.\nHere.").Set(0.5);
  EXPECT_EQ(metrics.Text(),
            "# HELP a Now.\\nHere.\n# TYPE a gauge\na 0.5\n"
            "# HELP b_total Things.\n# TYPE b_total counter\nb_total{kind=\"x\\\"y\\\\z\\n\"} 3\n");
}

TEST(MetricsTest, HistogramsAreCumulative) {
  Metrics metrics;
  auto& histogram = metrics.GetHistogram("h", "Times.", {0.5, 1}, {{"route", "/"}});
  for (const double value : {0.25, 0.5, 0.75, 3.0}) histogram.Observe(value);
  EXPECT_EQ(
      metrics.Text(),
      "# HELP h Times.\n# TYPE h histogram\n"
      "h_bucket{route=\"/\",le=\"0.5\"} 2\nh_bucket{route=\"/\",le=\"1\"} 3\n"
      "h_bucket{route=\"/\",le=\"+Inf\"} 4\nh_sum{route=\"/\"} 4.5\nh_count{route=\"/\"} 4\n");
}

TEST(MetricsTest, CallbacksAreAsked) {
  Metrics metrics;
  double tokens = 1;
  metrics.AddCallback(Metrics::Kind::kCounter, "tokens_total", "Tokens.", {},
                      [&] { return tokens; });
  tokens = 7;
  EXPECT_THAT(metrics.Text(), HasSubstr("# TYPE tokens_total counter\ntokens_total 7\n"));
}

TEST(MetricsTest, SeriesAreBounded) {
  Metrics metrics;
  for (size_t i = 0; i < Metrics::kMaxSeries + 5; ++i)
    metrics.GetCounter("c", "C.", {{"i", std::to_string(i)}}).Add();
  EXPECT_THAT(metrics.Text(), HasSubstr("c{overflow=\"true\"} 5\n"));
}

TEST(MetricsTest, OneNameHasOneType) {
  Metrics metrics;
  metrics.GetCounter("c", "C.");
  EXPECT_DEATH(metrics.GetGauge("c", "C."), "two types");
}

}  // namespace
}  // namespace cria::server
