#include "cli/line_editor.h"

#include <editline/readline.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "cli/interrupt.h"

namespace cria::cli {

LineEditor::LineEditor(std::string history_file)
    : history_file_(std::move(history_file)), interactive_(isatty(STDIN_FILENO) != 0) {
  if (!interactive_) return;
  constexpr int kMaxLines = 1000;
  using_history();
  stifle_history(kMaxLines);
  if (!history_file_.empty()) read_history(history_file_.c_str());
}

std::optional<std::string> LineEditor::Read(const std::string& prompt) {
  if (!interactive_) {
    std::string line;
    if (!std::getline(std::cin, line)) return std::nullopt;
    return line;
  }
  const PolledInterrupts polled;
  char* line = readline(prompt.c_str());
  if (line == nullptr) {
    std::fputs("\n", stdout);  // Ctrl-C and Ctrl-D leave the cursor behind the prompt
    std::fflush(stdout);
    if (Interrupted()) return std::string();
    return std::nullopt;
  }
  std::string text(line);
  std::free(line);
  if (text.empty()) return text;
  add_history(text.c_str());
  if (!history_file_.empty()) write_history(history_file_.c_str());
  return text;
}

}  // namespace cria::cli
