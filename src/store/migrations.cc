#include "store/migrations.h"

#include "base/quote.h"
#include "store/ids.h"

namespace cria::store {
namespace {

constexpr char kTable[] = "schema_migrations";

// What tells this database from every other: what lies beside it is marked with the same id.
Migration IdentityTable() {
  return {"identity",
          {"CREATE TABLE identity (id TEXT NOT NULL)",
           absl::StrCat("INSERT INTO identity (id) VALUES ('", NewUuid4(), "')")}};
}

Migration ChatCompletionsTable() {
  return {"chat_completions",
          {R"(CREATE TABLE chat_completions (
                seq {sequence}, id TEXT NOT NULL UNIQUE, created BIGINT NOT NULL,
                model TEXT NOT NULL, owner TEXT NOT NULL, input TEXT NOT NULL,
                response TEXT NOT NULL))",
           "CREATE INDEX chat_completions_created ON chat_completions (created, seq)",
           "CREATE INDEX chat_completions_model ON chat_completions (model, created, seq)"}};
}

Migration ConversationsTables() {
  return {"conversations",
          {R"(CREATE TABLE conversations (
                seq {sequence}, id TEXT NOT NULL UNIQUE, created BIGINT NOT NULL,
                next_position BIGINT NOT NULL, owner TEXT NOT NULL, metadata TEXT NOT NULL))",
           R"(CREATE TABLE conversation_items (
                seq {sequence},
                conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
                position BIGINT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
                UNIQUE (conversation, position), UNIQUE (conversation, id)))"}};
}

Migration PromptsTables() {
  return {"prompts",
          {R"(CREATE TABLE prompts (
                seq {sequence}, id TEXT NOT NULL UNIQUE, created BIGINT NOT NULL,
                default_version BIGINT NOT NULL, latest_version BIGINT NOT NULL,
                owner TEXT NOT NULL))",
           "CREATE INDEX prompts_created ON prompts (created, seq)",
           R"(CREATE TABLE prompt_versions (
                prompt TEXT NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
                version BIGINT NOT NULL, text TEXT NOT NULL, variables TEXT NOT NULL,
                PRIMARY KEY (prompt, version)))"}};
}

Migration FilesTable() {
  return {"files",
          {R"(CREATE TABLE files (
                seq {sequence}, id TEXT NOT NULL UNIQUE, created BIGINT NOT NULL,
                expires BIGINT, purpose TEXT NOT NULL, bytes BIGINT NOT NULL,
                owner TEXT NOT NULL, filename TEXT NOT NULL))",
           "CREATE INDEX files_created ON files (created, seq)",
           "CREATE INDEX files_expires ON files (expires)"}};
}

Migration RegistryTable() {
  return {"registry", {R"(CREATE TABLE registry (
                type TEXT NOT NULL, identifier TEXT NOT NULL, created BIGINT NOT NULL,
                provider_id TEXT NOT NULL, provider_resource_id TEXT NOT NULL,
                owner TEXT NOT NULL, metadata TEXT NOT NULL, PRIMARY KEY (type, identifier)))"}};
}

Migration QuotaTable() {
  return {"quota",
          {R"(CREATE TABLE quota (
                token_hash TEXT NOT NULL PRIMARY KEY, period_start BIGINT NOT NULL,
                period_end BIGINT NOT NULL, used BIGINT NOT NULL))",
           "CREATE INDEX quota_period_end ON quota (period_end)"}};
}

