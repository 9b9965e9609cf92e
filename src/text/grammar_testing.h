// Shared by the tests of grammars.
#ifndef CRIA_TEXT_GRAMMAR_TESTING_H_
#define CRIA_TEXT_GRAMMAR_TESTING_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "text/grammar.h"
#include "text/token_trie.h"

namespace cria::text {

// Token i is the byte i.
inline std::shared_ptr<const TokenTrie> ByteTrie() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
  return TokenTrie::FromTokens(tokens);
}

// The bytes of `text` that are accepted from its start on.
inline size_t AcceptedPrefix(GrammarMatcher* matcher, std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i)
    if (!matcher->Accept(static_cast<uint8_t>(text[i]))) return i;
  return text.size();
}

// Whether the whole text is a sentence of the grammar.
inline bool Matches(const std::shared_ptr<const Grammar>& grammar, std::string_view text) {
  const auto matcher = MakeGrammarMatcher(grammar, ByteTrie());
  return AcceptedPrefix(matcher.get(), text) == text.size() && matcher->CanEnd();
}

// Whether the text is the beginning of a sentence.
inline bool Begins(const std::shared_ptr<const Grammar>& grammar, std::string_view text) {
  const auto matcher = MakeGrammarMatcher(grammar, ByteTrie());
  return AcceptedPrefix(matcher.get(), text) == text.size();
}

inline std::vector<TokenId> AllowedTokens(GrammarMatcher* matcher, const TokenTrie& trie) {
  std::vector<uint64_t> mask(trie.mask_words(), ~uint64_t{0});
  matcher->FillMask(mask);
  std::vector<TokenId> allowed;
  for (TokenId id = 0; id < trie.vocab_size(); ++id)
    if (mask[static_cast<size_t>(id) / 64] >> (id % 64) & 1) allowed.push_back(id);
  return allowed;
}

// All single bytes and `count` random strings over pieces that JSON texts are made of.
inline std::vector<std::string> RandomVocabulary(int count, base::Rng* rng) {
  static constexpr std::string_view kPieces[] = {"\"",       "{",
                                                 "}",        "[",
                                                 "]",        ",",
                                                 ":",        " ",
                                                 "\n",       "a",
                                                 "b",        "c",
                                                 "\\",       "u00",
                                                 "1",        "0",
                                                 "-",        ".",
                                                 "e",        "true",
                                                 "null",     "\xC3",
                                                 "\xA9",     "\xF0\x9F",
                                                 "\x98\x80", "\xE2\x82\xAC",
                                                 "\": ",     "\", \"",
                                                 "name"};
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
  for (int i = 0; i < count; ++i) {
    std::string token;
    for (uint32_t pieces = 1 + rng->Below(4); pieces > 0; --pieces)
      token += kPieces[rng->Below(std::size(kPieces))];
    tokens.push_back(token);
  }
  return tokens;
}

}  // namespace cria::text

#endif  // CRIA_TEXT_GRAMMAR_TESTING_H_
