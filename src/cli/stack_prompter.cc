#include "cli/stack_prompter.h"

#include <editline/readline.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/interrupt.h"

namespace cria::cli {
namespace {

// What Tab completes. The editor's callbacks take nothing from whoever sets them, so the words
// stand here while a question is open.
const std::vector<std::string>* offered_words = nullptr;

char* NextWord(const char* text, int state) {
  static size_t next = 0;
  if (state == 0) next = 0;
  while (offered_words != nullptr && next < offered_words->size()) {
    const std::string& word = (*offered_words)[next++];
    if (absl::StartsWith(word, text)) return strdup(word.c_str());
  }
  return nullptr;
}

char** Completions(const char* text, int, int) {
  rl_attempted_completion_over = 1;  // no file names
  return rl_completion_matches(text, NextWord);
}

class OfferedWords {
 public:
  explicit OfferedWords(const std::vector<std::string>& words) {
    offered_words = &words;
    rl_attempted_completion_function = Completions;
  }
  ~OfferedWords() {
    offered_words = nullptr;
    rl_attempted_completion_function = nullptr;
  }
  OfferedWords(const OfferedWords&) = delete;
  OfferedWords& operator=(const OfferedWords&) = delete;
};

}  // namespace

absl::StatusOr<std::string> StackPrompter::Ask(const std::string& question,
                                               const std::string& default_answer,
                                               const std::vector<std::string>& words,
                                               const Check& check) {
  const OfferedWords offered(words);
  const std::string prompt = absl::StrCat(
      question, default_answer.empty() ? "" : absl::StrCat(" [", default_answer, "]"), ": ");
  while (true) {
    const std::optional<std::string> line = editor_.Read(prompt);
    if (!line || Interrupted()) return absl::CancelledError("no answer: nothing was written");
    std::string answer(absl::StripAsciiWhitespace(*line));
    if (answer.empty()) answer = default_answer;
    const absl::Status status = check(answer);
    if (status.ok()) return answer;
    std::fprintf(stderr, "  %s\n", std::string(status.message()).c_str());
  }
}

}  // namespace cria::cli
