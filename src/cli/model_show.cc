// `llama model list`, `describe`, `prompt-format`: what there is and what it is like.
#include <cstdio>
#include <map>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "base/json.h"
#include "cli/model_commands.h"
#include "cli/model_table.h"
#include "hub/disk.h"
#include "hub/model_store.h"

namespace cria::cli {
namespace {

namespace json = base::json;

struct ListFlags {
  bool show_all = false;
  bool downloaded = false;
  std::string search;
};

struct Row {
  const hub::CatalogueEntry* entry = nullptr;      // or nullptr: only in the store
  const hub::InstalledModel* installed = nullptr;  // or nullptr: only in the catalogue
  std::string name;
};

std::string ContextText(int64_t tokens) {
  return tokens >= 1024 ? absl::StrCat(tokens / 1024, "K") : absl::StrCat(tokens);
}

json::array TagsOf(const hub::CatalogueEntry& entry) {
  json::array tags;
  for (const std::string& alias :
       std::vector<std::string>(absl::StrSplit(entry.aliases, ' ', absl::SkipEmpty())))
    tags.emplace_back(alias);
  return tags;
}

// All that is known of one model; the same object in every command.
json::object ModelJson(const Row& row) {
  json::object out{{"name", row.name}, {"downloaded", row.installed != nullptr}};
  if (const hub::CatalogueEntry* entry = row.entry; entry != nullptr) {
    out["description"] = entry->description;
    out["huggingface_repo"] =
        *entry->repo == '\0' ? json::value(nullptr) : json::value(entry->repo);
    out["aliases"] = TagsOf(*entry);
    out["context"] = entry->context;
    out["parameters"] =
        entry->parameters == 0 ? json::value(nullptr) : json::value(entry->parameters);
    out["weights"] = entry->weights;
    out["memory_gb"] = entry->memory_gb;
    out["tool_format"] = entry->tool_format;
  }
  if (const hub::InstalledModel* installed = row.installed; installed != nullptr) {
    out["path"] = installed->directory;
    out["bytes"] = installed->bytes;
    out["source"] = installed->source;
    out["created"] = installed->created;
    out["tool_format"] = installed->tool_format;
  }
  return out;
}

std::vector<Row> Rows(const ListFlags& flags, const std::vector<hub::InstalledModel>& installed) {
  std::map<std::string, const hub::InstalledModel*> left;
  for (const hub::InstalledModel& model : installed) left[model.name] = &model;
  std::vector<Row> rows;
  for (const hub::CatalogueEntry& entry : hub::Catalogue()) {
    Row row{&entry, nullptr, entry.name};
    if (const auto found = left.find(row.name); found != left.end()) {
      row.installed = found->second;
      left.erase(found);
    }
    if (row.installed != nullptr || (!flags.downloaded && (entry.featured || flags.show_all)))
      rows.push_back(row);
  }
  for (const auto& [name, model] : left) rows.push_back({nullptr, model, name});
  std::erase_if(rows, [&](const Row& row) {
    const std::string text =
        absl::StrCat(row.name, " ", row.entry == nullptr ? "" : row.entry->repo, " ",
                     row.entry == nullptr ? "" : row.entry->aliases);
    return !absl::StrContains(absl::AsciiStrToLower(text), absl::AsciiStrToLower(flags.search));
  });
  return rows;
}

void PrintTable(const std::vector<Row>& rows) {
  std::vector<std::vector<std::string>> table = {
      {"MODEL", "HUGGING FACE REPOSITORY", "CONTEXT", "PARAMETERS", "WEIGHTS", "ON DISK"}};
  for (const Row& row : rows) {
    const hub::CatalogueEntry* entry = row.entry;
    table.push_back({row.name, entry == nullptr || *entry->repo == '\0' ? "-" : entry->repo,
                     entry == nullptr ? "-" : ContextText(entry->context),
                     entry == nullptr ? "-" : hub::HumanCount(entry->parameters),
                     entry == nullptr ? "-" : entry->weights,
                     row.installed == nullptr ? "-" : hub::HumanBytes(row.installed->bytes)});
  }
  std::printf("%s", FormatTable(table).c_str());
}

absl::Status List(const ListFlags& flags, const CliContext& context) {
  CRIA_ASSIGN_OR_RETURN(const hub::ModelStore store, hub::ModelStore::FromEnvironment());
  CRIA_ASSIGN_OR_RETURN(const std::vector<hub::InstalledModel> installed, store.List());
  const std::vector<Row> rows = Rows(flags, installed);
  if (context.json) {
    json::array models;
    for (const Row& row : rows) models.push_back(ModelJson(row));
    PrintJsonLine(json::object{{"models", std::move(models)}});
  } else {
    PrintTable(rows);
  }
  return absl::OkStatus();
}

absl::Status Describe(const std::string& id, const CliContext& context) {
  CRIA_ASSIGN_OR_RETURN(const hub::ModelStore store, hub::ModelStore::FromEnvironment());
  const absl::StatusOr<hub::InstalledModel> installed = store.Find(id);
  Row row{hub::FindInCatalogue(id), installed.ok() ? &*installed : nullptr, id};
  if (row.entry == nullptr && row.installed == nullptr) return installed.status();
  row.name = row.entry != nullptr ? row.entry->name : row.installed->name;
  if (context.json) {
    PrintJsonLine(ModelJson(row));
    return absl::OkStatus();
  }
  std::vector<std::vector<std::string>> table = {{"Model", row.name}};
  if (const hub::CatalogueEntry* entry = row.entry; entry != nullptr) {
    table.push_back({"Description", entry->description});
    table.push_back({"Hugging Face", *entry->repo == '\0' ? "-" : entry->repo});
    table.push_back({"Also called", *entry->aliases == '\0' ? "-" : entry->aliases});
    table.push_back({"Context", absl::StrCat(entry->context, " tokens")});
    table.push_back({"Parameters", hub::HumanCount(entry->parameters)});
    table.push_back({"Weights", entry->weights});
    table.push_back({"Memory to run", absl::StrCat("about ", entry->memory_gb, " GB")});
    table.push_back({"Tool format", entry->tool_format});
  }
  if (row.installed != nullptr) {
    table.push_back({"On disk", absl::StrCat(hub::HumanBytes(row.installed->bytes), " in ",
                                             row.installed->directory)});
    if (!row.installed->source.empty())
      table.push_back(
          {"Source", absl::StrCat(row.installed->source, ", ", row.installed->created)});
  } else {
    table.push_back({"On disk", "not yet"});
  }
  std::printf("%s", FormatTable(table).c_str());
  return absl::OkStatus();
}

absl::Status PromptFormat(const std::string& id, const CliContext& context) {
  const hub::CatalogueEntry* entry = hub::FindInCatalogue(id);
  if (entry == nullptr)
    return absl::NotFoundError(absl::StrCat(
        "'", id,
        "': the catalogue knows no prompt format for it; llama model prompt-format -l lists "
        "the models that it knows, llama inspect shows what a file says"));
  const std::string text = hub::DescribePromptFormat(*entry);
  if (context.json) {
    PrintJsonLine(json::object{{"name", entry->name}, {"prompt_format", text}});
  } else {
    std::printf("%s", text.c_str());
  }
  return absl::OkStatus();
}

void ListPromptFormats(const CliContext& context) {
  json::array names;
  for (const hub::CatalogueEntry& entry : hub::Catalogue()) {
    names.emplace_back(entry.name);
    if (!context.json) std::printf("%s\n", entry.name);
  }
  if (context.json) PrintJsonLine(json::object{{"models", std::move(names)}});
}

}  // namespace

void AddModelListCommand(CLI::App& parent, CliContext& context) {
  CLI::App* command =
      parent.add_subcommand("list", "The models there are, and those on this machine");
  auto flags = std::make_shared<ListFlags>();
  command->add_flag("--show-all", flags->show_all, "Older models and variants too");
  command->add_flag("--downloaded", flags->downloaded, "Only those on this machine");
  command->add_option("-s,--search", flags->search, "Only those with this in their names")
      ->type_name("TEXT");
  command->footer(
      "Examples:\n"
      "  llama model list --downloaded\n"
      "  llama model list --show-all --search 3.2 --json");
  command->callback([flags, &context] { context.Fail(List(*flags, context)); });
}

void AddModelDescribeCommand(CLI::App& parent, CliContext& context) {
  CLI::App* command = parent.add_subcommand("describe", "What is known of one model");
  auto id = std::make_shared<std::string>();
  command->add_option("-m,--model-id", *id, "A name of `llama model list --show-all`")
      ->type_name("ID")
      ->required();
  command->footer(
      "Examples:\n"
      "  llama model describe -m smollm2:135m\n"
      "  llama model describe -m llama3.2:1b --json");
  command->callback([id, &context] { context.Fail(Describe(*id, context)); });
}

void AddModelPromptFormatCommand(CLI::App& parent, CliContext& context) {
  CLI::App* command = parent.add_subcommand("prompt-format", "How a conversation looks to a model");
  auto id = std::make_shared<std::string>();
  auto list = std::make_shared<bool>(false);
  command->add_option("-m,--model-id,--model-name", *id, "A name of `llama model list --show-all`")
      ->type_name("ID");
  command->add_flag("-l,--list", *list, "List the models whose format is known");
  command->footer(
      "Examples:\n"
      "  llama model prompt-format -m smollm2:135m\n"
      "  llama model prompt-format --list");
  command->callback([id, list, &context] {
    if (*list) return ListPromptFormats(context);
    if (id->empty())
      return context.FailUsage("prompt-format: say which model (-m ID), or -l to list them");
    context.Fail(PromptFormat(*id, context));
  });
}

}  // namespace cria::cli
