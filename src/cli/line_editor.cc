#include "cli/line_editor.h"

#include <editline/readline.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "cli/cli_context.h"

namespace cria::cli {

LineEditor::LineEditor(std::string history_file)
    : history_file_(std::move(history_file)), interactive_(isatty(STDIN_FILENO) != 0) {
  if (!interactive_) return;
  using_history();
  if (!history_file_.empty()) read_history(history_file_.c_str());
}

LineEditor::~LineEditor() {
  if (interactive_ && !history_file_.empty()) write_history(history_file_.c_str());
}

std::optional<std::string> LineEditor::Read(const std::string& prompt) {
  if (!interactive_) {
    std::string line;
    if (!std::getline(std::cin, line)) return std::nullopt;
    return line;
  }
  char* line = readline(prompt.c_str());
  if (line == nullptr) {
    if (Interrupted()) return std::string();
    return std::nullopt;
  }
  std::string text(line);
  std::free(line);
  if (!text.empty()) add_history(text.c_str());
  return text;
}

}  // namespace cria::cli
