// What was registered by requests: models, later shields, tool groups and others.
#ifndef CRIA_STORE_REGISTRY_H_
#define CRIA_STORE_REGISTRY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "store/clock.h"
#include "store/owner.h"
#include "store/reader.h"
#include "store/writer.h"

namespace cria::store {

struct Resource {
  std::string type;        // "model", ...
  std::string identifier;  // unique for its type
  std::string provider_id;
  std::string provider_resource_id;  // the provider's name for it
  std::string metadata = "{}";       // a JSON object
  Owner owner;
  int64_t created = 0;  // Unix seconds; set by the registry
};

// Any thread. Errors as in sql.h, and of a full queue as in writer.h; kNotFound and kAlreadyExists
// name the type and the identifier.
class Registry {
 public:
  // Both live longer.
  Registry(Reader& reader, Writer& writer, Clock clock)
      : reader_(reader), writer_(writer), clock_(std::move(clock)) {}

  absl::StatusOr<Resource> Register(Resource resource);
  // All but its type, identifier, owner and time becomes as in `resource`.
  absl::Status Update(const Resource& resource);
  absl::Status Unregister(const std::string& type, const std::string& identifier);
  absl::StatusOr<Resource> Get(const std::string& type, const std::string& identifier);
  absl::StatusOr<std::vector<Resource>> List(const std::string& type);  // by identifier

 private:
  Reader& reader_;
  Writer& writer_;
  const Clock clock_;
};

}  // namespace cria::store

#endif  // CRIA_STORE_REGISTRY_H_
