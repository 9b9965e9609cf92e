// Any bytes as a llama2.c model and as its tokenizer: an error, or tensors that lie inside the
// file.
#include <cstdint>
#include <cstdlib>

#include "checkpoint/llama2c_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto model = cria::checkpoint::ParseLlama2c({data, size}, "model.bin");
  if (model.ok())
    for (const auto& entry : model->tensors)
      if (entry.view.bytes.data() < data ||
          entry.view.bytes.data() + entry.view.bytes.size() > data + size)
        std::abort();
  const int64_t vocab = size < 4 ? 0 : 4 * data[0];  // the first field isn't used by the parser
  (void)cria::checkpoint::ParseLlama2cTokenizer({data, size}, vocab, "tokenizer.bin");
  return 0;
}
