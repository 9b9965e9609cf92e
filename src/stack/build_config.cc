#include "stack/build_config.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/edit_distance.h"
#include "base/quote.h"
#include "stack/config_fields.h"
#include "stack/config_substitution.h"
#include "stack/config_writer.h"

namespace cria::stack {
namespace {

namespace json = base::json;

constexpr size_t kMaxNameBytes = 64;

void ReadProviderType(const YamlNode& node, const std::string& api, BuildConfig* build,
                      ReadContext& context) {
  std::string type_name = node.text;
  if (node.is_map()) {
    Fields fields(node, node.path, context);
    type_name = fields.RequiredString("provider_type", "a provider type");
    (void)fields.Get("module");
    fields.Finish();
  } else if (!node.is_scalar()) {
    return context.Expected(node, "a provider type");
  }
  if (context.failed()) return;
  const ProviderType* type = FindProviderType(api, type_name);
  if (type == nullptr) {
    std::vector<std::string> known;
    for (const ProviderType* one : ProviderTypes(api)) known.emplace_back(one->type);
    return context.Expected(
        node, absl::StrCat("a provider type of ", api, " (", absl::StrJoin(known, ", "), ")"),
        base::Quote(type_name));
  }
  build->providers[api].emplace_back(type->type);
}

void ReadSpec(Fields& top, BuildConfig* build, ReadContext& context) {
  const YamlNode* spec = top.Require("distribution_spec", "a map with providers");
  if (spec == nullptr) return;
  Fields fields(*spec, "distribution_spec", context);
  build->description = fields.String("description");
  build->container_image = fields.String("container_image", fields.String("docker_image"));
  const YamlNode* providers = fields.Require("providers", "a map of APIs");
  fields.Finish();
  if (providers == nullptr) return;
  if (!providers->is_map()) return context.Expected(*providers, "a map of APIs");
  for (size_t i = 0; i < providers->keys.size(); ++i) {
    const ApiEntry* api = FindApi(providers->keys[i]);
    const YamlNode& types = providers->items[i];
    if (api == nullptr) return context.Unknown(types, providers->keys[i], ApiNames());
    if (!types.is_sequence()) {
      ReadProviderType(types, api->name, build, context);
      continue;
    }
    for (const YamlNode& type : types.items) ReadProviderType(type, api->name, build, context);
  }
}

// "${env.OLLAMA_URL:=http://localhost:11434/v1}", or the default alone; null where there is
// neither.
json::value SettingOf(const ConfigKey& key) {
  if (key.variable == nullptr)
    return key.default_value == nullptr ? json::value(nullptr) : json::value(key.default_value);
  const bool must_be_set = key.required && key.default_value == nullptr;
  return json::value(
      must_be_set ? absl::StrCat("${env.", key.variable, "}")
                  : absl::StrCat("${env.", key.variable,
                                 ":=", key.default_value == nullptr ? "" : key.default_value, "}"));
}

json::object DefaultConfig(const ProviderType& type, const std::string& folder) {
  json::object config;
  for (const ConfigKey* key : type.Keys()) {
    if (std::string_view(key->name) == "storage_dir")
      config[key->name] = absl::StrCat(folder, "/files");
    else if (std::string_view(key->name) == "metadata_store")
      config[key->name] =
          json::object{{"table_name", "files_metadata"}, {"backend", "sql_default"}};
    else if (key->variable != nullptr || key->required)
      if (json::value value = SettingOf(*key); !value.is_null())
        config[key->name] = std::move(value);
  }
  return config;
}

json::array ProviderEntries(const std::string& api, const std::vector<std::string>& types,
                            const std::string& folder) {
  json::array entries;
  for (const std::string& name : types) {
    const ProviderType* type = FindProviderType(api, name);
    if (type == nullptr) continue;
    entries.push_back(json::object{{"provider_id", type->DefaultId()},
                                   {"provider_type", type->type},
                                   {"config", DefaultConfig(*type, folder)}});
  }
  return entries;
}

json::object DefaultStorage(const std::string& folder) {
  const auto kv = [](const char* name) {
    return json::object{{"namespace", name}, {"backend", "kv_default"}};
  };
  const auto table = [](const char* name) {
    return json::object{{"table_name", name}, {"backend", "sql_default"}};
  };
  return {
      {"backends",
       {{"kv_default", {{"type", "kv_sqlite"}, {"db_path", absl::StrCat(folder, "/kvstore.db")}}},
        {"sql_default",
         {{"type", "sql_sqlite"}, {"db_path", absl::StrCat(folder, "/sql_store.db")}}}}},
      {"stores",
       {{"metadata", kv("registry")},
        {"prompts", kv("prompts")},
        {"connectors", kv("connectors")},
        {"inference", table("inference_store")},
        {"conversations", table("openai_conversations")},
        {"responses", table("responses")}}}};
}

}  // namespace

absl::StatusOr<BuildConfig> ReadBuildConfig(std::string_view text, const std::string& file,
                                            const Environment& environment) {
  CRIA_ASSIGN_OR_RETURN(YamlNode root, ParseYaml(text, file));
  ReadContext context(file, environment);
  SubstituteVariables(&root, context);
  BuildConfig build;
  Fields top(root, "", context);
  if (const YamlNode* version = top.Get("version"); version != nullptr && version->text != "2")
    context.Expected(*version, "2");
  build.name = top.String("image_name", top.String("name"));
  build.image_type = top.String("image_type", build.image_type);
  static constexpr std::string_view kImageTypes[] = {"venv", "conda", "docker", "container"};
  if (std::find(std::begin(kImageTypes), std::end(kImageTypes), build.image_type) ==
      std::end(kImageTypes))
    context.Expected(*top.Get("image_type"), "venv, conda, docker or container");
  for (const char* of_python :
       {"additional_pip_packages", "external_providers_dir", "external_apis_dir", "distro_name"})
    (void)top.Get(of_python);
  ReadSpec(top, &build, context);
  top.Finish();
  if (context.failed()) return context.status();
  return build;
}

std::string WriteBuildConfig(const BuildConfig& build) {
  json::object providers;
  for (const auto& [api, types] : build.providers) {
    json::array list;
    for (const std::string& type : types) list.push_back(json::object{{"provider_type", type}});
    providers[api] = std::move(list);
  }
  json::object spec{{"description", build.description}};
  if (!build.container_image.empty()) spec["container_image"] = build.container_image;
  spec["providers"] = std::move(providers);
  return WriteYaml({{"version", 2},
                    {"image_name", build.name},
                    {"distribution_spec", std::move(spec)},
                    {"image_type", build.image_type}});
}

absl::StatusOr<std::map<std::string, std::vector<std::string>>> ParseProviders(
    const std::string& list) {
  std::map<std::string, std::vector<std::string>> providers;
  const std::vector<std::string> words = absl::StrSplit(list, ',', absl::SkipWhitespace());
  for (const std::string& word : words) {
    const std::pair<std::string, std::string> pair =
        absl::StrSplit(absl::StripAsciiWhitespace(word), absl::MaxSplits('=', 1));
    const auto& [api_name, type_name] = pair;
    const ApiEntry* api = FindApi(api_name);
    if (api == nullptr)
      return absl::InvalidArgumentError(
          absl::StrCat("--providers: expected API=TYPE,... with an API of ",
                       absl::StrJoin(ApiNames(), ", "), ", found ", base::Quote(word)));
    const ProviderType* type = FindProviderType(api->name, type_name);
    if (type == nullptr) {
      std::vector<std::string> known;
      for (const ProviderType* one : ProviderTypes(api->name)) known.emplace_back(one->type);
      return absl::InvalidArgumentError(absl::StrCat("--providers: expected a provider type of ",
                                                     api->name, " (", absl::StrJoin(known, ", "),
                                                     "), found ", base::Quote(type_name)));
    }
    std::vector<std::string>& types = providers[api->name];
    if (std::find(types.begin(), types.end(), type->type) == types.end())
      types.emplace_back(type->type);
  }
  if (providers.empty())
    return absl::InvalidArgumentError("--providers: expected API=TYPE,..., found nothing");
  return providers;
}

absl::Status CheckDistributionName(const std::string& name) {
  for (const char* taken : {"venv", "conda", "docker", "container"})
    if (name == taken)
      return absl::InvalidArgumentError(absl::StrCat(
          "expected another name than ", base::Quote(name), ", a folder of earlier releases"));
  const bool good = !name.empty() && name.size() <= kMaxNameBytes &&
                    absl::ascii_isalnum(static_cast<unsigned char>(name[0])) &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' ||
                             c == '-' || c == '_';
                    });
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "expected a name of letters, digits, '.', '-' and '_', begun by a letter or digit, at most ",
      kMaxNameBytes, " long, found ", base::Quote(name)));
}

std::string MakeRunConfig(const BuildConfig& build) {
  const std::string folder = absl::StrCat("${env.LLAMA_HOME:=~/.llama}/distributions/", build.name);
  json::array apis;
  json::object providers;
  for (const auto& [api, types] : build.providers) {
    apis.push_back(json::value(api));
    providers[api] = ProviderEntries(api, types, folder);
  }
  json::object run{{"version", 2}, {"distro_name", build.name}};
  if (!build.container_image.empty()) run["container_image"] = build.container_image;
  run["apis"] = std::move(apis);
  run["providers"] = std::move(providers);
  run["storage"] = DefaultStorage(folder);
  run["registered_resources"] = json::object{{"models", json::array()}};
  run["server"] =
      json::object{{"port", absl::StrCat("${env.LLAMA_STACK_PORT:=", kDefaultPort, "}")},
                   {"host", "${env.LLAMA_STACK_HOST:=127.0.0.1}"}};
  return WriteYaml(run);
}

}  // namespace cria::stack
