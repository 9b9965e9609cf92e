// Sends spans to an OpenTelemetry collector (OTLP/HTTP, JSON), in the background.
#ifndef CRIA_SERVER_OTLP_EXPORTER_H_
#define CRIA_SERVER_OTLP_EXPORTER_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/json.h"
#include "server/exchange.h"

namespace cria::server {

struct Span {
  std::string trace_id, span_id, parent_id;  // hex; parent_id may be empty
  std::string name;
  enum class Kind : uint8_t { kInternal = 1, kServer = 2, kClient = 3 };  // as in the protocol
  Kind kind = Kind::kServer;
  uint64_t start_ns = 0, end_ns = 0;                                  // since 1970
  std::vector<std::pair<std::string, base::json::value>> attributes;  // strings, numbers, bools
  bool failed = false;
};

struct OtlpOptions {
  std::string endpoint;  // "http://localhost:4318"; spans go to its /v1/traces
  std::string service_name = "cria";
  Headers headers;  // keys of the collector
  size_t max_queue = 2048;
  size_t max_batch = 512;
  std::chrono::milliseconds interval{5'000};
  std::chrono::milliseconds timeout{5'000};
};

// Any thread. Nobody ever waits for the collector: what doesn't fit into the queue, or the
// collector doesn't take, is dropped and counted.
class OtlpExporter {
 public:
  explicit OtlpExporter(OtlpOptions options);
  ~OtlpExporter();  // sends what is there, until the collector doesn't answer

  void Add(Span span);
  uint64_t exported() const { return exported_; }
  uint64_t dropped() const { return dropped_; }

 private:
  void Loop();
  bool Export(const std::vector<Span>& spans);

  const OtlpOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Span> queue_;
  bool closing_ = false;
  std::atomic<uint64_t> exported_{0}, dropped_{0};
  std::thread thread_;
};

// The request's body for these spans (ExportTraceServiceRequest).
base::json::object OtlpJson(const std::vector<Span>& spans, const std::string& service_name);

}  // namespace cria::server

#endif  // CRIA_SERVER_OTLP_EXPORTER_H_
