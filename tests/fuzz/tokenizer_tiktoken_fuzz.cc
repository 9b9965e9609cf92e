// Meta's tokenizer.model. A file that is accepted must encode its own bytes and give them back.
#include "text/tokenizer_factory.h"
#include "tokenizer_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  const auto tokenizer = cria::text::TokenizerFromTiktoken(file);
  if (!tokenizer.ok()) return 0;
  const std::string_view text = file.substr(0, 1024);
  cria::fuzz::CheckTokenizer(**tokenizer, text);
  std::vector<cria::text::TokenId> ids;
  CRIA_CHECK((*tokenizer)->Encode(text, cria::text::SpecialText::kPlain, &ids).ok());
  CRIA_CHECK((*tokenizer)->Decode(ids, false) == text);
  return 0;
}
