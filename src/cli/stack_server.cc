#include "cli/stack_server.h"

#include <algorithm>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "api/schemas.h"
#include "cli/interrupt.h"
#include "cli/stack_metrics.h"
#include "cli/stack_middlewares.h"
#include "cli/stack_providers.h"
#include "cli/stack_store.h"
#include "server/all_routes.h"
#include "server/dispatcher.h"
#include "server/http_server.h"
#include "server/registered_models.h"
#include "server/tls.h"

namespace cria::cli {
namespace {

// Threads that wait for providers and the store; they cost little while they do.
constexpr size_t kWorkers = 16;
// Threads that ask who somebody is.
constexpr int kAuthWorkers = 4;
constexpr size_t kMaxWaiting = 1024;

absl::StatusOr<std::shared_ptr<server::TlsContext>> TlsFrom(const stack::ServerConfig& config) {
  if (config.tls_certfile.empty()) return nullptr;
  return server::TlsContext::Load({config.tls_certfile, config.tls_keyfile, config.tls_cafile});
}

server::Limits LimitsFrom(const stack::ServerLimits& config) {
  using std::chrono::seconds;
  server::Limits limits;
  limits.max_connections = static_cast<size_t>(config.max_connections);
  limits.max_body_bytes = static_cast<size_t>(config.max_body_bytes);
  limits.max_header_bytes = static_cast<size_t>(config.max_header_bytes);
  limits.header_time = seconds(config.header_timeout_seconds);
  limits.body_time = seconds(config.body_timeout_seconds);
  limits.idle_time = seconds(config.idle_timeout_seconds);
  limits.write_stall_time = seconds(config.write_timeout_seconds);
  return limits;
}

// Members are destroyed in the opposite order: what serves goes before what it uses.
class Stack : public StackServer {
 public:
  Stack(stack::StackConfig config, std::unique_ptr<store::Store> store, StackProviders providers)
      : config_(std::move(config)),
        store_(std::move(store)),
        providers_(std::move(providers)),
        kept_models_(store_->registry()),
        registry_(providers_.ids, CanonicalModelName, &kept_models_),
        models_(providers_.by_id, registry_),
        schemas_(api::AllSchemas()),
        workers_(kWorkers),
        services_{schemas_, config_,  registry_,         models_,
                  *store_,  workers_, store::SystemTime, store::SystemTime()} {}

  ~Stack() override {
    http_.reset();
    workers_.join();
  }

  absl::Status Listen(const StackServerOptions& options) {
    CRIA_RETURN_IF_ERROR(registry_.Load(config_.registered_resources.models));
    server::AddAllRoutes(services_, &routes_);
    server::RouteInfo metrics_info;
    metrics_info.operation_id = "metrics";
    metrics_info.summary = "Counters for Prometheus";
    metrics_info.tag = "Inspect";
    metrics_info.generation = "v1";
    routes_.Add({"GET", "/metrics", server::MetricsHandler(&metrics_), metrics_info, {}});
    server::DispatcherOptions dispatch;
    dispatch.max_body_bytes = static_cast<size_t>(config_.server.limits.max_body_bytes);
    dispatch.on_bug = [](const server::Request& request, const absl::Status& status) {
      std::fprintf(stderr, "llama: error: %s %s: %s\n", request.method.c_str(),
                   request.path.c_str(), std::string(status.message()).c_str());
    };
    AddEngineMetrics(providers_, &metrics_);
    CRIA_ASSIGN_OR_RETURN(auto middlewares,
                          MakeMiddlewares(config_.server, {metrics_, pool_, exporter_.get(),
                                                           *store_, options.access_log}));
    dispatcher_ =
        std::make_unique<server::Dispatcher>(&routes_, std::move(middlewares), std::move(dispatch));
    CRIA_ASSIGN_OR_RETURN(tls_, TlsFrom(config_.server));
    server::ServerOptions listen;
    listen.host = config_.server.host;
    listen.port = static_cast<uint16_t>(config_.server.port);
    listen.limits = LimitsFrom(config_.server.limits);
    listen.tls = tls_;
    listen.drain_time = std::chrono::seconds(config_.server.limits.shutdown_timeout_seconds);
    const SignalsOnThisThreadOnly main_only;
    CRIA_ASSIGN_OR_RETURN(http_, server::HttpServer::Start(std::move(listen), dispatcher_.get()));
    return absl::OkStatus();
  }

