// Vocabularies as GGUF has them. The input is lines: first the model and the pre-tokenizer, then
// tokens, each behind the digit of its type, or merges behind "m"; a token's score falls with its
// id's lowest bits.
#include "text/tokenizer_factory.h"
#include "tokenizer_check.h"

namespace {

std::string_view TakeLine(std::string_view* rest) {
  const size_t end = std::min(rest->find('\n'), rest->size());
  const std::string_view line = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string_view text = rest.substr(0, 1024), head = TakeLine(&rest);
  const size_t space = std::min(head.find(' '), head.size());
  cria::text::VocabularySpec spec;
  spec.model = head.substr(0, space);
  spec.pre = head.substr(std::min(space + 1, head.size()));
  std::vector<std::string> tokens, merges;
  std::vector<float> scores;
  std::vector<int32_t> types;
  while (!rest.empty()) {
    const std::string_view line = TakeLine(&rest);
    if (line.empty()) continue;
    if (line[0] == 'm') {
      merges.emplace_back(line.substr(1));
      continue;
    }
    scores.push_back(-static_cast<float>(tokens.size() % 64));
    types.push_back(line[0] - '0');
    tokens.emplace_back(line.substr(1));
  }
  spec.tokens = &tokens;
  spec.scores = &scores;
  spec.types = &types;
  spec.merges = &merges;
  spec.add_space_prefix = size % 2 == 0;
  const auto tokenizer = cria::text::TokenizerFromVocabulary(spec);
  if (tokenizer.ok()) cria::fuzz::CheckTokenizer(**tokenizer, text);
  return 0;
}
