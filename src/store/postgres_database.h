// PostgreSQL through libpq.
#ifndef CRIA_STORE_POSTGRES_DATABASE_H_
#define CRIA_STORE_POSTGRES_DATABASE_H_

#include <memory>

#include "base/status.h"
#include "store/sql.h"

namespace cria::store {

absl::StatusOr<std::unique_ptr<Database>> MakePostgresDatabase(const DatabaseOptions& options);

}  // namespace cria::store

#endif  // CRIA_STORE_POSTGRES_DATABASE_H_
