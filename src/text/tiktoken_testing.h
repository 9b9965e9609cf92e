// Shared by the tokenizers' tests and fuzz targets.
#ifndef CRIA_TEXT_TIKTOKEN_TESTING_H_
#define CRIA_TEXT_TIKTOKEN_TESTING_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace cria::text {

// A tokenizer.model whose tokens are the 256 bytes, then `merged`: id 256 is the first of these.
inline std::string TiktokenFile(const std::vector<std::string>& merged) {
  std::string file;
  int rank = 0;
  const auto add = [&](std::string_view token) {
    absl::StrAppend(&file, absl::Base64Escape({token.data(), token.size()}), " ", rank++, "\n");
  };
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    add({&c, 1});
  }
  for (const std::string& token : merged) add(token);
  return file;
}

}  // namespace cria::text

#endif  // CRIA_TEXT_TIKTOKEN_TESTING_H_
