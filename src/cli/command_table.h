// The commands and flags of `llama` as data, read from the parser itself: completions and the man
// page can't differ from what the program takes.
#ifndef CRIA_CLI_COMMAND_TABLE_H_
#define CRIA_CLI_COMMAND_TABLE_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace cria::cli {

struct FlagEntry {
  std::vector<std::string> names;   // "-f", "--force", in that order
  std::string value;                // what follows, e.g. "N"; empty for plain flags
  std::vector<std::string> values;  // the words that may follow, where they are known
  bool is_model = false;            // a model's name follows
  std::string help;
};

struct ArgumentEntry {
  std::string name;  // "MODEL"
  bool required = false;
  std::string help;
  std::vector<std::string> values;
  bool is_model = false;
};

struct CommandEntry {
  std::string path;  // "llama model list"
  std::string help, footer;
  std::vector<FlagEntry> flags;   // its own, without those of the commands above it
  std::vector<FlagEntry> common;  // those of the root that mean something to it
  std::vector<ArgumentEntry> arguments;
  std::vector<CommandEntry> commands;

  // "llama run [FLAGS] [MODEL] [PROMPT]"
  std::string Synopsis() const;
};

CommandEntry ReadCommands(const CLI::App& app, const std::string& path);

// Shell code that completes commands, flags, their values, models and file names.
std::string BashCompletion(const CommandEntry& root);
std::string ZshCompletion(const CommandEntry& root);
std::string FishCompletion(const CommandEntry& root);

// In the man macros of troff.
std::string ManPage(const CommandEntry& root);

}  // namespace cria::cli

#endif  // CRIA_CLI_COMMAND_TABLE_H_
