#include "stack/config_fields.h"

#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/edit_distance.h"
#include "base/quote.h"

namespace cria::stack {
namespace {

constexpr size_t kMaxNear = 3;
constexpr size_t kMaxListed = 40;

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string Range(int64_t low, int64_t high) {
  if (high == std::numeric_limits<int64_t>::max()) return absl::StrCat("from ", low, " on");
  return absl::StrCat(low, " to ", high);
}

void Remember(const YamlNode& node, const std::string& path, const base::json::value& value,
              ReadContext& context) {
  const std::string& raw = node.raw.empty() ? node.text : node.raw;
  const bool as_it_is = node.raw.empty() && value.is_string() && value.as_string() == raw;
  if (!as_it_is && (!node.raw.empty() || absl::StartsWith(raw, "~")))
    context.written()[path] = {raw, value};
}

std::optional<int64_t> ReadInteger(const YamlNode& node, int64_t low, int64_t high,
                                   ReadContext& context) {
  int64_t value = 0;
  if (node.is_scalar() && absl::SimpleAtoi(node.text, &value) && value >= low && value <= high)
    return value;
  context.Expected(node, absl::StrCat("a whole number ", Range(low, high)));
  return std::nullopt;
}

std::optional<bool> ReadBool(const YamlNode& node, ReadContext& context) {
  if (node.is_scalar()) {
    const std::string lower = absl::AsciiStrToLower(node.text);
    if (IsOneOf(lower, {"true", "yes", "on", "1"})) return true;
    if (IsOneOf(lower, {"false", "no", "off", "0"})) return false;
  }
  context.Expected(node, "true or false");
  return std::nullopt;
}

std::optional<double> ReadNumber(const YamlNode& node, ReadContext& context) {
  const base::json::value value = ToJson(node);
  double number = 0;
  if (value.is_int64()) return static_cast<double>(value.as_int64());
  if (value.is_double()) return value.as_double();
  if (value.is_string() && absl::SimpleAtod(std::string(value.as_string()), &number) &&
      number - number == 0)
    return number;
  context.Expected(node, "a number");
  return std::nullopt;
}

std::optional<std::vector<std::string>> ReadStrings(const YamlNode& node, ReadContext& context) {
  if (node.is_scalar()) return std::vector<std::string>{node.text};
  std::vector<std::string> strings;
  if (!node.is_sequence()) {
    context.Expected(node, "a list of texts");
    return std::nullopt;
  }
  for (const YamlNode& item : node.items) {
    if (item.is_scalar())
      strings.push_back(item.text);
    else if (!item.is_null())  // a variable that is empty: no item
      context.Expected(item, "a text");
  }
  return strings;
}

}  // namespace

void ReadContext::Wrong(const YamlNode& at, const std::string& what) {
  if (failed()) return;
  const std::string where = absl::StrCat(file_, ":", std::max(at.line, 1), ": ");
  status_ = absl::DataLossError(
      at.path.empty() ? absl::StrCat(where, what)
                      : absl::StrCat(where, "key ", base::Quote(at.path), ": ", what));
}

void ReadContext::Expected(const YamlNode& at, const std::string& expected,
                           const std::string& found) {
  Wrong(at, absl::StrCat("expected ", expected, ", found ", found));
}

void ReadContext::Expected(const YamlNode& at, const std::string& expected) {
  Expected(at, expected,
           at.raw.empty() ? Describe(at)
                          : absl::StrCat(Describe(at), ", which is ", base::Quote(at.raw)));
}

void ReadContext::Unknown(const YamlNode& at, const std::string& key,
                          const std::vector<std::string>& known) {
  const std::vector<std::string> near = base::Nearest(key, known, kMaxNear);
  std::string expected;
  if (!near.empty())
    expected = absl::StrCat("did you mean ", absl::StrJoin(near, " or "), "?");
  else if (known.empty())
    expected = "there are none here";
  else if (known.size() <= kMaxListed)
    expected = absl::StrCat("known are ", absl::StrJoin(known, ", "));
  else
    expected = "see the documentation";
  Wrong(at, absl::StrCat("expected a key that is known, found ", base::Quote(key), ": ", expected));
}

Fields::Fields(const YamlNode& map, std::string path, ReadContext& context)
    : map_(map), path_(std::move(path)), context_(context) {
  if (!map.is_map() && !map.is_null()) context.Expected(map, "a map");
}

std::string Fields::PathOf(const std::string& key) const {
  return path_.empty() ? std::string(key) : absl::StrCat(path_, ".", key);
}

const YamlNode* Fields::Get(const std::string& key) {
  known_.insert(key);
  const YamlNode* node = map_.is_map() ? map_.Find(key) : nullptr;
  if (node != nullptr && node->is_null() && !node->raw.empty())
    context_.written()[PathOf(key)] = {node->raw, nullptr};
  return node == nullptr || node->is_null() ? nullptr : node;
}

const YamlNode* Fields::Require(const std::string& key, const std::string& expected) {
  const YamlNode* node = Get(key);
  if (node != nullptr) return node;
  YamlNode missing = MakeScalar(map_, "");
  missing.path = map_.path.empty() ? std::string(key) : absl::StrCat(map_.path, ".", key);
  context_.Expected(missing, expected, "nothing");
  return nullptr;
}

std::string Fields::String(const std::string& key, std::string default_value) {
  const YamlNode* node = Get(key);
  if (node == nullptr) return default_value;
  const auto value = ReadValue(*node, ValueType::kString, PathOf(key), context_);
  return value ? std::string(value->as_string()) : "";
}

std::string Fields::RequiredString(const std::string& key, const std::string& expected) {
  return Require(key, expected) == nullptr ? "" : String(key);
}

std::string Fields::Path(const std::string& key) {
  const YamlNode* node = Get(key);
  if (node == nullptr) return "";
  const auto value = ReadValue(*node, ValueType::kPath, PathOf(key), context_);
  return value ? std::string(value->as_string()) : "";
}

int64_t Fields::Integer(const std::string& key, int64_t low, int64_t high, int64_t default_value) {
  const YamlNode* node = Get(key);
  if (node == nullptr) return default_value;
  const int64_t value = ReadInteger(*node, low, high, context_).value_or(default_value);
  Remember(*node, PathOf(key), value, context_);
  return value;
}

bool Fields::Bool(const std::string& key, bool default_value) {
  const YamlNode* node = Get(key);
  if (node == nullptr) return default_value;
  const bool value = ReadBool(*node, context_).value_or(default_value);
  Remember(*node, PathOf(key), value, context_);
  return value;
}

std::vector<std::string> Fields::Strings(const std::string& key,
                                         std::vector<std::string> otherwise) {
  const YamlNode* node = Get(key);
  if (node == nullptr) return otherwise;
  const auto value = ReadValue(*node, ValueType::kStrings, PathOf(key), context_);
  std::vector<std::string> strings;
  if (value)
    for (const base::json::value& item : value->as_array()) strings.emplace_back(item.as_string());
  return strings;
}

base::json::object Fields::Map(const std::string& key) {
  const YamlNode* node = Get(key);
  if (node == nullptr) return {};
  const auto value = ReadValue(*node, ValueType::kMap, PathOf(key), context_);
  return value ? value->as_object() : base::json::object();
}

void Fields::Finish() {
  if (!map_.is_map()) return;
  for (size_t i = 0; i < map_.keys.size(); ++i)
    if (!known_.contains(map_.keys[i]))
      return context_.Unknown(map_.items[i], map_.keys[i], {known_.begin(), known_.end()});
}

base::json::value ReadAny(const YamlNode& node, const std::string& path, ReadContext& context) {
  base::json::value value = ToJson(node);
  if (node.is_scalar() || node.is_null()) {
    if (!node.raw.empty()) context.written()[path] = {node.raw, value};
    return value;
  }
  for (size_t i = 0; i < node.items.size(); ++i)
    (void)ReadAny(
        node.items[i],
        node.is_map() ? absl::StrCat(path, ".", node.keys[i]) : absl::StrCat(path, "[", i, "]"),
        context);
  return value;
}

std::optional<base::json::value> ReadValue(const YamlNode& node, ValueType type,
                                           const std::string& path, ReadContext& context) {
  std::optional<base::json::value> value;
  switch (type) {
    case ValueType::kString:
    case ValueType::kPath:
    case ValueType::kUrl:
      if (!node.is_scalar()) {
        context.Expected(node, "a text");
        return std::nullopt;
      }
      value = base::json::value(
          type == ValueType::kPath ? ExpandHome(node.text, context.environment()) : node.text);
      if (type == ValueType::kUrl && !absl::StartsWith(node.text, "http://") &&
          !absl::StartsWith(node.text, "https://"))
        context.Expected(node, "an address that begins with http:// or https://");
      break;
    case ValueType::kInteger:
      if (const auto whole = ReadInteger(node, 0, std::numeric_limits<int64_t>::max(), context))
        value = *whole;
      break;
    case ValueType::kNumber:
      if (const auto number = ReadNumber(node, context)) value = *number;
      break;
    case ValueType::kBool:
      if (const auto flag = ReadBool(node, context)) value = *flag;
      break;
    case ValueType::kStrings:
      if (const auto strings = ReadStrings(node, context)) {
        if (node.is_sequence()) (void)ReadAny(node, path, context);
        return base::json::value_from(*strings);
      }
      break;
    case ValueType::kMap:
      if (!node.is_map()) {
        context.Expected(node, "a map");
        return std::nullopt;
      }
      return ReadAny(node, path, context);
    case ValueType::kAny:
      return ReadAny(node, path, context);
  }
  if (value) Remember(node, path, *value, context);
  return value;
}

base::json::object ReadSettings(const YamlNode& map, const ProviderType& type,
                                const std::string& path, ReadContext& context,
                                const std::vector<std::string>& besides) {
  base::json::object settings;
  if (!map.is_map() && !map.is_null()) context.Expected(map, "a map");
  for (size_t i = 0; i < map.keys.size() && map.is_map(); ++i) {
    const std::string& name = map.keys[i];
    if (std::find(besides.begin(), besides.end(), name) != besides.end()) continue;
    const ConfigKey* key = type.FindKey(name);
    if (key == nullptr) {
      std::vector<std::string> known = besides;
      for (const ConfigKey* one : type.Keys()) known.emplace_back(one->name);
      context.Unknown(map.items[i], name, known);
      return settings;
    }
    if (map.items[i].is_null()) {  // a variable that is unset stays for the writer
      if (map.items[i].raw.empty()) continue;
      (void)ReadAny(map.items[i], absl::StrCat(path, ".", key->name), context);
      continue;
    }
    if (settings.contains(key->name))
      context.Wrong(map.items[i], absl::StrCat("says again what '", key->name, "' says"));
    if (const auto value =
            ReadValue(map.items[i], key->type, absl::StrCat(path, ".", key->name), context))
      settings[key->name] = *value;
  }
  for (const ConfigKey* key : type.Keys()) {
    if (!key->required || settings.contains(key->name)) continue;
    YamlNode missing = MakeScalar(map, "");
    missing.path = absl::StrCat(map.path, map.path.empty() ? "" : ".", key->name);
    context.Expected(missing, absl::StrCat("a value, which '", type.type, "' needs"), "nothing");
  }
  return settings;
}

}  // namespace cria::stack
