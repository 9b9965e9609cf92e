// Counters, gauges and histograms, and their text for Prometheus (exposition format 0.0.4).
#ifndef CRIA_SERVER_METRICS_H_
#define CRIA_SERVER_METRICS_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/exchange.h"

namespace cria::server {

using Labels = std::vector<std::pair<std::string, std::string>>;

// Any thread. What Get... returns lives as long as this; the same name and labels give the same
// one. Labels come from small sets: the patterns of routes, never paths. A name has at most
// kMaxSeries of them; more are counted under overflow="true".
class Metrics {
 public:
  static constexpr size_t kMaxSeries = 2000;

  class Value {  // a counter or a gauge
   public:
    void Add(double amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }
    void Set(double value) { value_.store(value, std::memory_order_relaxed); }
    double value() const { return value_.load(std::memory_order_relaxed); }

   private:
    std::atomic<double> value_{0};
  };

  class Histogram {
   public:
    void Observe(double value);

   private:
    friend class Metrics;
    explicit Histogram(const std::vector<double>& bounds)
        : bounds_(bounds), counts_(bounds.size() + 1) {}
    const std::vector<double>& bounds_;
    std::vector<std::atomic<uint64_t>> counts_;  // the last: above all bounds
    std::atomic<double> sum_{0};
  };

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  Value& GetCounter(const std::string& name, const std::string& help, const Labels& labels = {});
  Value& GetGauge(const std::string& name, const std::string& help, const Labels& labels = {});
  // `bounds` rise; those of the first call with that name count.
  Histogram& GetHistogram(const std::string& name, const std::string& help,
                          const std::vector<double>& bounds, const Labels& labels = {});

  // Values that somebody else counts: `value` is called, on any thread, whenever Text is.
  enum class Kind : uint8_t { kCounter, kGauge };
  void AddCallback(Kind kind, const std::string& name, const std::string& help,
                   const Labels& labels, std::function<double()> value);

  std::string Text() const;

 private:
  struct Family;
  struct Series;
  Family& GetFamily(const std::string& name, const std::string& help, const char* type);
  Series& GetSeries(Family& family, const Labels& labels);

  mutable std::mutex mutex_;
  std::map<std::string, Family> families_;
};

inline constexpr char kMetricsContentType[] = "text/plain; version=0.0.4; charset=utf-8";

// Seconds: from a millisecond to five minutes.
std::vector<double> LatencyBounds();

// Answers with metrics->Text().
Handler MetricsHandler(const Metrics* metrics);

}  // namespace cria::server

#endif  // CRIA_SERVER_METRICS_H_
