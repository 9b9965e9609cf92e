// Shared by the tests of tokenizers: small vocabularies, and encoding in one call.
#ifndef CRIA_TEXT_TOKENIZER_TESTING_H_
#define CRIA_TEXT_TOKENIZER_TESTING_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "text/tiktoken_testing.h"
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

// The file is refused with this code, and the message says this.
inline void ExpectRefused(const StatusOrTokenizer& made, absl::StatusCode code,
                          std::string_view message) {
  EXPECT_EQ(made.status().code(), code) << made.status();
  EXPECT_THAT(std::string(made.status().message()), testing::HasSubstr(std::string(message)));
}

}  // namespace cria::text

#endif  // CRIA_TEXT_TOKENIZER_TESTING_H_
