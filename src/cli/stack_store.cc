#include "cli/stack_store.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace cria::cli {
namespace {

const stack::StorageBackend* ChosenBackend(const stack::Storage& storage) {
  const auto backend_of = [&](const stack::StoreReference& reference) {
    const auto found = storage.backends.find(reference.backend);
    return found == storage.backends.end() ? nullptr : &found->second;
  };
  const auto inference = storage.stores.find("inference");
  if (inference != storage.stores.end()) return backend_of(inference->second);
  return storage.stores.empty() ? nullptr : backend_of(storage.stores.begin()->second);
}

std::string DefaultPath(const stack::StackConfig& config) {
  const char* own = std::getenv("LLAMA_HOME");
  const char* home = std::getenv("HOME");
  const std::string root =
      own != nullptr ? own : absl::StrCat(home != nullptr ? home : ".", "/.llama");
  return absl::StrCat(root, "/distributions/",
                      config.distro_name.empty() ? "stack" : config.distro_name, "/sql_store.db");
}

std::string Text(const base::json::object& settings, const char* key) {
  const base::json::value* found = base::Find(settings, key);
  if (found == nullptr) return "";
  return found->is_string() ? std::string(found->get_string()) : base::json::serialize(*found);
}

store::DatabaseOptions PostgresFrom(const base::json::object& settings) {
  store::DatabaseOptions options;
  options.kind = store::DatabaseOptions::Kind::kPostgres;
  // Llama Stack's keys and libpq's words for them.
  constexpr std::pair<const char*, const char*> kKeys[] = {{"host", "host"},
                                                           {"port", "port"},
                                                           {"db", "dbname"},
                                                           {"user", "user"},
                                                           {"password", "password"},
                                                           {"ssl_mode", "sslmode"},
                                                           {"ca_cert_path", "sslrootcert"}};
  for (const auto& [key, word] : kKeys)
    if (const std::string text = Text(settings, key); !text.empty())
      options.postgres.emplace_back(word, text);
  return options;
}

// Where the provider of files keeps them; empty: beside the database.
std::string FilesDirectory(const stack::StackConfig& config) {
  const auto files = config.providers.find("files");
  if (files == config.providers.end() || files->second.empty()) return "";
  return Text(files->second.front().config, "storage_dir");
}

}  // namespace

absl::StatusOr<std::unique_ptr<store::Store>> OpenStackStore(const stack::StackConfig& config) {
  store::StoreOptions options;
  const stack::StorageBackend* backend = ChosenBackend(config.storage);
  if (backend != nullptr && absl::StrContains(backend->type, "postgres")) {
    options.database = PostgresFrom(stack::WithDefaults(*backend));
  } else {
    options.database.path = backend == nullptr ? "" : Text(backend->settings, "db_path");
    if (options.database.path.empty()) options.database.path = DefaultPath(config);
  }
  options.files_directory = FilesDirectory(config);
  return store::Store::Open(options);
}

}  // namespace cria::cli
