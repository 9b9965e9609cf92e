// Grammars from outside, GBNF and JSON Schema, and texts through them: building is bounded, and a
// token is accepted exactly if the mask allows it.
#include <algorithm>

#include "base/check.h"
#include "base/json.h"
#include "text/grammar.h"
#include "text/token_trie.h"

namespace {

using namespace cria;

std::shared_ptr<const text::TokenTrie> MakeTrie() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
  for (const char* token :
       {"\"}", "{\"", "\": ", "ab", "abc", "\\u", "12", "true", "\xC3\xA9", ", \""})
    tokens.emplace_back(token);
  return text::TokenTrie::FromTokens(tokens);
}

// The grammar, then a zero byte, then the text.
void Walk(const std::shared_ptr<const text::Grammar>& grammar, std::string_view sentence) {
  static const auto kTrie = MakeTrie();
  const auto matcher = text::MakeGrammarMatcher(grammar, kTrie);
  std::vector<uint64_t> mask(kTrie->mask_words()), shorter(kTrie->mask_words() - 1);
  for (const char byte : sentence.substr(0, 200)) {
    matcher->FillMask(shorter);  // a model with fewer tokens
    matcher->FillMask(mask);
    CRIA_CHECK(std::equal(shorter.begin(), shorter.end(), mask.begin()));
    const auto id = static_cast<text::TokenId>(static_cast<uint8_t>(byte));
    const bool allowed = mask[static_cast<size_t>(id) / 64] >> (id % 64) & 1;
    const bool accepted = matcher->Accept(id);
    if (matcher->status().ok()) CRIA_CHECK(accepted == allowed);
    if (!accepted) break;
  }
  (void)matcher->CanEnd();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t zero = std::min(input.find('\0'), input.size());
  const std::string_view source = input.substr(0, zero);
  const std::string_view sentence = input.substr(std::min(zero + 1, input.size()));
  if (const auto grammar = text::GrammarFromGbnf(source); grammar.ok()) Walk(*grammar, sentence);
  const auto schema = base::ParseJson(source, "schema");
  if (!schema.ok()) return 0;
  if (const auto grammar = text::GrammarFromJsonSchema(*schema); grammar.ok())
    Walk(*grammar, sentence);
  return 0;
}
