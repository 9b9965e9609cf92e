// Questions on the terminal: with defaults, completion, and answers that are checked.
#ifndef CRIA_CLI_STACK_PROMPTER_H_
#define CRIA_CLI_STACK_PROMPTER_H_

#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/line_editor.h"

namespace cria::cli {

// One thread.
class StackPrompter {
 public:
  StackPrompter() : editor_("") {}

  bool interactive() const { return editor_.interactive(); }

  // OK for an answer that is taken; its message is shown, and the question asked again, otherwise.
  using Check = std::function<absl::Status(const std::string& answer)>;

  // The answer without blanks at its ends; an empty one is `default_answer`. `words` complete with
  // Tab. kCancelled at the end of the input, and by Ctrl-C.
  absl::StatusOr<std::string> Ask(const std::string& question, const std::string& default_answer,
                                  const std::vector<std::string>& words, const Check& check);

 private:
  LineEditor editor_;
};

}  // namespace cria::cli

#endif  // CRIA_CLI_STACK_PROMPTER_H_
