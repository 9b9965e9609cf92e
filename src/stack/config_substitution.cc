#include "stack/config_substitution.h"

namespace cria::stack {
namespace {

constexpr std::string_view kIds[] = {"provider_id",     "model_id",     "shield_id",
                                     "vector_store_id", "vector_db_id", "toolgroup_id",
                                     "dataset_id",      "benchmark_id", "connector_id"};

void SubstituteScalar(YamlNode* node, ReadContext& context) {
  if (!HasVariables(node->text)) return;
  auto value = Substitute(node->text, context.environment());
  if (!value.ok()) return context.Wrong(*node, std::string(value.status().message()));
  node->raw = std::move(node->text);
  node->text = *std::move(value);
  node->quoted = false;
  if (IsYamlNull(node->text)) {
    node->kind = YamlNode::Kind::kNull;
    node->text.clear();
  }
}

bool IsSwitchedOff(const YamlNode& entry, ReadContext& context) {
  if (!entry.is_map()) return false;
  for (const std::string_view key : kIds) {
    const YamlNode* id = entry.Find(key);
    if (id == nullptr) continue;
    YamlNode value = *id;
    if (value.is_scalar()) SubstituteScalar(&value, context);
    // A resource without a provider_id has the only provider there is.
    const bool needed = key != "provider_id" || entry.Find("provider_type") != nullptr;
    const bool empty = value.text.empty() && (needed || !value.raw.empty());
    if (empty || value.text == "__disabled__") return true;
  }
  return false;
}

// `server.auth` whose provider has no type.
bool IsAuthSwitchedOff(const YamlNode& auth, ReadContext& context) {
  const YamlNode* provider = auth.is_map() ? auth.Find("provider_config") : nullptr;
  const YamlNode* type =
      provider != nullptr && provider->is_map() ? provider->Find("type") : nullptr;
  if (type == nullptr) return false;
  YamlNode value = *type;
  if (value.is_scalar()) SubstituteScalar(&value, context);
  return value.text.empty() && !value.is_map();
}

void SubstituteIn(YamlNode* node, ReadContext& context, std::vector<DroppedEntry>* dropped) {
  if (node->is_scalar()) return SubstituteScalar(node, context);
  if (node->is_sequence()) {
    std::vector<YamlNode> kept;
    for (YamlNode& item : node->items) {
      if (IsSwitchedOff(item, context))
        dropped->push_back({item.path, ToJson(item).as_object()});
      else
        kept.push_back(std::move(item));
    }
    node->items = std::move(kept);
  }
  if (const YamlNode* auth =
          node->path == "server" && node->is_map() ? node->Find("auth") : nullptr;
      auth != nullptr && IsAuthSwitchedOff(*auth, context)) {
    dropped->push_back({auth->path, ToJson(*auth).as_object()});
    (void)node->Take("auth");
  }
  for (YamlNode& item : node->items) SubstituteIn(&item, context, dropped);
}

}  // namespace

std::vector<DroppedEntry> SubstituteVariables(YamlNode* root, ReadContext& context) {
  std::vector<DroppedEntry> dropped;
  SubstituteIn(root, context, &dropped);
  return dropped;
}

}  // namespace cria::stack
