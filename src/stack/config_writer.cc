#include "stack/config_writer.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "stack/yaml_document.h"

namespace cria::stack {
namespace {

namespace json = base::json;

// Whether a text in YAML without quotes is that text, for readers of YAML 1.1 too.
bool IsPlain(const std::string& text) {
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.text = text;
  if (IsYamlNull(text) || !ToJson(node).is_string()) return false;
  static constexpr std::string_view kWords[] = {"yes", "no", "on", "off", "y", "n"};
  const std::string lower = absl::AsciiStrToLower(text);
  if (std::find(std::begin(kWords), std::end(kWords), lower) != std::end(kWords)) return false;
  const auto first = static_cast<unsigned char>(text[0]);
  if (!absl::ascii_isalnum(first) && !absl::StrContains("/~.$_", text.substr(0, 1))) return false;
  if (std::any_of(text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }))
    return false;
  const bool like_a_time = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == ':' || c == '-' || c == '_';
  });
  return !like_a_time && !absl::StrContains(text, ": ") && !absl::StrContains(text, " #") &&
         text.back() != ':' && text.back() != ' ';
}

std::string Scalar(const std::string& text) {
  if (IsPlain(text)) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      absl::StrAppend(&quoted, "\\", std::string(1, c));
    else if (c == '\n')
      quoted += "\\n";
    else if (static_cast<unsigned char>(c) < ' ' || c == 0x7f)
      absl::StrAppendFormat(&quoted, "\\x%02x", static_cast<unsigned>(c));
    else
      quoted += c;
  }
  return quoted + "\"";
}

class YamlWriter {
 public:
  YamlWriter(const std::map<std::string, WrittenScalar>& written, Secrets secrets)
      : written_(written), secrets_(secrets) {}

  std::string Write(const json::object& object) {
    Map(object, "", 0);
    return std::move(out_);
  }

 private:
  static constexpr size_t kIndent = 2;

  void Map(const json::object& object, const std::string& path, size_t indent) {
    bool first = true;
    for (const auto& member : object) {
      if (!first || !in_item_) out_.append(indent, ' ');
      first = in_item_ = false;
      const std::string key(member.key());
      absl::StrAppend(&out_, Scalar(key), ":");
      Value(member.value(), path.empty() ? key : absl::StrCat(path, ".", key), key, indent);
    }
  }

  // Behind "key:".
  void Value(const json::value& value, const std::string& path, const std::string& key,
             size_t indent) {
    if (const json::object* object = value.if_object(); object != nullptr && !object->empty()) {
      out_ += "\n";
      Map(*object, path, indent + kIndent);
    } else if (const json::array* array = value.if_array(); array != nullptr && !array->empty()) {
      out_ += "\n";
      List(*array, path, key, indent);
    } else {
      absl::StrAppend(&out_, " ", Leaf(value, path, key), "\n");
    }
  }

  void List(const json::array& array, const std::string& path, const std::string& key,
            size_t indent) {
    for (size_t i = 0; i < array.size(); ++i) {
      const std::string item_path = absl::StrCat(path, "[", i, "]");
      out_.append(indent, ' ');
      out_ += "-";
      if (const json::object* object = array[i].if_object();
          object != nullptr && !object->empty()) {
        out_ += " ";
        in_item_ = true;
        Map(*object, item_path, indent + kIndent);
      } else if (array[i].is_array() && !array[i].as_array().empty()) {
        out_ += "\n";
        List(array[i].as_array(), item_path, key, indent + kIndent);
      } else {
        absl::StrAppend(&out_, " ", Leaf(array[i], item_path, key), "\n");
      }
    }
  }

  std::string Leaf(const json::value& value, const std::string& path, const std::string& key) {
    const auto raw = written_.find(path);
    if (raw != written_.end() && raw->second.value == value) return Scalar(raw->second.raw);
    if (!value.is_string()) return json::serialize(value);
    const std::string text(value.as_string());
    const bool hidden =
        secrets_ == Secrets::kHidden && IsSecretName(key) && !absl::StrContains(text, "${env.");
    return Scalar(hidden ? kHiddenSecret : text);
  }

  const std::map<std::string, WrittenScalar>& written_;
  Secrets secrets_;
  bool in_item_ = false;  // the next key stands behind "- "
  std::string out_;
};

// The object of that name in `object`.
json::object* ObjectIn(json::object* object, std::string_view name) {
  json::value& value = (*object)[name];
  if (!value.is_object()) value = json::object();
  return &value.as_object();
}

// The value at a path such as "providers.inference[0].config"; nullptr: there is none.
json::value* ValueAt(json::value* root, const std::string& path) {
  json::value* value = root;
  const std::vector<std::string> words =
      absl::StrSplit(path, absl::ByAnyChar(".["), absl::SkipEmpty());
  for (const std::string& word : words) {
    size_t index = 0;
    if (json::array* array = value->if_array()) {
      const bool there =
          word.back() == ']' && absl::SimpleAtoi(word.substr(0, word.size() - 1), &index);
      if (!there || index >= array->size()) return nullptr;
      value = &(*array)[index];
    } else {
      json::object* object = value->if_object();
      value = object == nullptr ? nullptr : object->if_contains(word);
      if (value == nullptr) return nullptr;
    }
  }
  return value;
}

// Members whose variable is unset, such as "host: ${env.HOST:=}": the configuration has none of
// them, the file keeps them.
void AddUnset(const StackConfig& config, json::value* root) {
  for (const auto& [path, scalar] : config.written) {
    if (!scalar.value.is_null() || path.back() == ']') continue;
    const size_t dot = path.rfind('.');
    json::value* parent = dot == std::string::npos ? root : ValueAt(root, path.substr(0, dot));
    json::object* object = parent == nullptr ? nullptr : parent->if_object();
    const std::string name = path.substr(dot == std::string::npos ? 0 : dot + 1);
    if (object != nullptr && !object->contains(name)) (*object)[name] = nullptr;
  }
}

void AddSwitchedOff(const StackConfig& config, json::object* object) {
  for (const auto& [path, entry] : config.switched_off) {
    const std::pair<std::string, std::string> words = absl::StrSplit(path, absl::MaxSplits('.', 1));
    json::value& place = (*ObjectIn(object, words.first))[words.second];
    if (path == "server.auth") {
      place = entry;
      continue;
    }
    if (!place.is_array()) place = json::array();
    place.as_array().push_back(entry);
  }
}

}  // namespace

std::string WriteStackConfig(const StackConfig& config, Secrets secrets) {
  json::value root = ToJson(config);
  AddUnset(config, &root);
  AddSwitchedOff(config, &root.as_object());
  return YamlWriter(config.written, secrets).Write(root.as_object());
}

absl::Status WritePrivateFile(const std::string& path, const std::string& text) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path parent = fs::path(path).parent_path();
  if (!parent.empty() && fs::create_directories(parent, error))
    fs::permissions(parent, fs::perms::owner_all, error);
  if (error)
    return absl::InternalError(
        absl::StrCat(parent.string(), ": cannot make the folder: ", error.message()));
  CRIA_RETURN_IF_ERROR(base::WriteFileAtomically(path, text));
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write, error);
  if (!error) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(path, ": cannot set who may read it: ", error.message()));
}

std::string WriteYaml(const json::object& object) {
  return YamlWriter({}, Secrets::kWritten).Write(object);
}

}  // namespace cria::stack
