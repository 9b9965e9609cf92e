// `llama stack list`, `list-apis`, `list-providers`, `list-deps`: what there is.
#include <cstdio>
#include <memory>

#include "absl/strings/str_join.h"
#include "base/edit_distance.h"
#include "base/json.h"
#include "base/quote.h"
#include "cli/model_table.h"
#include "cli/stack_commands.h"
#include "stack/distributions.h"
#include "stack/provider_catalogue.h"

namespace cria::cli {
namespace {

namespace json = base::json;

void Print(const json::object& object) { std::printf("%s\n", json::serialize(object).c_str()); }

json::value TextOrNull(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

struct ListedDistribution {
  std::string name, run, build, description;
  bool built_in = false;
};

// Those of this machine and, where none of them has its name, those of the program.
absl::StatusOr<std::vector<ListedDistribution>> AllDistributions() {
  const stack::Environment environment = stack::ProcessEnvironment();
  std::vector<ListedDistribution> all;
  CRIA_ASSIGN_OR_RETURN(const std::vector<stack::DistributionSource> own,
                        stack::ListDistributions(environment));
  for (const stack::DistributionSource& one : own)
    all.push_back({one.name, one.path, one.build_path, ""});
  for (const stack::EmbeddedDistribution& one : stack::EmbeddedDistributions()) {
    bool shadowed = false;
    for (const stack::DistributionSource& mine : own) shadowed |= mine.name == one.name;
    if (!shadowed) all.push_back({one.name, "", "", stack::DescriptionOf(one), true});
  }
  return all;
}

absl::Status List(const CliContext& context) {
  CRIA_ASSIGN_OR_RETURN(const std::vector<ListedDistribution> all, AllDistributions());
  if (context.json) {
    json::array list;
    for (const ListedDistribution& one : all)
      list.push_back(json::object{{"name", one.name},
                                  {"built_in", one.built_in},
                                  {"run", TextOrNull(one.run)},
                                  {"build", TextOrNull(one.build)},
                                  {"description", TextOrNull(one.description)}});
    Print({{"distributions", std::move(list)}});
    return absl::OkStatus();
  }
  std::vector<std::vector<std::string>> rows = {{"NAME", "CONFIGURATION"}};
  for (const ListedDistribution& one : all)
    rows.push_back({one.name, one.built_in      ? absl::StrCat("built in: ", one.description)
                              : one.run.empty() ? "none yet: llama stack configure " + one.name
                                                : one.run});
  std::printf("%s", FormatTable(rows).c_str());
  return absl::OkStatus();
}

bool HasAvailable(const std::string& api) {
  for (const stack::ProviderType* type : stack::ProviderTypes(api))
    if (type->available) return true;
  return false;
}

absl::Status ListApis(const CliContext& context) {
  json::array list;
  std::vector<std::vector<std::string>> rows = {{"API", "RUNS", "DESCRIPTION"}};
  for (const stack::ApiEntry& api : stack::Apis()) {
    const bool available = HasAvailable(api.name);
    list.push_back(json::object{
        {"api", api.name}, {"available", available}, {"description", api.description}});
    rows.push_back({api.name, available ? "yes" : "not yet", api.description});
  }
  if (context.json)
    Print({{"apis", std::move(list)}});
  else
    std::printf("%s", FormatTable(rows).c_str());
  return absl::OkStatus();
}

json::object ProviderJson(const stack::ProviderType& type) {
  json::array keys;
  for (const stack::ConfigKey* key : type.Keys()) {
    const auto text = [](const char* value) {
      return value == nullptr ? json::value(nullptr) : json::value(value);
    };
    keys.push_back(json::object{{"name", key->name},
                                {"default", text(key->default_value)},
                                {"variable", text(key->variable)},
                                {"required", key->required},
                                {"secret", key->secret}});
  }
  return {{"api", type.api},
          {"provider_type", type.type},
          {"available", type.available},
          {"description", type.description},
          {"config", std::move(keys)}};
}

absl::Status ListProviders(const std::string& api_name, const CliContext& context) {
  std::vector<std::string> apis = stack::ApiNames();
  if (!api_name.empty()) {
    const stack::ApiEntry* api = stack::FindApi(api_name);
    if (api == nullptr) {
      const std::vector<std::string> near = base::Nearest(api_name, apis, 1);
      return absl::InvalidArgumentError(absl::StrCat(
          "API: expected one of ", absl::StrJoin(apis, ", "), ", found ", base::Quote(api_name),
          near.empty() ? "" : absl::StrCat("; did you mean ", near[0], "?")));
    }
    apis = {api->name};
  }
  json::array list;
  std::vector<std::vector<std::string>> rows = {{"API", "PROVIDER TYPE", "RUNS", "DESCRIPTION"}};
  for (const std::string& api : apis)
    for (const stack::ProviderType* type : stack::ProviderTypes(api)) {
      list.push_back(ProviderJson(*type));
      rows.push_back({api, type->type, type->available ? "yes" : "not yet", type->description});
    }
  if (context.json)
    Print({{"providers", std::move(list)}});
  else
    std::printf("%s", FormatTable(rows).c_str());
  return absl::OkStatus();
}

absl::Status ListDeps(const std::string& name, const CliContext& context) {
  if (!name.empty())
    CRIA_RETURN_IF_ERROR(stack::FindDistribution(name, stack::ProcessEnvironment()).status());
  if (context.json)
    Print({{"dependencies", json::array()}});
  else if (!context.quiet)
    std::fputs("llama: note: nothing to install: this program holds all its providers\n", stderr);
  return absl::OkStatus();
}

}  // namespace

void AddStackListCommand(CLI::App& parent, CliContext& context) {
  CLI::App* command = parent.add_subcommand("list", "The distributions there are");
  command->footer("Examples:\n  llama stack list\n  llama stack list --json");
  command->callback([&context] { context.Fail(List(context)); });
}

void AddStackListApisCommand(CLI::App& parent, CliContext& context) {
  CLI::App* command = parent.add_subcommand("list-apis", "The APIs of the stack");
  command->footer("Examples:\n  llama stack list-apis\n  llama stack list-apis --json");
  command->callback([&context] { context.Fail(ListApis(context)); });
}

void AddStackListProvidersCommand(CLI::App& parent, CliContext& context) {
  CLI::App* command =
      parent.add_subcommand("list-providers", "The provider types, and which this version runs");
  auto api = std::make_shared<std::string>();
  command->add_option("api", *api, "Of this API only")
      ->type_name(absl::StrJoin(stack::ApiNames(), "|"));
  command->footer(
      "Examples:\n  llama stack list-providers inference\n  llama stack list-providers --json");
  command->callback([api, &context] { context.Fail(ListProviders(*api, context)); });
}

void AddStackListDepsCommand(CLI::App& parent, CliContext& context) {
  CLI::App* command = parent.add_subcommand(
      "list-deps", "What a distribution needs to be installed: nothing beside this program");
  auto name = std::make_shared<std::string>();
  command->add_option("name", *name, "A distribution, or a run.yaml")->type_name("NAME");
  command->footer("Example:\n  llama stack list-deps starter");
  command->callback([name, &context] { context.Fail(ListDeps(*name, context)); });
}

}  // namespace cria::cli
