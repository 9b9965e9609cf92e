// All that survives a restart, opened at once.
#ifndef CRIA_STORE_STORE_H_
#define CRIA_STORE_STORE_H_

#include <memory>
#include <string>

#include "base/status.h"
#include "store/chat_completions.h"
#include "store/clock.h"
#include "store/conversations.h"
#include "store/file_directory.h"
#include "store/files.h"
#include "store/prompts.h"
#include "store/quota.h"
#include "store/reader.h"
#include "store/registry.h"
#include "store/sql.h"
#include "store/telemetry.h"
#include "store/writer.h"

namespace cria::store {

struct StoreOptions {
  DatabaseOptions database;
  // Of uploaded files. Empty: beside the SQLite database, as PATH.files; PostgreSQL needs one.
  std::string files_directory;
  WriterOptions writer;
  int read_connections = 4;
  Clock clock = SystemTime;
};

// Any thread. Every function of the repositories may wait for the disk, but for those that say that
// they don't: never call them from a thread that serves connections. What a function acknowledges
// by OK survives kill -9.
class Store {
 public:
  // Brings the schema up to date, and removes what a killed process left and what has expired.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const StoreOptions& options);
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  ChatCompletions& chat_completions() { return chat_completions_; }
  Conversations& conversations() { return conversations_; }
  Prompts& prompts() { return prompts_; }
  Files& files() { return files_; }
  Registry& registry() { return registry_; }
  Quota& quota() { return quota_; }
  Telemetry& telemetry() { return telemetry_; }

  // Removes expired files, old quotas and expired traces: for a timer.
  absl::Status Tidy();

 private:
  Store(const StoreOptions& options, std::unique_ptr<Database> database,
        std::unique_ptr<FileDirectory> directory, std::unique_ptr<Writer> writer);

  std::unique_ptr<Database> database_;
  std::unique_ptr<FileDirectory> directory_;
  Reader reader_;
  std::unique_ptr<Writer> writer_;
  ChatCompletions chat_completions_;
  Conversations conversations_;
  Prompts prompts_;
  Files files_;
  Registry registry_;
  Quota quota_;
  Telemetry telemetry_;
};

}  // namespace cria::store

#endif  // CRIA_STORE_STORE_H_
