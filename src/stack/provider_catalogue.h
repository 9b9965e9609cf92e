// The APIs of the stack and the provider types that a configuration may name: tables, data only.
// Immutable; any thread. To add a provider type, add a row to provider_table_*.cc.
#ifndef CRIA_STACK_PROVIDER_CATALOGUE_H_
#define CRIA_STACK_PROVIDER_CATALOGUE_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cria::stack {

struct ApiEntry {
  const char* name;
  const char* former;  // earlier names, separated by spaces; or ""
  const char* description;
};

enum class ValueType : uint8_t {
  kString,
  kInteger,  // from 0 on
  kNumber,
  kBool,
  kPath,     // a string; `~` is the home directory
  kUrl,      // http:// or https://
  kStrings,  // a list of strings
  kMap,
  kAny,
};

// One key of a provider's config. Texts are nullptr where there is none.
struct ConfigKey {
  const char* name;
  ValueType type = ValueType::kString;
  const char* default_value = nullptr;  // what it is when it is absent
  const char* question = nullptr;       // what `configure` asks; keys without aren't asked for
  const char* variable = nullptr;       // of the environment: what `build` refers to
  bool secret = false;                  // never shown
  bool required = false;
  const char* former = "";  // earlier names, separated by spaces
};

struct ProviderType {
  const char* api;
  const char* type;    // "inline::cria", "remote::ollama"
  const char* former;  // other names for it, separated by spaces; or ""
  const char* description;
  std::span<const ConfigKey> own_keys;
  std::span<const ConfigKey> shared_keys;  // those that its kind has in common
  bool available;                          // this build runs it
  const char* id = nullptr;  // provider_id where nobody says one; nullptr: the type's last word

  const ConfigKey* FindKey(std::string_view name) const;  // also by a former name
  std::vector<const ConfigKey*> Keys() const;
  std::string DefaultId() const;
};

std::span<const ApiEntry> Apis();
// By its name or an earlier one ("memory" is vector_io); nullptr: none.
const ApiEntry* FindApi(std::string_view name);
std::vector<std::string> ApiNames();
// Names that early configurations list as APIs but that have no providers of their own, such as
// "models": they are always served.
bool IsRegistryApi(std::string_view name);

// All of an API, those that run first.
std::vector<const ProviderType*> ProviderTypes(std::string_view api);
// By its type or another name for it, also without "inline::"; nullptr: none.
const ProviderType* FindProviderType(std::string_view api, std::string_view type);

// The kinds of storage backend ("kv_sqlite", ...); `api` is "storage".
const ProviderType* FindBackendType(std::string_view type);
std::vector<const ProviderType*> BackendTypes();

// The kinds of authentication ("oauth2_token", ...); `api` is "auth".
const ProviderType* FindAuthType(std::string_view type);
std::vector<const ProviderType*> AuthTypes();

}  // namespace cria::stack

#endif  // CRIA_STACK_PROVIDER_CATALOGUE_H_
