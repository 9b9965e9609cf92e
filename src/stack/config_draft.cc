#include "stack/config_draft.h"

#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/quote.h"
#include "stack/config_fields.h"
#include "stack/config_writer.h"

namespace cria::stack {
namespace {

constexpr int64_t kLowestPort = 1024;
constexpr int64_t kHighestPort = 65535;

absl::Status CheckValue(const YamlNode& node, ValueType type) {
  ReadContext context("answer", [](const std::string&) { return std::optional<std::string>(); });
  (void)ReadValue(node, type, "", context);
  if (!context.failed()) return absl::OkStatus();
  // "answer:1: expected ...": the place is known.
  const std::string message(context.status().message());
  return absl::InvalidArgumentError(message.substr(message.find(": ") + 2));
}

// Whatever the variables of an answer are, when the server starts.
absl::Status CheckVariables(const std::string& answer) {
  const auto value =
      Substitute(answer, [](const std::string&) { return std::optional<std::string>("value"); });
  return value.ok() ? absl::OkStatus() : absl::InvalidArgumentError(value.status().message());
}

std::string TextOf(const YamlNode* node) {
  return node == nullptr || !node->is_scalar() ? "" : node->text;
}

}  // namespace

absl::StatusOr<ConfigDraft> ConfigDraft::From(const std::string& run_yaml,
                                              const std::string& file) {
  CRIA_ASSIGN_OR_RETURN(YamlNode root, ParseYaml(run_yaml, file));
  if (!root.is_map())
    return absl::DataLossError(absl::StrCat(file, ":1: expected a map, found ", Describe(root)));
  ConfigDraft draft(std::move(root));
  draft.AskAboutProviders();
  const YamlNode* server = draft.root_.Find("server");
  const auto now = [&](const char* key) {
    return server == nullptr ? "" : TextOf(server->Find(key));
  };
  draft.Ask({"server", "Port", now("port")},
            {{"server", "port"}, ValueType::kInteger, kLowestPort, kHighestPort});
  draft.Ask({"server", "Address to listen at", now("host")},
            {{"server", "host"}, ValueType::kString});
  return draft;
}

void ConfigDraft::AskAboutProviders() {
  const YamlNode* providers = root_.Find("providers");
  if (providers == nullptr || !providers->is_map()) return;
  for (size_t i = 0; i < providers->keys.size(); ++i)
    for (size_t entry = 0; entry < providers->items[i].items.size(); ++entry)
      AskAboutProvider(providers->keys[i], entry, providers->items[i].items[entry]);
}

void ConfigDraft::AskAboutProvider(const std::string& api, size_t index, const YamlNode& entry) {
  const std::string id = TextOf(entry.Find("provider_id"));
  const ProviderType* type = FindProviderType(api, TextOf(entry.Find("provider_type")));
  if (type == nullptr || HasVariables(id)) return;
  const YamlNode* config = entry.Find("config");
  for (const ConfigKey* key : type->Keys()) {
    if (key->question == nullptr) continue;
    Question question;
    question.about = absl::StrCat(api, " ", id);
    question.text = key->question;
    question.default_answer = TextOf(config == nullptr ? nullptr : config->Find(key->name));
    if (question.default_answer.empty() && key->default_value != nullptr)
      question.default_answer = key->default_value;
    question.secret = key->secret;
    question.required = key->required;
    Ask(std::move(question),
        {{"providers", api, absl::StrCat("#", index), "config", key->name}, key->type});
  }
}

void ConfigDraft::Ask(Question question, Place place) {
  questions_.push_back(std::move(question));
  places_.push_back(std::move(place));
}

YamlNode* ConfigDraft::ParentOf(const Place& place) {
  YamlNode* node = &root_;
  for (size_t i = 0; i + 1 < place.path.size(); ++i) {
    const std::string& word = place.path[i];
    if (word[0] == '#') {
      node = &node->items[std::strtoul(word.c_str() + 1, nullptr, 10)];
      continue;
    }
    YamlNode* next = node->Find(word);
    node = next != nullptr && !next->is_null() ? next : &node->Set(word, MakeMap(*node));
  }
  return node;
}

absl::Status ConfigDraft::Answer(size_t question, const std::string& answer) {
  const Place& place = places_[question];
  const std::string& text = answer.empty() ? questions_[question].default_answer : answer;
  if (text.empty()) {
    if (!questions_[question].required) return absl::OkStatus();
    return absl::InvalidArgumentError("expected an answer, found none");
  }
  YamlNode node = MakeScalar(root_, text);
  node.quoted = place.type == ValueType::kString;
  node.path.clear();
  if (HasVariables(text)) {
    CRIA_RETURN_IF_ERROR(CheckVariables(text));
  } else if (place.high != 0) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(text, &number) || number < place.low || number > place.high)
      return absl::InvalidArgumentError(absl::StrCat("expected a whole number ", place.low, " to ",
                                                     place.high, ", found ", base::Quote(text)));
  } else {
    CRIA_RETURN_IF_ERROR(CheckValue(node, place.type));
  }
  ParentOf(place)->Set(place.path.back(), std::move(node));
  return absl::OkStatus();
}

void ConfigDraft::SetName(const std::string& name) {
  YamlNode node = MakeScalar(root_, name);
  node.quoted = true;
  root_.Set("distro_name", std::move(node));
}

std::string ConfigDraft::RunYaml() const { return WriteYaml(ToJson(root_).as_object()); }

}  // namespace cria::stack
