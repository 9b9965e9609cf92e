#include "cli/input.h"

#include <unistd.h>

#include <cstdio>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "cli/cli_context.h"
#include "text/utf8.h"

namespace cria::cli {
namespace {

constexpr uint64_t kMaxInputBytes = uint64_t{256} << 20;

// Files that a user names on the command line: a missing one is wrong usage of the command, not a
// bad model.
absl::StatusOr<std::string> ReadNamedFile(const std::string& path) {
  auto content = base::ReadFile(path, kMaxInputBytes);
  if (content.status().code() == absl::StatusCode::kNotFound)
    return absl::InvalidArgumentError(content.status().message());
  return content;
}

}  // namespace

absl::StatusOr<std::vector<text::TokenId>> ParseTokenIds(const std::string& list) {
  std::string content = list;
  if (!list.empty() && list[0] == '@') {
    CRIA_ASSIGN_OR_RETURN(content, ReadInput(list.substr(1)));
  }
  std::vector<text::TokenId> ids;
  for (const absl::string_view word :
       absl::StrSplit(content, absl::ByAnyChar(", \t\r\n"), absl::SkipEmpty())) {
    text::TokenId id = 0;
    if (!absl::SimpleAtoi(word, &id))
      return absl::InvalidArgumentError(absl::StrCat(
          "token ids: expected whole numbers separated by commas or spaces, found '", word, "'"));
    ids.push_back(id);
  }
  return ids;
}

absl::StatusOr<std::string> ReadInput(const std::string& path) {
  return path == "-" ? ReadStdin() : ReadNamedFile(path);
}

absl::StatusOr<std::string> ReadStdin() {
  if (isatty(STDIN_FILENO) != 0)
    std::fprintf(stderr, "Reading from the terminal; Ctrl-D on an empty line ends.\n");
  return base::ReadFile("/dev/stdin", kMaxInputBytes);
}

absl::StatusOr<std::string> JsonTextOrFile(const std::string& text) {
  const absl::string_view stripped = absl::StripLeadingAsciiWhitespace(text);
  if (!stripped.empty() && (stripped[0] == '{' || stripped[0] == '[')) return text;
  if (stripped == "true" || stripped == "false") return text;
  return ReadInput(text);
}

std::string ValidUtf8(std::string_view bytes) { return text::ToValidUtf8(bytes); }

}  // namespace cria::cli
