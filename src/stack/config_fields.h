// Reading a map member by member: types, ranges, unknown keys, and one message for each mistake.
#ifndef CRIA_STACK_CONFIG_FIELDS_H_
#define CRIA_STACK_CONFIG_FIELDS_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "stack/config.h"
#include "stack/environment.h"
#include "stack/provider_catalogue.h"
#include "stack/yaml_document.h"

namespace cria::stack {

// What is known while one file is read: where it is, the environment, the first mistake, and how
// scalars were written. One thread.
class ReadContext {
 public:
  ReadContext(std::string file, Environment environment)
      : file_(std::move(file)), environment_(std::move(environment)) {}

  const Environment& environment() const { return environment_; }
  const absl::Status& status() const { return status_; }
  bool failed() const { return !status_.ok(); }
  std::map<std::string, WrittenScalar>& written() { return written_; }

  // "FILE:LINE: key 'server.port': expected EXPECTED, found FOUND". The first one is kept.
  void Expected(const YamlNode& at, const std::string& expected, const std::string& found);
  void Expected(const YamlNode& at, const std::string& expected);  // found: what the node is
  void Unknown(const YamlNode& at, const std::string& key, const std::vector<std::string>& known);
  void Wrong(const YamlNode& at, const std::string& what);  // "FILE:LINE: key '...': WHAT"

 private:
  std::string file_;
  Environment environment_;
  absl::Status status_;
  std::map<std::string, WrittenScalar> written_;
};

// The members of one map. Absent members and null give the default; after a mistake values are
// arbitrary and ReadContext::status() tells.
class Fields {
 public:
  // `path` is the map's place in the newest form. A node that is neither a map nor null is a
  // mistake; null is a map without members.
  Fields(const YamlNode& map, std::string path, ReadContext& context);

  const std::string& path() const { return path_; }
  ReadContext& context() { return context_; }
  std::string PathOf(const std::string& key) const;

  // The member, unless absent or null; known from then on.
  const YamlNode* Get(const std::string& key);
  // The same; absence is a mistake.
  const YamlNode* Require(const std::string& key, const std::string& expected);

  std::string String(const std::string& key, std::string default_value = "");
  std::string RequiredString(const std::string& key, const std::string& expected);
  std::string Path(const std::string& key);  // with the home directory for `~`
  int64_t Integer(const std::string& key, int64_t low, int64_t high, int64_t default_value);
  bool Bool(const std::string& key, bool default_value);
  std::vector<std::string> Strings(const std::string& key, std::vector<std::string> otherwise = {});
  base::json::object Map(const std::string& key);

  // Members that nobody asked for are mistakes.
  void Finish();

 private:
  const YamlNode& map_;
  std::string path_;
  ReadContext& context_;
  std::set<std::string> known_;
};

// One value of a given type. nullopt after a mistake.
std::optional<base::json::value> ReadValue(const YamlNode& node, ValueType type,
                                           const std::string& path, ReadContext& context);

// Any value; how its scalars were written is remembered under `path`.
base::json::value ReadAny(const YamlNode& node, const std::string& path, ReadContext& context);

// A map with the keys of `type`, by their newest names. Keys in `besides` are left to the caller.
base::json::object ReadSettings(const YamlNode& map, const ProviderType& type,
                                const std::string& path, ReadContext& context,
                                const std::vector<std::string>& besides = {});

}  // namespace cria::stack

#endif  // CRIA_STACK_CONFIG_FIELDS_H_
