#include "cli/command_table.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "cli/common_flags.h"
#include "cli/usage.h"
#include "kernels/registry.h"

namespace cria::cli {
namespace {

constexpr char kListModels[] =
    "llama model list --downloaded 2>/dev/null | tail -n +2 | cut -d' ' -f1";

// "bf16|int8|f32" names its values; in "FILE|JSON" and "N" there are none.
std::vector<std::string> ValuesOf(const CLI::Option& option, const std::string& value) {
  if (option.get_name() == "--isa") {
    std::vector<std::string> names;
    for (const kernels::Kernels* kernels : kernels::AllKernels()) names.emplace_back(kernels->isa);
    return names;
  }
  std::vector<std::string> words = absl::StrSplit(value, '|', absl::SkipEmpty());
  std::erase_if(words, [](const std::string& word) {
    return !std::all_of(word.begin(), word.end(), [](char c) {
      return absl::ascii_islower(static_cast<unsigned char>(c)) ||
             absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '_';
    });
  });
  return words;
}

bool IsModel(const CLI::Option& option, const std::string& value) {
  return value == "MODEL" || (value == "ID" && option.get_name() == "--model-id");
}

FlagEntry ReadFlag(const CLI::Option& option) {
  FlagEntry flag;
  for (const std::string& name : option.get_snames()) flag.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) flag.names.push_back("--" + name);
  flag.value = ValueName(option);
  flag.values = ValuesOf(option, flag.value);
  flag.is_model = IsModel(option, flag.value);
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
  for (const std::vector<FlagEntry>* flags : {&command.flags, &command.common})
    for (const FlagEntry& flag : *flags)
      words.insert(words.end(), flag.names.begin(), flag.names.end());
  for (const ArgumentEntry& argument : command.arguments)
    words.insert(words.end(), argument.values.begin(), argument.values.end());
  words.emplace_back("--help");
  if (command.path == "llama help")
    for (const CommandEntry& other : root.commands)
      words.push_back(other.path.substr(other.path.rfind(' ') + 1));
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return absl::StrJoin(words, " ");
}

bool TakesModel(const CommandEntry& command) {
  return !command.arguments.empty() && command.arguments.front().is_model;
}

// The values of flags: a `case` of bash that sets `words`, or `models`, by the word before.
std::string BashValues(const CommandEntry& root) {
  std::map<std::string, std::string> actions;  // by flag
  ForEach(root, [&](const CommandEntry& command) {
    for (const FlagEntry& flag : command.flags)
      for (const std::string& name : flag.names) {
        if (flag.is_model) actions[name] = "words= models=1";
        if (!flag.values.empty())
          actions[name] = absl::StrCat("words=\"", absl::StrJoin(flag.values, " "), "\" models=");
      }
  });
  std::string out;
  for (const auto& [name, action] : actions)
    absl::StrAppend(&out, "    ", name, ") ", action, " ;;\n");
  return out;
}

// A text in single quotes for fish.
std::string Quoted(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
}

std::string FishValues(const std::vector<std::string>& values, bool is_model) {
  if (is_model) return absl::StrCat(" -a ", Quoted(absl::StrCat("(", kListModels, ")")));
  return values.empty() ? "" : absl::StrCat(" -a ", Quoted(absl::StrJoin(values, " ")));
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
      const std::string name = ValueName(*option);
      command.arguments.push_back({name, option->get_required(), option->get_description(),
                                   ValuesOf(*option, name), IsModel(*option, name)});
    }
  }
  for (const CLI::Option* option : CommonFlagsOf(app)) command.common.push_back(ReadFlag(*option));
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; }))
    command.commands.push_back(ReadCommands(*child, path + " " + child->get_name()));
  return command;
}

std::string BashCompletion(const CommandEntry& root) {
  std::string out =
      "# bash completion for llama; install with: llama completion bash > "
      "/etc/bash_completion.d/llama\n"
      "_llama() {\n"
      "  local current=\"${COMP_WORDS[COMP_CWORD]}\" before=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
      "  local path=llama word words= models= typed colon\n"
      "  # bash takes the colon of a model's name for the end of a word\n"
      "  typed=\"${COMP_LINE:0:${COMP_POINT:-0}}\"; typed=\"${typed##* }\"\n"
      "  [[ $typed == *:* ]] || typed=\"$current\"\n"
      "  colon=\"${typed%\"${typed##*:}\"}\"\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case \"$path $word\" in\n";
  std::vector<std::string> paths;
  ForEach(root, [&](const CommandEntry& command) {
    if (&command != &root) paths.push_back(absl::StrCat("\"", command.path, "\""));
  });
  absl::StrAppend(&out, "      ", absl::StrJoin(paths, "|"), ") path=\"$path $word\" ;;\n",
                  "    esac\n  done\n  case \"$path\" in\n");
  ForEach(root, [&](const CommandEntry& command) {
    absl::StrAppend(&out, "    \"", command.path, "\") words=\"", Words(command, root), "\"",
                    TakesModel(command) ? " models=1" : "", " ;;\n");
  });
  absl::StrAppend(&out, "  esac\n  case \"$before\" in\n", BashValues(root),
                  "  esac\n"
                  "  [[ -z $models || $typed == -* ]] || words=\"$words $(",
                  kListModels,
                  ")\"\n"
                  "  COMPREPLY=($(compgen -W \"$words\" -- \"$typed\"))\n"
                  "  COMPREPLY=(\"${COMPREPLY[@]#\"$colon\"}\")\n"
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
      absl::StrAppend(&out, flag.value.empty() ? "" : " -r", FishValues(flag.values, flag.is_model),
                      " -d ", Quoted(flag.help), "\n");
    }
    for (const ArgumentEntry& argument : command.arguments)
      if (argument.is_model || !argument.values.empty())
        absl::StrAppend(&out, "complete -c llama", here,
                        FishValues(argument.values, argument.is_model), "\n");
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
