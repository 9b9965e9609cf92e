// What people hand to commands: token lists, files, standard input.
#ifndef CRIA_CLI_INPUT_H_
#define CRIA_CLI_INPUT_H_

#include <string>
#include <vector>

#include "base/status.h"
#include "text/tokenizer.h"

namespace cria::cli {

// "1, 2 3" or "@FILE" with the same inside: ids separated by commas or white space.
// kInvalidArgument names the word that is not an id.
absl::StatusOr<std::vector<text::TokenId>> ParseTokenIds(const std::string& list);

// The same for --token-ids, which needs at least one.
absl::StatusOr<std::vector<text::TokenId>> ParseGivenTokenIds(const std::string& list);

// What `echo TEXT | llama ...` means is TEXT.
std::string WithoutLastNewline(std::string text);

// The whole of a file ("-": standard input), at most 256 MiB.
absl::StatusOr<std::string> ReadInput(const std::string& path);

// Standard input. On a terminal it says first how to end.
absl::StatusOr<std::string> ReadStdin();

// `text` itself if it looks like JSON (begins with { or [), else the content of the file of that
// name.
absl::StatusOr<std::string> JsonTextOrFile(const std::string& text);

// What messages call such JSON: the file's name, or "JSON" for a text.
std::string JsonSource(const std::string& text);

// A tokenizer's text as UTF-8 whatever it is: invalid bytes become U+FFFD.
std::string ValidUtf8(std::string_view bytes);

}  // namespace cria::cli

#endif  // CRIA_CLI_INPUT_H_
