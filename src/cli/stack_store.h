// The store that a configuration names.
#ifndef CRIA_CLI_STACK_STORE_H_
#define CRIA_CLI_STACK_STORE_H_

#include <memory>

#include "base/status.h"
#include "stack/config.h"
#include "store/store.h"

namespace cria::cli {

// Everything is kept in one database: the backend of the "inference" store, else of the first store
// there is. Without any, in memory's place, a file in $LLAMA_HOME/distributions/NAME.
// kInvalidArgument names the setting that is wrong; else what the store said.
absl::StatusOr<std::unique_ptr<store::Store>> OpenStackStore(const stack::StackConfig& config);

}  // namespace cria::cli

#endif  // CRIA_CLI_STACK_STORE_H_
