#include "store/sqlite_database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <map>
#include <thread>
#include <utility>

#include "absl/strings/str_replace.h"
#include "base/file.h"
#include "base/quote.h"

namespace cria::store {
namespace {

namespace fs = std::filesystem;

// The WAL is cut back to this after a checkpoint.
constexpr int64_t kMaxIdleWalBytes = int64_t{64} << 20;
// Pages of 4 KiB. Fewer checkpoints wait for the disk less often, and write a page that changes
// again and again only once.
constexpr int64_t kCheckpointPages = 4000;
constexpr int64_t kCacheKib = 8192;  // of each connection

absl::StatusCode CodeOf(int extended) {
  switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return absl::StatusCode::kAlreadyExists;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return absl::StatusCode::kNotFound;
    case SQLITE_IOERR_READ:
    case SQLITE_IOERR_SHORT_READ:
    case SQLITE_IOERR_CORRUPTFS:
    case SQLITE_IOERR_DATA:
      return absl::StatusCode::kDataLoss;
    default:
      break;
  }
  switch (extended & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_FULL:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
      return absl::StatusCode::kUnavailable;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
      return absl::StatusCode::kPermissionDenied;
    case SQLITE_NOMEM:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_TOOBIG:
      return absl::StatusCode::kInvalidArgument;
    default:
      return absl::StatusCode::kInternal;
  }
}

// What to do about it; empty where the message says it already.
std::string_view RemedyFor(int extended) {
  switch (extended & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ": the file is damaged or no database; restore a copy, or move it away to begin anew";
    case SQLITE_FULL:
      return ": make room on its disk and try again";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ": another process is writing to it; try again, or stop that process";
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return ": this user must be able to read and write the file and its directory";
    default:
      return "";
  }
}

absl::Status Error(sqlite3* handle, const std::string& name) {
  const int code = sqlite3_extended_errcode(handle);
  return absl::Status(
      CodeOf(code), absl::StrCat(name, ": ", sqlite3_errmsg(handle), std::string(RemedyFor(code))));
}

class SqliteRow final : public Row {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
  bool IsNull(int column) const override {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }
  int64_t Int(int column) const override { return sqlite3_column_int64(statement_, column); }
  std::string_view Text(int column) const override {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    if (text == nullptr) return {};
    return {text, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  sqlite3_stmt* statement_;
};

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
struct Close {
  void operator()(sqlite3* handle) const { sqlite3_close(handle); }
};
// Ends the use of a statement: its locks and borrowed texts are let go.
struct Reset {
  void operator()(sqlite3_stmt* statement) const {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
  }
};
using Use = std::unique_ptr<sqlite3_stmt, Reset>;

class SqliteConnection final : public Connection {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const DatabaseOptions& options);

  absl::StatusOr<int64_t> Execute(std::string_view sql, const Params& params) override;
  absl::Status Query(std::string_view sql, const Params& params,
                     absl::FunctionRef<bool(const Row&)> on_row) override;
  // The write lock is taken at once: taken later, it could fail after work was done.
  absl::Status Begin() override { return Run("BEGIN IMMEDIATE"); }
  absl::Status BeginSchemaChange() override { return Begin(); }
  bool in_transaction() const override { return sqlite3_get_autocommit(handle_.get()) == 0; }
  bool usable() const override { return true; }
  absl::Status Run(std::string_view sql) override;
  absl::StatusOr<bool> HasTable(std::string_view name) override;
  const std::string& name() const override { return name_; }

 private:
  SqliteConnection(std::string name, sqlite3* handle) : name_(std::move(name)), handle_(handle) {}
  absl::Status Configure(const DatabaseOptions& options);
  absl::Status EnterWalMode(int64_t timeout_ms);
  absl::StatusOr<Use> Prepare(std::string_view sql, const Params& params);

  std::string name_;
  std::unique_ptr<sqlite3, Close> handle_;
  std::map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>, std::less<>> statements_;
};

absl::StatusOr<std::unique_ptr<Connection>> SqliteConnection::Open(const DatabaseOptions& options) {
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(options.path.c_str(), &handle,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (handle == nullptr)
    return absl::ResourceExhaustedError(absl::StrCat(options.path, ": out of memory"));
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(options.path, handle));
  if (code != SQLITE_OK) return Error(handle, options.path);
  sqlite3_extended_result_codes(handle, 1);
  CRIA_RETURN_IF_ERROR(connection->Configure(options));
  return connection;
}

absl::Status SqliteConnection::Configure(const DatabaseOptions& options) {
  sqlite3_busy_timeout(handle_.get(), static_cast<int>(options.lock_timeout_ms));
  // No statement of ours needs more, and a hostile file can't make one.
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  CRIA_RETURN_IF_ERROR(EnterWalMode(options.lock_timeout_ms));
  const std::string pragmas[] = {
      options.survive_power_loss ? "synchronous=FULL" : "synchronous=NORMAL",
      absl::StrCat("journal_size_limit=", kMaxIdleWalBytes),
      absl::StrCat("wal_autocheckpoint=", kCheckpointPages),
      absl::StrCat("cache_size=-", kCacheKib),
      "foreign_keys=ON",
  };
  for (const std::string& pragma : pragmas)
    CRIA_RETURN_IF_ERROR(
        Query(absl::StrCat("PRAGMA ", pragma), {}, [](const Row&) { return true; }));
  statements_.clear();
  return absl::OkStatus();
}

// Two that make a new database at the same moment are in each other's way here, and SQLite doesn't
// wait by itself.
absl::Status SqliteConnection::EnterWalMode(int64_t timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (true) {
    std::string mode;
    const absl::Status status = Query("PRAGMA journal_mode=WAL", {}, [&](const Row& row) {
      mode = row.Text(0);
      return true;
    });
    if (status.ok() && mode == "wal") return absl::OkStatus();
    if (status.ok())
      return absl::FailedPreconditionError(
          absl::StrCat(name_, ": can't be used in WAL mode (it stays in '", mode,
                       "'): expected a local disk; file systems of a network can't share memory"));
    if (!absl::IsUnavailable(status) || std::chrono::steady_clock::now() > deadline) return status;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

absl::StatusOr<Use> SqliteConnection::Prepare(std::string_view sql, const Params& params) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
      return Error(handle_.get(), name_);
    found = statements_.emplace(std::string(sql), statement).first;
  }
  sqlite3_stmt* statement = found->second.get();
  Use use(statement);
  for (size_t i = 0; i < params.size(); ++i) {
    const int index = static_cast<int>(i) + 1;
    int code = SQLITE_OK;
    if (const auto* number = std::get_if<int64_t>(&params[i])) {
      code = sqlite3_bind_int64(statement, index, *number);
    } else if (const auto* text = std::get_if<std::string_view>(&params[i])) {
      if (text->find('\0') != std::string_view::npos)
        return absl::InvalidArgumentError(
            absl::StrCat(name_, ": a zero byte in ", base::Quote(*text)));
      // An empty view may have no address, which would mean NULL.
      code = sqlite3_bind_text64(statement, index, text->empty() ? "" : text->data(), text->size(),
                                 SQLITE_STATIC, SQLITE_UTF8);
    }
    if (code != SQLITE_OK) return Error(handle_.get(), name_);
  }
  return use;
}

absl::StatusOr<int64_t> SqliteConnection::Execute(std::string_view sql, const Params& params) {
  CRIA_ASSIGN_OR_RETURN(const Use statement, Prepare(sql, params));
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step(statement.get());
  if (code != SQLITE_DONE) return Error(handle_.get(), name_);
  return sqlite3_changes64(handle_.get());
}

absl::Status SqliteConnection::Query(std::string_view sql, const Params& params,
                                     absl::FunctionRef<bool(const Row&)> on_row) {
  CRIA_ASSIGN_OR_RETURN(const Use statement, Prepare(sql, params));
  const SqliteRow row(statement.get());
  while (true) {
    const int code = sqlite3_step(statement.get());
    if (code == SQLITE_DONE) return absl::OkStatus();
    if (code != SQLITE_ROW) return Error(handle_.get(), name_);
    if (!on_row(row)) return absl::OkStatus();
  }
}

absl::Status SqliteConnection::Run(std::string_view sql) {
  if (sql.find('{') == std::string_view::npos) return Execute(sql, {}).status();
  return Execute(absl::StrReplaceAll(absl::string_view(sql.data(), sql.size()),
                                     {{"{sequence}", "INTEGER PRIMARY KEY"}}),
                 {})
      .status();
}

absl::StatusOr<bool> SqliteConnection::HasTable(std::string_view table) {
  bool found = false;
  CRIA_RETURN_IF_ERROR(Query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?",
                             {table}, [&](const Row&) {
                               found = true;
                               return false;
                             }));
  return found;
}

class SqliteDatabase final : public Database {
 public:
  explicit SqliteDatabase(const DatabaseOptions& options) : options_(options) {}

  absl::StatusOr<std::unique_ptr<Connection>> Connect() const override {
    const fs::path directory = fs::path(options_.path).parent_path();
    std::error_code error;
    if (!directory.empty()) fs::create_directories(directory, error);
    if (error)
      return absl::PermissionDeniedError(
          absl::StrCat(directory.string(), ": cannot create: ", error.message()));
    // SQLite gives its other files the rights of this one. One that is there already isn't opened
    // here: closing it would let go of the locks that other connections of this process have on it.
    const int fd = open(options_.path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) close(fd);
    if (fd < 0 && errno != EEXIST)
      return base::FileError("cannot create the database", options_.path);
    return SqliteConnection::Open(options_);
  }

 private:
  const DatabaseOptions options_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> MakeSqliteDatabase(const DatabaseOptions& options) {
  // Each connection to ":memory:" or "" would be a database of its own.
  if (options.path.empty() || options.path.starts_with(':'))
    return absl::InvalidArgumentError(absl::StrCat("SQLite database ", base::Quote(options.path),
                                                   ": expected the path of a file"));
  return std::make_unique<SqliteDatabase>(options);
}

}  // namespace cria::store
