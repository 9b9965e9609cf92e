#include "stack/config_forms_launch.h"

#include "absl/strings/str_cat.h"

namespace cria::stack {
namespace {

// Providers and registered resources as they come together.
class LaunchForm {
 public:
  LaunchForm(YamlNode* root, ReadContext& context)
      : context_(context), providers_(MakeMap(*root)), resources_(MakeMap(*root)) {}

  // "inference: {provider_id: meta-reference, config: {...}}", or "{providers: [...]}", whose
  // configs stand in the routing table.
  void AddApiProvider(const std::string& api, YamlNode entry) {
    if (!entry.is_map())
      return context_.Expected(entry, "a map with provider_id and config, or with providers");
    if (const YamlNode* list = entry.Find("providers"); list != nullptr) {
      if (!list->is_sequence()) context_.Expected(*list, "a list of provider types");
      return;
    }
    (void)Provide(api, &entry);
  }

  void AddRoute(const std::string& api, YamlNode entry) {
    if (!entry.is_map())
      return context_.Expected(entry, "a map with routing_key, provider_id and config");
    YamlNode key = entry.Take("routing_key");
    if (key.is_null()) {
      key = MakeScalar(entry, "");
      return context_.Expected(key, "a routing_key", "none");
    }
    const std::string id = Provide(api, &entry);
    if (!key.is_sequence()) return Register(api, key, id);
    for (const YamlNode& one : key.items) Register(api, one, id);
  }

  void Finish(YamlNode* root) {
    root->Set("providers", std::move(providers_));
    root->Set("registered_resources", std::move(resources_));
  }

 private:
  // The id of a provider with that type and config.
  std::string Provide(const std::string& api, YamlNode* entry) {
    const YamlNode id = entry->Take("provider_id");
    YamlNode type = entry->Take("provider_type");
    const bool typed = !type.is_null();
    if (!typed) type = id;  // in the first release the id was the type
    YamlNode config = entry->Take("config");
    if (!entry->keys.empty())
      context_.Unknown(entry->items[0], entry->keys[0],
                       {"config", "provider_id", "provider_type", "routing_key"});
    if (!type.is_scalar()) {
      type.line = entry->line;
      type.path = absl::StrCat(entry->path, ".provider_id");
      context_.Expected(type, "a provider type");
      return "";
    }
    const std::string content = absl::StrCat(type.text, base::json::serialize(ToJson(config)));
    std::map<std::string, std::string>& ids = ids_[api];
    if (const auto known = ids.find(content); known != ids.end()) return known->second;

    const ApiEntry* known_api = FindApi(api);
    const ProviderType* known_type =
        known_api == nullptr ? nullptr : FindProviderType(known_api->name, type.text);
    std::string name = typed && id.is_scalar() ? id.text
                       : known_type == nullptr ? type.text
                                               : known_type->DefaultId();
    if (ids.size() > 0) {
      for (const auto& [other, taken] : ids)
        if (taken == name) name = absl::StrCat(name, "-", ids.size() + 1);
    }
    ids[content] = name;
    YamlNode provider = MakeMap(*entry);
    provider.Set("provider_id", MakeScalar(id, name));
    provider.Set("provider_type", type);
    provider.Set("config", std::move(config));
    ListIn(&providers_, api).items.push_back(std::move(provider));
    return name;
  }

  void Register(const std::string& api, const YamlNode& key, const std::string& provider_id) {
    if (!key.is_scalar()) return context_.Expected(key, "a text, or a list of texts");
    const char* list = api == "inference" ? "models" : api == "safety" ? "shields" : nullptr;
    if (list == nullptr) return;  // of memory: the type of bank, which its provider knows
    YamlNode resource = MakeMap(key);
    resource.Set(api == "inference" ? "model_id" : "shield_id", key);
    resource.Set("provider_id", MakeScalar(key, provider_id));
    ListIn(&resources_, list).items.push_back(std::move(resource));
  }

  static YamlNode& ListIn(YamlNode* map, const std::string& key) {
    if (YamlNode* list = map->Find(key); list != nullptr) return *list;
    return map->Set(key, MakeSequence(*map));
  }

  ReadContext& context_;
  YamlNode providers_, resources_;
  std::map<std::string, std::map<std::string, std::string>> ids_;  // by API and content
};

bool IsMapOrNothing(const YamlNode& node, ReadContext& context) {
  if (node.is_map()) return true;
  if (!node.is_null()) context.Expected(node, "a map of APIs");
  return false;
}

}  // namespace

void ModerniseLaunchForm(YamlNode* root, ReadContext& context) {
  if (root->Find("api_providers") == nullptr && root->Find("apis_to_serve") == nullptr &&
      root->Find("routing_table") == nullptr)
    return;
  LaunchForm form(root, context);
  YamlNode apis = root->Take("apis_to_serve");
  if (!apis.is_null()) root->Set("apis", std::move(apis));
  YamlNode api_providers = root->Take("api_providers");
  if (IsMapOrNothing(api_providers, context))
    for (size_t i = 0; i < api_providers.keys.size(); ++i)
      form.AddApiProvider(api_providers.keys[i], api_providers.items[i]);
  YamlNode routing = root->Take("routing_table");
  if (IsMapOrNothing(routing, context))
    for (size_t i = 0; i < routing.keys.size(); ++i) {
      if (!routing.items[i].is_sequence() && !routing.items[i].is_null())
        context.Expected(routing.items[i], "a list of routes");
      for (const YamlNode& route : routing.items[i].items) form.AddRoute(routing.keys[i], route);
    }
  form.Finish(root);
}

}  // namespace cria::stack
