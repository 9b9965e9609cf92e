// A YAML file as a bounded tree that knows where each of its parts stands, for messages.
#ifndef CRIA_STACK_YAML_DOCUMENT_H_
#define CRIA_STACK_YAML_DOCUMENT_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace cria::stack {

// Limits of a document: far above any configuration that people write, and low enough that nothing
// a document can say takes much memory. Aliases count as what they stand for.
inline constexpr size_t kMaxYamlBytes = size_t{256} << 10;
inline constexpr size_t kMaxYamlNodes = 20'000;
inline constexpr size_t kMaxYamlDepth = 32;
inline constexpr size_t kMaxYamlKeyBytes = 128;

struct YamlNode {
  enum class Kind : uint8_t { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  int line = 0;         // from 1; of a map's member, that of its key
  std::string path;     // "server.port", "providers.inference[0].config", as it stands in the file
  std::string text;     // kScalar
  bool quoted = false;  // kScalar: a string, whatever it looks like
  std::string raw;      // kScalar, kNull: the text before substitution, if that changed it
  std::vector<std::string> keys;  // kMap: of `items`
  std::vector<YamlNode> items;    // kSequence, kMap

  bool is_map() const { return kind == Kind::kMap; }
  bool is_sequence() const { return kind == Kind::kSequence; }
  bool is_scalar() const { return kind == Kind::kScalar; }
  bool is_null() const { return kind == Kind::kNull; }

  // The member of that name, or nullptr.
  const YamlNode* Find(std::string_view key) const;
  YamlNode* Find(std::string_view key);
  // Adds a member, or replaces the one of that name.
  YamlNode& Set(const std::string& key, YamlNode value);
  // The member of that name, taken out; a kNull node if there is none.
  YamlNode Take(std::string_view key);
};

// A scalar, a map without members: nodes that no file holds, which stand where `place` does.
YamlNode MakeScalar(const YamlNode& place, std::string text);
YamlNode MakeMap(const YamlNode& place);
YamlNode MakeSequence(const YamlNode& place);

// One YAML document. Anchors, aliases and merge keys are resolved; tags other than YAML's own, keys
// that are no scalars, and keys that come twice are refused. kDataLoss as "FILE:LINE: what".
absl::StatusOr<YamlNode> ParseYaml(std::string_view text, const std::string& file);

// The value that a scalar stands for: null, true, false, a number or a string.
base::json::value ToJson(const YamlNode& node);

// How messages speak of it: "'abc'", "a list", "a map", "nothing".
std::string Describe(const YamlNode& node);

// Whether a plain scalar of this text is null in YAML.
bool IsYamlNull(std::string_view text);

}  // namespace cria::stack

#endif  // CRIA_STACK_YAML_DOCUMENT_H_
