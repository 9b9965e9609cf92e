#include "store/sql.h"

#include "store/postgres_database.h"
#include "store/sqlite_database.h"

namespace cria::store {

absl::Status Connection::RollbackToSavepoint() {
  CRIA_RETURN_IF_ERROR(Run("ROLLBACK TO SAVEPOINT write"));
  return Release();
}

absl::StatusOr<std::unique_ptr<Database>> MakeDatabase(const DatabaseOptions& options) {
  if (options.kind == DatabaseOptions::Kind::kPostgres) return MakePostgresDatabase(options);
  return MakeSqliteDatabase(options);
}

std::string NumberPlaceholders(std::string_view sql) {
  std::string numbered;
  numbered.reserve(sql.size() + 16);
  int count = 0;
  bool quoted = false;
  for (const char c : sql) {
    if (c == '\'') quoted = !quoted;
    if (c == '?' && !quoted)
      numbered += absl::StrCat("$", ++count);
    else
      numbered += c;
  }
  return numbered;
}

}  // namespace cria::store
