// SQLite in a file, in WAL mode: readers and the one writer don't wait for each other.
#ifndef CRIA_STORE_SQLITE_DATABASE_H_
#define CRIA_STORE_SQLITE_DATABASE_H_

#include <memory>

#include "base/status.h"
#include "store/sql.h"

namespace cria::store {

absl::StatusOr<std::unique_ptr<Database>> MakeSqliteDatabase(const DatabaseOptions& options);

}  // namespace cria::store

#endif  // CRIA_STORE_SQLITE_DATABASE_H_
