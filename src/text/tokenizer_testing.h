// Shared by the tests of tokenizers: small vocabularies, and encoding in one call.
#ifndef CRIA_TEXT_TOKENIZER_TESTING_H_
#define CRIA_TEXT_TOKENIZER_TESTING_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "text/tokenizer_factory.h"

namespace cria::text {

using Ids = std::vector<TokenId>;
using StatusOrTokenizer = absl::StatusOr<std::unique_ptr<const Tokenizer>>;

inline Ids Encode(const Tokenizer& tokenizer, std::string_view text,
                  SpecialText special = SpecialText::kPlain) {
  Ids ids;
  const absl::Status status = tokenizer.Encode(text, special, &ids);
  EXPECT_TRUE(status.ok()) << status;
  return ids;
}

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

// The file is refused with this code, and the message says this.
inline void ExpectRefused(const StatusOrTokenizer& made, absl::StatusCode code,
                          std::string_view message) {
  EXPECT_EQ(made.status().code(), code) << made.status();
  EXPECT_THAT(std::string(made.status().message()), testing::HasSubstr(std::string(message)));
}

}  // namespace cria::text

#endif  // CRIA_TEXT_TOKENIZER_TESTING_H_