  // Those of the configuration that our own engine runs.
  void Preload() {
    if (providers_.own == nullptr) return;
    std::vector<std::string> models;
    for (const stack::RegisteredModel& model : registry_.List())
      if (!model.listed && model.provider_id == providers_.own_id)
        models.push_back(model.provider_resource_id);
    providers_.own->Preload(std::move(models));
  }

  // Asks the providers for their models, and clears the store of what has expired, now and then.
  void StartHousekeeping() {
    const SignalsOnThisThreadOnly main_only;
    housekeeper_ = std::jthread([this](const std::stop_token& stopped) {
      const std::chrono::seconds interval(
          std::max<int64_t>(1, config_.server.registry_refresh_interval_seconds));
      std::mutex mutex;
      std::condition_variable_any woken;
      std::unique_lock<std::mutex> lock(mutex);
      while (!stopped.stop_requested()) {
        Note(models_.Refresh());
        Note(store_->Tidy());
        woken.wait_for(lock, stopped, interval, [] { return false; });
      }
    });
  }

  std::string url() const override {
    const std::string& host = config_.server.host;
    const bool any = host.empty() || host == "0.0.0.0" || host == "::";
    const std::string shown = any                                   ? "127.0.0.1"
                              : host.find(':') != std::string::npos ? absl::StrCat("[", host, "]")
                                                                    : host;
    return absl::StrCat(tls_ == nullptr ? "http" : "https", "://", shown, ":", http_->port());
  }

  void Run() override {
    server::ServeUntilSignal(*http_, [this] {
      if (tls_ == nullptr) return;
      const absl::Status status = tls_->Reload();
      if (!status.ok())
        std::fprintf(stderr, "llama: note: the old certificate stays in use: %s\n",
                     std::string(status.message()).c_str());
    });
  }

 private:
  static void Note(const absl::Status& status) {
    if (status.ok()) return;
    std::fprintf(stderr, "llama: note: %s\n", std::string(status.message()).c_str());
  }

  const stack::StackConfig config_;
  const std::unique_ptr<store::Store> store_;
  StackProviders providers_;
  server::RegisteredModels kept_models_;
  stack::Registry registry_;
  stack::Router models_;
  const api::SchemaSet schemas_;
  server::Metrics metrics_;
  const std::unique_ptr<server::OtlpExporter> exporter_ = ExporterFromEnvironment();
  server::WorkerPool pool_{kAuthWorkers, kMaxWaiting};
  boost::asio::thread_pool workers_;
  const server::Services services_;
  server::Router routes_;
  std::unique_ptr<server::Dispatcher> dispatcher_;
  std::shared_ptr<server::TlsContext> tls_;
  std::unique_ptr<server::HttpServer> http_;
  std::jthread housekeeper_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<StackServer>> StackServer::Start(StackServerOptions options) {
  CRIA_RETURN_IF_ERROR(stack::CheckRunnable(options.config));
  CRIA_ASSIGN_OR_RETURN(auto store, OpenStackStore(options.config));
  CRIA_ASSIGN_OR_RETURN(StackProviders providers, MakeProviders(options.config, options.context));
  auto stack = std::make_unique<Stack>(options.config, std::move(store), std::move(providers));
  CRIA_RETURN_IF_ERROR(stack->Listen(options));
  stack->Preload();
  stack->StartHousekeeping();
  return stack;
}

}  // namespace cria::cli
