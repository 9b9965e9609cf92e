// Who asks.
#ifndef CRIA_SERVER_IDENTITY_H_
#define CRIA_SERVER_IDENTITY_H_

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "server/auth_config.h"

namespace cria::server {

using Attributes = std::map<std::string, std::vector<std::string>>;

struct Identity {
  std::string principal;
  Attributes attributes;  // "roles", "teams", "projects", "namespaces"
};

// A claim is a list, or a text of words with spaces between them.
Attributes AttributesFromClaims(const base::json::object& claims, const ClaimsMapping& mapping);

// {"roles": ["a", "b"], "teams": "c"}.
Attributes AttributesFromJson(const base::json::object& object);

}  // namespace cria::server

#endif  // CRIA_SERVER_IDENTITY_H_
