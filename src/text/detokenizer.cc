#include "text/detokenizer.h"

namespace cria::text {

std::string StreamDetokenizer::Feed(TokenId id) {
  std::string text;
  std::string bytes = tokenizer_->TokenBytes(id, special_);
  if (drop_space_ && !bytes.empty()) {
    if (bytes.front() == ' ') bytes.erase(0, 1);
    drop_space_ = false;
  }
  characters_.Feed(bytes, &text);
  return text;
}

std::string StreamDetokenizer::Finish() {
  std::string text;
  characters_.Finish(&text);
  return text;
}

}  // namespace cria::text
