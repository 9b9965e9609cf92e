// Gives the variables of a configuration their values.
#ifndef CRIA_STACK_CONFIG_SUBSTITUTION_H_
#define CRIA_STACK_CONFIG_SUBSTITUTION_H_

#include <utility>
#include <vector>

#include "stack/config_fields.h"

namespace cria::stack {

// What was dropped, as it stood; `path`: "providers.inference[2]", "server.auth".
struct DroppedEntry {
  std::string path;
  base::json::object entry;
};

// In every scalar of `root`. What a variable gave is a plain scalar: empty is null, "8321" a
// number. Entries of lists whose id (provider_id, model_id, ...) came out empty or as __disabled__
// are dropped, whatever else they hold, and so is `server.auth` without a type. Mistakes go to
// `context`.
std::vector<DroppedEntry> SubstituteVariables(YamlNode* root, ReadContext& context);

}  // namespace cria::stack

#endif  // CRIA_STACK_CONFIG_SUBSTITUTION_H_
