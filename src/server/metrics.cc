#include "server/metrics.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace cria::server {
namespace {

std::string Escape(std::string_view text, bool quotes) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\\\";
    } else if (c == '\n') {
      escaped += "\\n";
    } else if (c == '"' && quotes) {
      escaped += "\\\"";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

// a="b",c="d"
std::string LabelText(const Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels)
    absl::StrAppend(&text, text.empty() ? "" : ",", name, "=\"", Escape(value, true), "\"");
  return text;
}

std::string NumberText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value == std::floor(value) && std::abs(value) < 1e15)
    return absl::StrCat(static_cast<int64_t>(value));
  return absl::StrCat(value);
}

void AppendSample(const std::string& name, const std::string& labels, double value,
                  std::string* out) {
  absl::StrAppend(out, name);
  if (!labels.empty()) absl::StrAppend(out, "{", labels, "}");
  absl::StrAppend(out, " ", NumberText(value), "\n");
}

}  // namespace

struct Metrics::Series {
  Value value;
  std::unique_ptr<Histogram> histogram;
  std::function<double()> callback;
};

struct Metrics::Family {
  std::string help;
  std::string type;
  std::vector<double> bounds;
  std::map<std::string, Series> series;  // by the text of their labels
};

Metrics::Metrics() = default;

Metrics::~Metrics() = default;

void Metrics::Histogram::Observe(double value) {
  const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  counts_[static_cast<size_t>(at - bounds_.begin())].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

Metrics::Family& Metrics::GetFamily(const std::string& name, const std::string& help,
                                    const char* type) {
  Family& family = families_[name];
  if (family.type.empty()) {
    family.help = help;
    family.type = type;
  }
  CRIA_CHECK(family.type == type && "one name, two types of metric");
  return family;
}

Metrics::Series& Metrics::GetSeries(Family& family, const Labels& labels) {
  std::string text = LabelText(labels);
  const auto found = family.series.find(text);
  if (found != family.series.end()) return found->second;
  if (family.series.size() >= kMaxSeries) text = LabelText({{"overflow", "true"}});
  return family.series[text];
}

Metrics::Value& Metrics::GetCounter(const std::string& name, const std::string& help,
                                    const Labels& labels) {
  const std::lock_guard lock(mutex_);
  return GetSeries(GetFamily(name, help, "counter"), labels).value;
}

Metrics::Value& Metrics::GetGauge(const std::string& name, const std::string& help,
                                  const Labels& labels) {
  const std::lock_guard lock(mutex_);
  return GetSeries(GetFamily(name, help, "gauge"), labels).value;
}

Metrics::Histogram& Metrics::GetHistogram(const std::string& name, const std::string& help,
                                          const std::vector<double>& bounds, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  Family& family = GetFamily(name, help, "histogram");
  if (family.bounds.empty()) family.bounds = bounds;
  Series& series = GetSeries(family, labels);
  if (series.histogram == nullptr) series.histogram.reset(new Histogram(family.bounds));
  return *series.histogram;
}

void Metrics::AddCallback(Kind kind, const std::string& name, const std::string& help,
                          const Labels& labels, std::function<double()> value) {
  const std::lock_guard lock(mutex_);
  GetSeries(GetFamily(name, help, kind == Kind::kCounter ? "counter" : "gauge"), labels).callback =
      std::move(value);
}

std::string Metrics::Text() const {
  std::string out;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, family] : families_) {
    absl::StrAppend(&out, "# HELP ", name, " ", Escape(family.help, false), "\n");
    absl::StrAppend(&out, "# TYPE ", name, " ", family.type, "\n");
    for (const auto& [labels, series] : family.series) {
      if (series.histogram == nullptr) {
        AppendSample(name, labels, series.callback ? series.callback() : series.value.value(),
                     &out);
        continue;
      }
      const Histogram& histogram = *series.histogram;
      const std::string prefix = labels.empty() ? "" : labels + ",";
      uint64_t total = 0;
      for (size_t i = 0; i < histogram.counts_.size(); ++i) {
        total += histogram.counts_[i].load(std::memory_order_relaxed);
        const double bound = i < family.bounds.size() ? family.bounds[i] : INFINITY;
        AppendSample(name + "_bucket", absl::StrCat(prefix, "le=\"", NumberText(bound), "\""),
                     static_cast<double>(total), &out);
      }
      AppendSample(name + "_sum", labels, histogram.sum_.load(std::memory_order_relaxed), &out);
      AppendSample(name + "_count", labels, static_cast<double>(total), &out);
    }
  }
  return out;
}

std::vector<double> LatencyBounds() {
  return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300};
}

Handler MetricsHandler(const Metrics* metrics) {
  return [metrics](Exchange& exchange) -> boost::asio::awaitable<void> {
    Reply reply;
    reply.content_type = kMetricsContentType;
    reply.body = metrics->Text();
    co_await exchange.Send(std::move(reply));
  };
}

}  // namespace cria::server
