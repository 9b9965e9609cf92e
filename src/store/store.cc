#include "store/store.h"

#include <utility>

#include "store/migrations.h"

namespace cria::store {
namespace {

absl::StatusOr<std::string> FilesDirectory(const StoreOptions& options) {
  if (!options.files_directory.empty()) return options.files_directory;
  if (options.database.kind == DatabaseOptions::Kind::kSqlite)
    return options.database.path + ".files";
  return absl::InvalidArgumentError(
      "the store: files_directory: expected a directory for uploaded files beside PostgreSQL");
}

absl::Status CheckOptions(const StoreOptions& options) {
  if (options.read_connections < 1 || options.writer.max_batch < 1 || options.writer.max_queued < 1)
    return absl::InvalidArgumentError(
        "the store: expected at least one connection to read, one write in a batch and one in the "
        "queue");
  return absl::OkStatus();
}

// Brings the schema up to date; the database's id.
absl::StatusOr<std::string> Prepare(const Database& database, int64_t now) {
  CRIA_ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection, database.Connect());
  CRIA_RETURN_IF_ERROR(Migrate(*connection, Migrations(), now));
  std::string id;
  CRIA_RETURN_IF_ERROR(connection->Query("SELECT id FROM identity", {}, [&](const Row& row) {
    id = row.Text(0);
    return false;
  }));
  return id;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const StoreOptions& options) {
  CRIA_RETURN_IF_ERROR(CheckOptions(options));
  CRIA_ASSIGN_OR_RETURN(const std::string files, FilesDirectory(options));
  CRIA_ASSIGN_OR_RETURN(std::unique_ptr<Database> database, MakeDatabase(options.database));
  CRIA_ASSIGN_OR_RETURN(const std::string id, Prepare(*database, options.clock()));
  CRIA_ASSIGN_OR_RETURN(std::unique_ptr<FileDirectory> directory, FileDirectory::Open(files, id));
  CRIA_ASSIGN_OR_RETURN(std::unique_ptr<Writer> writer, Writer::Start(*database, options.writer));
  std::unique_ptr<Store> store(
      new Store(options, std::move(database), std::move(directory), std::move(writer)));
  CRIA_RETURN_IF_ERROR(store->files_.RemoveOrphans().status());
  CRIA_RETURN_IF_ERROR(store->Tidy());
  return store;
}

Store::Store(const StoreOptions& options, std::unique_ptr<Database> database,
             std::unique_ptr<FileDirectory> directory, std::unique_ptr<Writer> writer)
    : database_(std::move(database)),
      directory_(std::move(directory)),
      reader_(*database_, options.read_connections),
      writer_(std::move(writer)),
      chat_completions_(reader_, *writer_),
      conversations_(reader_, *writer_, options.clock),
      prompts_(reader_, *writer_, options.clock),
      files_(reader_, *writer_, *directory_, options.clock),
      registry_(reader_, *writer_, options.clock),
      quota_(*writer_, options.clock),
      telemetry_(reader_, *writer_, options.clock) {}

absl::Status Store::Tidy() {
  CRIA_RETURN_IF_ERROR(files_.RemoveExpired().status());
  CRIA_RETURN_IF_ERROR(quota_.ForgetOld().status());
  return telemetry_.RemoveExpired().status();
}

}  // namespace cria::store
