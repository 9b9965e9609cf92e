// Hugging Face's tokenizer.json and tokenizer_config.json: the file, and after a byte 0 the config.
#include "text/tokenizer_factory.h"
#include "tokenizer_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(input.find('\0'), size);
  const auto tokenizer = cria::text::TokenizerFromHuggingFace(
      input.substr(0, end), input.substr(std::min(end + 1, size)));
  if (tokenizer.ok()) cria::fuzz::CheckTokenizer(**tokenizer, input.substr(0, 1024));
  return 0;
}
