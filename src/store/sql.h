// A relational database as the repositories see it: connections, statements with parameters, rows.
// SQLite and PostgreSQL implement it.
//
// Statements are written once, in the SQL that both understand: '?' marks a parameter, integers are
// BIGINT, everything else TEXT, and ON CONFLICT and RETURNING are there.
//
// Errors, of every function here and of whatever is built on it:
//   kAlreadyExists      a key is there already
//   kUnavailable        the disk is full, the database is locked or can't be reached: try again
//   kAborted            the database gave up on a transaction that was in another's way
//   kDataLoss           the database is damaged; the message names its file
//   kInvalidArgument    a text is not what a TEXT can hold (a zero byte, no UTF-8)
//   kFailedPrecondition the database is of a newer program, or not one of ours
//   kPermissionDenied, kNotFound, kInternal   as the system or the server said
// Every message begins with the database's name.
#ifndef CRIA_STORE_SQL_H_
#define CRIA_STORE_SQL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/status.h"

namespace cria::store {

// NULL, an integer or a text. The text is borrowed until the call returns.
using Param = std::variant<std::monostate, int64_t, std::string_view>;
using Params = std::vector<Param>;

inline Param OrNull(const std::optional<int64_t>& value) {
  return value.has_value() ? Param(*value) : Param();
}

// One row of a result, columns from 0. Its texts live until the next row.
class Row {
 public:
  virtual bool IsNull(int column) const = 0;
  virtual int64_t Int(int column) const = 0;  // 0 for NULL
  virtual std::string_view Text(int column) const = 0;

 protected:
  ~Row() = default;
};

// One thread at a time. Statements are prepared once and kept: pass texts from a small fixed set.
class Connection {
 public:
  virtual ~Connection() = default;

  // The number of rows that it inserted, changed or deleted.
  virtual absl::StatusOr<int64_t> Execute(std::string_view sql, const Params& params) = 0;
  // Calls `on_row` with each row until it returns false. `on_row` must not use the connection.
  virtual absl::Status Query(std::string_view sql, const Params& params,
                             absl::FunctionRef<bool(const Row&)> on_row) = 0;

  // A transaction that writes; other writers wait for its end, or it waits for theirs.
  virtual absl::Status Begin() = 0;
  // The same, and no other process changes the schema meanwhile.
  virtual absl::Status BeginSchemaChange() = 0;
  absl::Status Commit() { return Run("COMMIT"); }
  absl::Status Rollback() { return Run("ROLLBACK"); }
  // Within a transaction: what follows can be undone alone. One level.
  absl::Status Savepoint() { return Run("SAVEPOINT write"); }
  absl::Status Release() { return Run("RELEASE SAVEPOINT write"); }
  absl::Status RollbackToSavepoint();
  // False too when the database ended the transaction by itself, as SQLite does on a full disk.
  virtual bool in_transaction() const = 0;
  // False: it is lost, open another.
  virtual bool usable() const = 0;

  // One statement without parameters and rows. In it, {sequence} stands for the column type of a
  // primary key that counts up by itself.
  virtual absl::Status Run(std::string_view sql) = 0;
  // OK when the database has a table of that name.
  virtual absl::StatusOr<bool> HasTable(std::string_view name) = 0;
  virtual const std::string& name() const = 0;  // the database's, for messages
};

struct DatabaseOptions {
  enum class Kind : uint8_t { kSqlite, kPostgres };
  Kind kind = Kind::kSqlite;

  // SQLite: a file, made if it isn't there, with its directories; only its owner may read it.
  std::string path;
  // SQLite: every commit waits for the disk (synchronous=FULL). Otherwise what was acknowledged
  // survives the death of the process, but the last moments may be lost when the power fails.
  bool survive_power_loss = false;
  // How long a statement waits for a lock that another process holds.
  int64_t lock_timeout_ms = 5000;

  // PostgreSQL: keywords of libpq and their values ("host", "user", ...); "dbname" may be a whole
  // connection string.
  std::vector<std::pair<std::string, std::string>> postgres;
};

// Any thread.
class Database {
 public:
  virtual ~Database() = default;
  virtual absl::StatusOr<std::unique_ptr<Connection>> Connect() const = 0;
};

// Without connecting. kInvalidArgument for options that name no database.
absl::StatusOr<std::unique_ptr<Database>> MakeDatabase(const DatabaseOptions& options);

// `sql` with $1, $2, ... for the '?' outside of quotes.
std::string NumberPlaceholders(std::string_view sql);

}  // namespace cria::store

#endif  // CRIA_STORE_SQL_H_
