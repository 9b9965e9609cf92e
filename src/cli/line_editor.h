// Lines from the terminal with editing and history (libedit), or plain lines from anything else.
#ifndef CRIA_CLI_LINE_EDITOR_H_
#define CRIA_CLI_LINE_EDITOR_H_

#include <optional>
#include <string>

namespace cria::cli {

// One thread, one at a time.
class LineEditor {
 public:
  // `history_file` is read now and written with every line; empty: none is kept.
  explicit LineEditor(std::string history_file);
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  bool interactive() const { return interactive_; }

  // The next line without its newline; nullopt at the end of the input. On a terminal a signal
  // gives an empty line and sets Interrupted().
  std::optional<std::string> Read(const std::string& prompt);

 private:
  std::string history_file_;
  bool interactive_;
};

}  // namespace cria::cli

#endif  // CRIA_CLI_LINE_EDITOR_H_
