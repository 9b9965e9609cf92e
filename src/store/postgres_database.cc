#include "store/postgres_database.h"

#include <libpq-fe.h>

#include <cstdlib>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"

namespace cria::store {
namespace {

// What a value can hold (PostgreSQL 15, appendix K).
constexpr size_t kMaxTextBytes = size_t{1} << 30;

// Who changes the schema holds this advisory lock: the bytes of "cria".
constexpr int64_t kSchemaLock = 0x63726961;

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ClearResult>;
struct FinishConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};

struct Condition {
  const char* prefix;  // of an SQLSTATE (PostgreSQL 15, appendix A); the longest comes first
  absl::StatusCode code;
  const char* remedy;
};
constexpr Condition kConditions[] = {
    {"23505", absl::StatusCode::kAlreadyExists, ""},
    {"23503", absl::StatusCode::kNotFound, ""},
    {"22021", absl::StatusCode::kInvalidArgument, ""},
    {"40", absl::StatusCode::kAborted, ": try again"},
    {"55P03", absl::StatusCode::kUnavailable, ": another client holds a lock; try again"},
    {"53", absl::StatusCode::kUnavailable, ": the server has no room; see its log, then try again"},
    {"57", absl::StatusCode::kUnavailable, ": the server stopped it; try again"},
    {"08", absl::StatusCode::kUnavailable, ": the connection is lost; try again"},
    {"28", absl::StatusCode::kPermissionDenied, ""},
    {"42501", absl::StatusCode::kPermissionDenied, ": grant it, or connect as another user"},
    {"58030", absl::StatusCode::kUnavailable, ": the server can't reach its disk; see its log"},
    {"XX001", absl::StatusCode::kDataLoss, ": the database is damaged; restore a copy"},
    {"XX002", absl::StatusCode::kDataLoss, ": the database is damaged; rebuild its index"},
};

std::string OneLine(const char* text) {
  std::string line(absl::StripAsciiWhitespace(text));
  return absl::StrReplaceAll(line, {{"\n", "; "}});
}

absl::Status Error(PGconn* connection, const PGresult* result, const std::string& name) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (state == nullptr || PQstatus(connection) != CONNECTION_OK)
    return absl::UnavailableError(absl::StrCat(name, ": ", OneLine(PQerrorMessage(connection)),
                                               ": the connection is lost; try again"));
  const std::string message =
      absl::StrCat(name, ": ", OneLine(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
  for (const Condition& condition : kConditions)
    if (absl::StartsWith(state, condition.prefix))
      return absl::Status(condition.code, absl::StrCat(message, condition.remedy));
  return absl::InternalError(absl::StrCat(message, " (SQLSTATE ", state, ")"));
}

class PostgresRow final : public Row {
 public:
  PostgresRow(const PGresult* result, int row) : result_(result), row_(row) {}
  bool IsNull(int column) const override { return PQgetisnull(result_, row_, column) != 0; }
  int64_t Int(int column) const override {
    return std::strtoll(PQgetvalue(result_, row_, column), nullptr, 10);
  }
  std::string_view Text(int column) const override {
    return {PQgetvalue(result_, row_, column),
            static_cast<size_t>(PQgetlength(result_, row_, column))};
  }

 private:
  const PGresult* result_;
  int row_;
};

class PostgresConnection final : public Connection {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const DatabaseOptions& options);

  absl::StatusOr<int64_t> Execute(std::string_view sql, const Params& params) override;
  absl::Status Query(std::string_view sql, const Params& params,
                     absl::FunctionRef<bool(const Row&)> on_row) override;
  absl::Status Begin() override { return Run("BEGIN"); }
  absl::Status BeginSchemaChange() override;
  bool in_transaction() const override {
    const PGTransactionStatusType status = PQtransactionStatus(connection_.get());
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
  }
  bool usable() const override { return PQstatus(connection_.get()) == CONNECTION_OK; }
  absl::Status Run(std::string_view sql) override;
  absl::StatusOr<bool> HasTable(std::string_view name) override;
  const std::string& name() const override { return name_; }

 private:
  PostgresConnection(std::string name, PGconn* connection)
      : name_(std::move(name)), connection_(connection) {}
  absl::StatusOr<std::string> Prepare(std::string_view sql);
  absl::StatusOr<Result> Send(std::string_view sql, const Params& params);

  std::string name_;
  std::unique_ptr<PGconn, FinishConnection> connection_;
  std::map<std::string, std::string, std::less<>> prepared_;  // SQL -> name of the statement
};

absl::StatusOr<std::unique_ptr<Connection>> PostgresConnection::Open(
    const DatabaseOptions& options) {
  // What the options say comes later and wins. A server that is silent is given up in the end.
  std::vector<const char*> keywords = {"connect_timeout", "keepalives_idle", "tcp_user_timeout",
                                       "fallback_application_name"};
  std::vector<const char*> values = {"10", "30", "30000", "cria"};
  for (const auto& [keyword, value] : options.postgres) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.insert(keywords.end(), {"client_encoding", nullptr});
  values.insert(values.end(), {"UTF8", nullptr});
  PGconn* handle = PQconnectdbParams(keywords.data(), values.data(), /*expand_dbname=*/1);
  if (handle == nullptr) return absl::ResourceExhaustedError("PostgreSQL: out of memory");
  const char* database = PQdb(handle);
  const std::string name =
      absl::StrCat("PostgreSQL database '", database == nullptr ? "" : database, "'");
  std::unique_ptr<PostgresConnection> connection(new PostgresConnection(name, handle));
  if (PQstatus(handle) != CONNECTION_OK)
    return absl::UnavailableError(absl::StrCat(name, ": ", OneLine(PQerrorMessage(handle)),
                                               ": is the server up, and its address right?"));
  // Otherwise libpq prints them.
  PQsetNoticeProcessor(
      handle, [](void*, const char*) {}, nullptr);
  CRIA_RETURN_IF_ERROR(
      connection->Run(absl::StrCat("SET lock_timeout = ", options.lock_timeout_ms)));
  return connection;
}

absl::Status PostgresConnection::BeginSchemaChange() {
  CRIA_RETURN_IF_ERROR(Begin());
  return Query("SELECT pg_advisory_xact_lock(?)", {kSchemaLock}, [](const Row&) { return true; });
}

absl::StatusOr<std::string> PostgresConnection::Prepare(std::string_view sql) {
  const auto found = prepared_.find(sql);
  if (found != prepared_.end()) return found->second;
  std::string statement = absl::StrCat("cria_", prepared_.size());
  const Result result(
      PQprepare(connection_.get(), statement.c_str(), NumberPlaceholders(sql).c_str(), 0, nullptr));
  if (PQresultStatus(result.get()) != PGRES_COMMAND_OK)
    return Error(connection_.get(), result.get(), name_);
  prepared_.emplace(sql, statement);
  return statement;
}

absl::StatusOr<Result> PostgresConnection::Send(std::string_view sql, const Params& params) {
  CRIA_ASSIGN_OR_RETURN(const std::string statement, Prepare(sql));
  std::vector<std::string> numbers(params.size());
  std::vector<const char*> values(params.size(), nullptr);
  std::vector<int> lengths(params.size(), 0), formats(params.size(), 0);
  for (size_t i = 0; i < params.size(); ++i) {
    if (const auto* number = std::get_if<int64_t>(&params[i])) {
      numbers[i] = absl::StrCat(*number);
      values[i] = numbers[i].c_str();
    } else if (const auto* text = std::get_if<std::string_view>(&params[i])) {
      if (text->size() > kMaxTextBytes)
        return absl::InvalidArgumentError(absl::StrCat(name_, ": a text of ", text->size(),
                                                       " bytes, expected at most ", kMaxTextBytes));
      // The binary form of a text is its bytes: they need no zero at their end.
      values[i] = text->empty() ? "" : text->data();
      lengths[i] = static_cast<int>(text->size());
      formats[i] = 1;
    }
  }
  Result result(PQexecPrepared(connection_.get(), statement.c_str(),
                               static_cast<int>(params.size()), values.data(), lengths.data(),
                               formats.data(), /*resultFormat=*/0));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    return Error(connection_.get(), result.get(), name_);
  return result;
}

absl::StatusOr<int64_t> PostgresConnection::Execute(std::string_view sql, const Params& params) {
  CRIA_ASSIGN_OR_RETURN(const Result result, Send(sql, params));
  int64_t changed = 0;
  (void)absl::SimpleAtoi(PQcmdTuples(result.get()), &changed);  // empty where nothing is counted
  return changed;
}

absl::Status PostgresConnection::Query(std::string_view sql, const Params& params,
                                       absl::FunctionRef<bool(const Row&)> on_row) {
  CRIA_ASSIGN_OR_RETURN(const Result result, Send(sql, params));
  const int rows = PQntuples(result.get());
  for (int row = 0; row < rows; ++row)
    if (!on_row(PostgresRow(result.get(), row))) break;
  return absl::OkStatus();
}

absl::Status PostgresConnection::Run(std::string_view sql) {
  const std::string text =
      absl::StrReplaceAll(absl::string_view(sql.data(), sql.size()),
                          {{"{sequence}", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"}});
  const Result result(PQexec(connection_.get(), text.c_str()));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
    // The answer to a COMMIT of a transaction that had failed is that it was rolled back.
    if (sql == "COMMIT" && std::string_view(PQcmdStatus(result.get())) == "ROLLBACK")
      return absl::AbortedError(absl::StrCat(name_, ": the transaction had failed: try again"));
    return absl::OkStatus();
  }
  return Error(connection_.get(), result.get(), name_);
}

absl::StatusOr<bool> PostgresConnection::HasTable(std::string_view table) {
  bool found = false;
  CRIA_RETURN_IF_ERROR(
      Query("SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = ?",
            {table}, [&](const Row&) {
              found = true;
              return false;
            }));
  return found;
}

class PostgresDatabase final : public Database {
 public:
  explicit PostgresDatabase(const DatabaseOptions& options) : options_(options) {}
  absl::StatusOr<std::unique_ptr<Connection>> Connect() const override {
    return PostgresConnection::Open(options_);
  }

 private:
  const DatabaseOptions options_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> MakePostgresDatabase(const DatabaseOptions& options) {
  if (options.postgres.empty())
    return absl::InvalidArgumentError(
        "PostgreSQL: expected at least a host or a connection string");
  return std::make_unique<PostgresDatabase>(options);
}

}  // namespace cria::store