Migration TelemetryTables() {
  return {"telemetry",
          {R"(CREATE TABLE telemetry_traces (
                seq {sequence}, id TEXT NOT NULL UNIQUE, root_span TEXT NOT NULL,
                has_root BIGINT NOT NULL, started BIGINT NOT NULL, ended BIGINT,
                expires BIGINT NOT NULL, owner TEXT NOT NULL))",
           "CREATE INDEX telemetry_traces_expires ON telemetry_traces (expires)",
           R"(CREATE TABLE telemetry_spans (
                seq {sequence},
                trace TEXT NOT NULL REFERENCES telemetry_traces (id) ON DELETE CASCADE,
                id TEXT NOT NULL, parent TEXT, name TEXT NOT NULL, started BIGINT NOT NULL,
                ended BIGINT, status TEXT NOT NULL, attributes TEXT NOT NULL,
                UNIQUE (trace, id)))",
           "CREATE INDEX telemetry_spans_id ON telemetry_spans (id)",
           R"(CREATE TABLE telemetry_events (
                seq {sequence}, trace TEXT NOT NULL, span TEXT NOT NULL, time BIGINT NOT NULL,
                type TEXT NOT NULL, name TEXT NOT NULL, expires BIGINT NOT NULL,
                owner TEXT NOT NULL, body TEXT NOT NULL))",
           "CREATE INDEX telemetry_events_name ON telemetry_events (type, name, time)",
           "CREATE INDEX telemetry_events_expires ON telemetry_events (expires)"}};
}

struct Step {
  int64_t version = 0;
  std::string name;
};

// The steps that were applied, in order.
absl::StatusOr<std::vector<Step>> Applied(Connection& connection) {
  std::vector<Step> steps;
  CRIA_RETURN_IF_ERROR(connection.Query(
      "SELECT version, name FROM schema_migrations ORDER BY version", {}, [&](const Row& row) {
        steps.push_back({row.Int(0), std::string(row.Text(1))});
        return true;
      }));
  return steps;
}

absl::Status CheckKnown(const std::vector<Step>& applied, std::span<const Migration> known,
                        const std::string& database) {
  for (size_t i = 0; i < applied.size(); ++i) {
    const Step& step = applied[i];
    if (i < known.size() && step.version == static_cast<int64_t>(i) + 1 &&
        step.name == known[i].name)
      continue;
    return absl::FailedPreconditionError(absl::StrCat(
        database, ": its schema has step ", step.version, " ", base::Quote(step.name),
        ", but this program knows ",
        known.empty() ? "none"
                      : absl::StrCat("steps 1 to ", known.size(), " '", known.back().name, "'"),
        ": use the newer version that made it, or another database"));
  }
  return absl::OkStatus();
}

absl::Status Apply(Connection& connection, const Migration& migration, int64_t version,
                   int64_t now) {
  for (const std::string& statement : migration.statements)
    CRIA_RETURN_IF_ERROR(base::Annotate(connection.Run(statement),
                                        absl::StrCat("schema step '", migration.name, "'")));
  return connection
      .Execute("INSERT INTO schema_migrations (version, name, applied) VALUES (?, ?, ?)",
               {version, migration.name, now})
      .status();
}

// Within a transaction: the next step, if there is one. False when all are applied.
absl::StatusOr<bool> ApplyNext(Connection& connection, std::span<const Migration> migrations,
                               int64_t now) {
  CRIA_ASSIGN_OR_RETURN(const bool begun, connection.HasTable(kTable));
  if (!begun)
    CRIA_RETURN_IF_ERROR(connection.Run(
        "CREATE TABLE schema_migrations (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, "
        "applied BIGINT NOT NULL)"));
  CRIA_ASSIGN_OR_RETURN(const std::vector<Step> applied, Applied(connection));
  CRIA_RETURN_IF_ERROR(CheckKnown(applied, migrations, connection.name()));
  if (applied.size() == migrations.size()) return false;
  CRIA_RETURN_IF_ERROR(
      Apply(connection, migrations[applied.size()], static_cast<int64_t>(applied.size()) + 1, now));
  return true;
}

}  // namespace

std::vector<Migration> Migrations() {
  return {IdentityTable(), ChatCompletionsTable(), ConversationsTables(), PromptsTables(),
          FilesTable(),    RegistryTable(),        QuotaTable(),          TelemetryTables()};
}

absl::Status Migrate(Connection& connection, std::span<const Migration> migrations, int64_t now) {
  while (true) {
    CRIA_RETURN_IF_ERROR(connection.BeginSchemaChange());
    absl::StatusOr<bool> more = ApplyNext(connection, migrations, now);
    if (more.ok() && *more) {
      CRIA_RETURN_IF_ERROR(connection.Commit());
      continue;
    }
    // Nothing to keep: no step was applied, or one failed.
    if (connection.in_transaction()) (void)connection.Rollback();
    return more.status();
  }
}

}  // namespace cria::store
