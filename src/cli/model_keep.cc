// `llama model verify-download`, `remove`: looking after what is there.
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "base/json.h"
#include "cli/interrupt.h"
#include "cli/model_commands.h"
#include "cli/model_table.h"
#include "hub/disk.h"
#include "hub/model_store.h"
#include "hub/verify.h"

namespace cria::cli {
namespace {

namespace json = base::json;

void PrintChecks(const hub::InstalledModel& model, const std::vector<hub::FileCheck>& checks,
                 bool ok, const CliContext& context) {
  if (context.json) {
    json::array files;
    for (const hub::FileCheck& check : checks)
      files.push_back(
          json::object{{"path", check.path},
                       {"ok", check.ok},
                       {"checked", check.checked},
                       {"problem", check.ok ? json::value(nullptr) : json::value(check.problem)}});
    const json::object out{
        {"model", model.name}, {"path", model.directory}, {"ok", ok}, {"files", files}};
    PrintJsonLine(out);
    return;
  }
  std::vector<std::vector<std::string>> table;
  for (const hub::FileCheck& check : checks)
    table.push_back(
        {check.ok ? "ok" : "BAD", check.path, check.ok ? check.checked : check.problem});
  std::printf("%s", FormatTable(table).c_str());
}

absl::Status Verify(const std::string& id, const CliContext& context, bool* printed) {
  const PolledInterrupts polled;
  CRIA_ASSIGN_OR_RETURN(const hub::ModelStore store, hub::ModelStore::FromEnvironment());
  CRIA_ASSIGN_OR_RETURN(const hub::InstalledModel model, store.Find(id));
  CRIA_ASSIGN_OR_RETURN(const std::vector<hub::FileCheck> checks,
                        hub::VerifyModel(model, &Interrupted));
  size_t bad = 0;
  for (const hub::FileCheck& check : checks) bad += !check.ok;
  PrintChecks(model, checks, bad == 0, context);
  *printed = true;
  if (bad == 0) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(model.name, ": ", bad, " of ", checks.size(),
                   " files are not as published; remove the model and get it again"));
}

bool Confirmed(const hub::InstalledModel& model) {
  std::fprintf(stderr, "Remove %s, %s in %s? [y/N] ", model.name.c_str(),
               hub::HumanBytes(model.bytes).c_str(), model.directory.c_str());
  std::fflush(stderr);
  char answer[16] = "";
  return std::fgets(answer, sizeof answer, stdin) != nullptr &&
         (answer[0] == 'y' || answer[0] == 'Y');
}

absl::Status Remove(const std::string& id, bool force, const CliContext& context) {
  CRIA_ASSIGN_OR_RETURN(const hub::ModelStore store, hub::ModelStore::FromEnvironment());
  CRIA_ASSIGN_OR_RETURN(const hub::InstalledModel model, store.Find(id));
  if (!force) {
    if (isatty(STDIN_FILENO) == 0 || !StderrIsTerminal())
      return absl::InvalidArgumentError(absl::StrCat(
          "remove: not removing ", model.name, " without -f: there is no terminal to ask on"));
    if (!Confirmed(model)) return absl::AbortedError("nothing was removed");
  }
  {
    const PolledInterrupts whole;  // a half-removed model would stay
    CRIA_RETURN_IF_ERROR(store.Remove(model));
  }
  if (context.json) {
    PrintJsonLine(json::object{{"removed", model.name}, {"bytes", model.bytes}});
  } else {
    std::printf("%s is gone: %s are free again\n", model.name.c_str(),
                hub::HumanBytes(model.bytes).c_str());
  }
  return absl::OkStatus();
}

}  // namespace

void AddModelVerifyCommand(CLI::App& parent, CliContext& context) {
  CLI::App* command = parent.add_subcommand(
      "verify-download", "Check a model's files against sha256 and checklist.chk");
  auto id = std::make_shared<std::string>();
  command->add_option("-m,--model-id", *id, "A model of `llama model list --downloaded`")
      ->type_name("ID")
      ->required();
  command->footer(
      "Exit code 3 says that a file is damaged.\n"
      "Examples:\n"
      "  llama verify-download --model-id smollm2:135m\n"
      "  llama model verify-download -m Llama3.2-1B-Instruct --json");
  command->callback([id, &context] {
    bool printed = false;
    const absl::Status status = Verify(*id, context, &printed);
    CliContext shown = context;
    shown.json = context.json && !printed;  // one JSON object on stdout, the result or the error
    shown.Fail(status);
    context.exit_code = shown.exit_code;
  });
}

void AddModelRemoveCommand(CLI::App& parent, CliContext& context) {
  CLI::App* command = parent.add_subcommand("remove", "Remove a model from this machine");
  auto id = std::make_shared<std::string>();
  auto force = std::make_shared<bool>(false);
  command->add_option("-m,--model-id,--model", *id, "A model of `llama model list --downloaded`")
      ->type_name("ID")
      ->required();
  command->add_flag("-f,--force", *force, "Don't ask");
  command->footer(
      "Examples:\n"
      "  llama model remove -m mine:1b\n"
      "  llama model remove -m Llama3.2-1B-Instruct --force");
  command->callback([id, force, &context] { context.Fail(Remove(*id, *force, context)); });
}

}  // namespace cria::cli
