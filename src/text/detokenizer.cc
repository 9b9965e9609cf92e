#include "text/detokenizer.h"

#include <algorithm>

namespace cria::text {

std::string StreamDetokenizer::Feed(TokenId id) {
  std::string text;
  const bool special = special_ || std::count(spelled_.begin(), spelled_.end(), id) > 0;
  std::string bytes = tokenizer_->TokenBytes(id, special);
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
