#include "cli/input.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
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

bool IsJsonText(const std::string& text) {
  const absl::string_view stripped = absl::StripAsciiWhitespace(text);
  return absl::StartsWith(stripped, "{") || absl::StartsWith(stripped, "[") || stripped == "true" ||
         stripped == "false";
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

absl::StatusOr<std::vector<text::TokenId>> ParseGivenTokenIds(const std::string& list) {
  CRIA_ASSIGN_OR_RETURN(std::vector<text::TokenId> ids, ParseTokenIds(list));
  if (ids.empty())
    return absl::InvalidArgumentError("--token-ids: expected at least one id, found none");
  return ids;
}

std::string WithoutLastNewline(std::string text) {
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

absl::StatusOr<std::string> ReadInput(const std::string& path) {
  return path == "-" ? ReadStdin() : ReadNamedFile(path);
}

absl::StatusOr<std::string> ReadStdin() {
  if (isatty(STDIN_FILENO) != 0)
    std::fprintf(stderr, "Reading from the terminal; Ctrl-D on an empty line ends.\n");
  std::string content;
  char buffer[1 << 16];
  while (true) {
    const ssize_t got = read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return absl::InvalidArgumentError(
          absl::StrCat("cannot read standard input: ", std::strerror(errno)));
    if (got == 0) return content;
    content.append(buffer, static_cast<size_t>(got));
    if (content.size() > kMaxInputBytes)
      return absl::ResourceExhaustedError(
          absl::StrCat("standard input: larger than the ", kMaxInputBytes, " bytes allowed here"));
  }
}

absl::StatusOr<std::string> JsonTextOrFile(const std::string& text) {
  if (IsJsonText(text)) return text;
  return ReadInput(text);
}

std::string JsonSource(const std::string& text) { return IsJsonText(text) ? "JSON" : text; }

std::string ValidUtf8(std::string_view bytes) { return text::ToValidUtf8(bytes); }

}  // namespace cria::cli
