#include "cli/command_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace cria::cli {
namespace {

// CLI11 shows "N:INT in [1 - 1024]"; people want "N".
std::string ValueName(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return "";
  const std::string type = option.get_type_name();
  return type.substr(0, type.find(':'));
}

FlagEntry ReadFlag(const CLI::Option& option) {
  FlagEntry flag;
  for (const std::string& name : option.get_snames()) flag.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) flag.names.push_back("--" + name);
  flag.value = ValueName(option);
  flag.help = option.get_description();
  return flag;
}

void ForEach(const CommandEntry& command, const auto& visit) {
  visit(command);
  for (const CommandEntry& child : command.commands) ForEach(child, visit);
}

std::string Words(const CommandEntry& command, const CommandEntry& root) {
  std::vector<std::string> words;
  for (const CommandEntry& child : command.commands)
    words.push_back(child.path.substr(child.path.rfind(' ') + 1));
  for (const std::vector<FlagEntry>* flags : {&command.flags, &root.flags}) {
    for (const FlagEntry& flag : *flags)
      words.insert(words.end(), flag.names.begin(), flag.names.end());
    if (&command == &root) break;
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return absl::StrJoin(words, " ");
}

// A text in single quotes for fish.
std::string Quoted(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
}

// A text for troff: no line begins with a control character, no dash is a hyphen.
std::string Troff(const std::string& text) {
  std::string escaped = absl::StrReplaceAll(text, {{"\\", "\\e"}, {"-", "\\-"}});
  if (!escaped.empty() && (escaped[0] == '.' || escaped[0] == '\'')) escaped.insert(0, "\\&");
  return absl::StrReplaceAll(escaped, {{"\n.", "\n\\&."}, {"\n'", "\n\\&'"}});
}

void ManFlags(const std::vector<FlagEntry>& flags, std::string* out) {
  for (const FlagEntry& flag : flags) {
    absl::StrAppend(out, ".TP\n\\fB", Troff(absl::StrJoin(flag.names, ", ")), "\\fR");
    if (!flag.value.empty()) absl::StrAppend(out, " \\fI", Troff(flag.value), "\\fR");
    absl::StrAppend(out, "\n", Troff(flag.help), "\n");
  }
}

void ManCommand(const CommandEntry& command, std::string* out) {
  if (command.commands.empty()) {
    absl::StrAppend(out, ".SS ", Troff(command.Synopsis()), "\n", Troff(command.help), ".\n");
    for (const ArgumentEntry& argument : command.arguments)
      absl::StrAppend(out, ".TP\n\\fI", Troff(argument.name), "\\fR\n", Troff(argument.help), "\n");
    ManFlags(command.flags, out);
    if (!command.footer.empty())
      absl::StrAppend(out, ".PP\n.nf\n", Troff(command.footer), "\n.fi\n");
  }
  for (const CommandEntry& child : command.commands) ManCommand(child, out);
}

}  // namespace

std::string CommandEntry::Synopsis() const {
  std::string text = path;
  if (!flags.empty()) absl::StrAppend(&text, " [FLAGS]");
  for (const ArgumentEntry& argument : arguments)
    absl::StrAppend(&text, " ", argument.required ? argument.name : "[" + argument.name + "]");
  return text;
}

CommandEntry ReadCommands(const CLI::App& app, const std::string& path) {
  CommandEntry command;
  command.path = path;
  command.help = app.get_description();
  command.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    if (option == app.get_help_ptr() && app.get_parent() != nullptr) continue;  // said once
    if (option->nonpositional()) {
      command.flags.push_back(ReadFlag(*option));
    } else {
      command.arguments.push_back(
          {ValueName(*option), option->get_required(), option->get_description()});
    }
  }
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; }))
    command.commands.push_back(ReadCommands(*child, path + " " + child->get_name()));
  return command;
}

std::string BashCompletion(const CommandEntry& root) {
  std::string out =
      "# bash completion for llama; install with: llama completion bash > "
      "/etc/bash_completion.d/llama\n"
      "_llama() {\n"
      "  local current=\"${COMP_WORDS[COMP_CWORD]}\" path=llama word words=\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case \"$path $word\" in\n";
  std::vector<std::string> paths;
  ForEach(root, [&](const CommandEntry& command) {
    if (&command != &root) paths.push_back(absl::StrCat("\"", command.path, "\""));
  });
  absl::StrAppend(&out, "      ", absl::StrJoin(paths, "|"), ") path=\"$path $word\" ;;\n",
                  "    esac\n  done\n  case \"$path\" in\n");
  ForEach(root, [&](const CommandEntry& command) {
    absl::StrAppend(&out, "    \"", command.path, "\") words=\"", Words(command, root), "\" ;;\n");
  });
  absl::StrAppend(&out,
                  "  esac\n"
                  "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
                  "  if [[ $path != llama && $current != -* ]]; then\n"
                  "    COMPREPLY+=($(compgen -f -- \"$current\"))\n"
                  "  fi\n"
                  "}\n"
                  "complete -o filenames -F _llama llama\n");
  return out;
}

std::string ZshCompletion(const CommandEntry& root) {
  return absl::StrCat(
      "#compdef llama\n"
      "# zsh completion for llama; put into a file _llama in a folder of $fpath\n"
      "autoload -U +X bashcompinit && bashcompinit\n",
      BashCompletion(root));
}

std::string FishCompletion(const CommandEntry& root) {
  std::string out =
      "# fish completion for llama; install with: llama completion fish > "
      "~/.config/fish/completions/llama.fish\n";
  ForEach(root, [&](const CommandEntry& command) {
    std::string seen;  // every word of the path
    for (size_t at = command.path.find(' '); at != std::string::npos;
         at = command.path.find(' ', at + 1)) {
      const std::string word = command.path.substr(at + 1, command.path.find(' ', at + 1) - at - 1);
      absl::StrAppend(&seen, seen.empty() ? "" : "; and ", "__fish_seen_subcommand_from ", word);
    }
    const std::string here =
        absl::StrCat(&command == &root ? "" : absl::StrCat(" -n ", Quoted(seen)));
    for (const CommandEntry& child : command.commands) {
      const std::string name = child.path.substr(child.path.rfind(' ') + 1);
      const std::string when = &command == &root ? "__fish_use_subcommand" : seen;
      absl::StrAppend(&out, "complete -c llama -n ", Quoted(when), " -f -a ", name, " -d ",
                      Quoted(child.help), "\n");
    }
    for (const FlagEntry& flag : command.flags) {
      absl::StrAppend(&out, "complete -c llama", here);
      for (const std::string& name : flag.names)
        absl::StrAppend(&out, name[1] == '-' ? " -l " + name.substr(2) : " -s " + name.substr(1));
      absl::StrAppend(&out, flag.value.empty() ? "" : " -r", " -d ", Quoted(flag.help), "\n");
    }
  });
  return out;
}

std::string ManPage(const CommandEntry& root) {
  std::string out = absl::StrCat(
      ".TH LLAMA 1 \"\" \"Cria\" \"User Commands\"\n.SH NAME\nllama \\- ", Troff(root.help),
      "\n.SH SYNOPSIS\n\\fBllama\\fR [FLAGS] \\fICOMMAND\\fR ...\n.SH COMMON FLAGS\n");
  ManFlags(root.flags, &out);
  absl::StrAppend(&out, ".SH COMMANDS\n");
  ManCommand(root, &out);
  absl::StrAppend(&out, ".SH NOTES\n.nf\n", Troff(root.footer), "\n.fi\n");
  return out;
}

}  // namespace cria::cli
