#include "cli/usage.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/edit_distance.h"
#include "cli/common_flags.h"

namespace cria::cli {
namespace {

// CLI11's pages with our words for values, and the common flags on each command's page.
class HelpPages : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option, bool is_argument) const override {
    return is_argument ? ValueName(*option) : Formatter::make_option_name(option, false);
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string value = option->get_positional() ? "" : ValueName(*option);
    return value.empty() ? "" : " " + value;
  }
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    const std::string page = Formatter::make_help(app, std::move(name), mode);
    return absl::StrReplaceAll(page, {{"\n\n\n", "\n\n"}, {"\nSubcommands:", "\nCommands:"}});
  }
  // What stands behind the command's own flags.
  std::string make_subcommands(const CLI::App* app, CLI::AppFormatMode mode) const override {
    const std::vector<const CLI::Option*> common = CommonFlagsOf(*app);
    const bool leaf = app->get_subcommands({}).empty();
    if (!leaf || common.empty()) return Formatter::make_subcommands(app, mode);
    return make_group("Common flags", false, common);
  }
};

const CLI::App& Innermost(const CLI::App& app) {
  const std::vector<CLI::App*> used = app.get_subcommands();
  return used.empty() ? app : Innermost(*used.back());
}

// "llama model list"
std::string PathOf(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name() : absl::StrCat(PathOf(*parent), " ", app.get_name());
}

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

std::string DidYouMean(const std::string& word, const std::vector<std::string>& candidates) {
  const std::vector<std::string> near = base::Nearest(word, candidates, 3);
  return near.empty() ? "" : absl::StrCat("; did you mean ", absl::StrJoin(near, ", "), "?");
}

// Of the command and of those above it.
const CLI::Option* FindOption(const CLI::App* app, const std::string& name) {
  for (; app != nullptr; app = app->get_parent())
    if (const CLI::Option* option = app->get_option_no_throw(name); option != nullptr)
      return option;
  return nullptr;
}

std::string UnknownFlag(const CLI::App& command, const std::string& word) {
  const std::string flag = word.substr(0, word.find('='));
  std::vector<std::string> flags;
  for (const CLI::App* app = &command; app != nullptr; app = app->get_parent())
    for (const CLI::Option* option : app->get_options())
      for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  return absl::StrCat(flag, ": ", PathOf(command), " has no such flag", DidYouMean(flag, flags));
}

std::string UnknownCommand(const CLI::App& command, const std::vector<std::string>& words) {
  const auto word = std::find_if(words.begin(), words.end(),
                                 [](const std::string& one) { return !one.starts_with('-'); });
  if (word != words.end())
    return absl::StrCat("'", *word, "': ", PathOf(command), " has no such command",
                        DidYouMean(*word, CommandNames(command)));
  if (!words.empty()) return UnknownFlag(command, words.front());
  return absl::StrCat(PathOf(command), ": expected a command, one of ",
                      absl::StrJoin(CommandNames(command), ", "));
}

std::string TooMuch(const CLI::App& command, const std::vector<std::string>& words) {
  for (const std::string& word : words)
    if (word.size() > 1 && word[0] == '-') return UnknownFlag(command, word);
  std::vector<std::string> taken;
  for (const CLI::Option* option : command.get_options())
    if (option->get_positional()) taken.push_back(ValueName(*option));
  return absl::StrCat("'", words.empty() ? "" : words.front(), "': ", PathOf(command), " takes ",
                      taken.empty() ? "no arguments" : absl::StrJoin(taken, " and "),
                      taken.empty() ? "" : " only: put a text with spaces into quotes");
}

// CLI11 tells these cases apart by words alone.
std::string WrongCount(const CLI::App& command, const std::string& what) {
  const std::string name = what.substr(0, what.find(':'));
  if (absl::StrContains(what, "At Most")) return absl::StrCat(name, ": expected once, found twice");
  const CLI::Option* option = FindOption(&command, name);
  if (option == nullptr || !absl::StrContains(what, "missing")) return what;
  return absl::StrCat(name, ": expected a value (", ValueName(*option), "), found none");
}

std::string Missing(const CLI::App& command, const std::string& what) {
  const std::string name = what.substr(0, what.find(' '));
  const CLI::Option* option = FindOption(&command, name);
  if (option == nullptr) return what;
  return absl::StrCat(PathOf(command), ": expected ", name.starts_with('-') ? name + " " : "",
                      ValueName(*option), ", found none");
}

std::string Explain(const CLI::App& app, const CLI::App& command, const CLI::ParseError& error) {
  const std::string what = error.what();
  switch (static_cast<CLI::ExitCodes>(error.get_exit_code())) {
    case CLI::ExitCodes::RequiredError:
      return absl::StrContains(what, "subcommand") ? UnknownCommand(command, app.remaining(true))
                                                   : Missing(command, what);
    case CLI::ExitCodes::ExtrasError:
      return TooMuch(command, app.remaining(true));
    case CLI::ExitCodes::ArgumentMismatch:
      return WrongCount(command, what);
    default:
      return what;
  }
}

void PrintHelp(const CLI::App& app, const std::vector<std::string>& words, CliContext& context) {
  const CLI::App* command = &app;
  for (const std::string& word : words) {
    const auto all = command->get_subcommands({});
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const CLI::App* one) { return one->get_name() == word; });
    if (found == all.end()) return context.FailUsage(UnknownCommand(*command, {word}));
    command = *found;
  }
  // A page of the root would be that of the command in use, which is `help`.
  const auto pages = std::dynamic_pointer_cast<CLI::Formatter>(command->get_formatter());
  std::fputs(pages->make_help(command, PathOf(*command), CLI::AppFormatMode::Normal).c_str(),
             stdout);
}

}  // namespace

std::string ValueName(const CLI::Option& option) {
  return option.get_items_expected_max() == 0 ? "" : option.get_type_name();
}

void UseOwnHelpPages(CLI::App& app) {
  const auto pages = std::make_shared<HelpPages>();
  pages->column_width(34);
  pages->label("Positionals", "Arguments");
  pages->label("OPTIONS", "FLAGS");
  pages->label("SUBCOMMAND", "COMMAND");
  app.formatter(pages);
  app.get_help_ptr()->description("Print this page");
}

void AddHelpCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("help", "The page of a command");
  auto words = std::make_shared<std::vector<std::string>>();
  command->add_option("command", *words, "Its words; none: all commands")->type_name("COMMAND...");
  command->footer("Examples:\n  llama help run\n  llama help model list");
  command->callback([&app, words, &context] { PrintHelp(app, *words, context); });
}

std::string ExplainUsage(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = Innermost(app);
  return absl::StrCat(Explain(app, command, error), "; see ", PathOf(command), " --help");
}

}  // namespace cria::cli
