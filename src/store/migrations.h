// The schema of the database, as numbered steps. A step that was released never changes: what is
// new is a new step at the end.
#ifndef CRIA_STORE_MIGRATIONS_H_
#define CRIA_STORE_MIGRATIONS_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "store/sql.h"

namespace cria::store {

struct Migration {
  std::string name;  // "chat_completions"; the first step is number 1
  std::vector<std::string> statements;
};

// All steps that this program knows.
std::vector<Migration> Migrations();

// Applies the steps that the database doesn't have yet, each in a transaction of its own, while no
// other process does. `now`: Unix seconds, for the record. kFailedPrecondition, with the steps'
// names, for a database that has steps this program doesn't know; nothing is changed then.
absl::Status Migrate(Connection& connection, std::span<const Migration> migrations, int64_t now);

}  // namespace cria::store

#endif  // CRIA_STORE_MIGRATIONS_H_
