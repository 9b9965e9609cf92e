#include "text/detokenizer.h"

namespace cria::text {

std::string StreamDetokenizer::Feed(TokenId id) {
  std::string text;
  characters_.Feed(tokenizer_->TokenBytes(id, special_), &text);
  return text;
}

std::string StreamDetokenizer::Finish() {
  std::string text;
  characters_.Finish(&text);
  return text;
}

}  // namespace cria::text
