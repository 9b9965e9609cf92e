// Saves a checkpoint as a GGUF file of architecture "llama".
#ifndef CRIA_CHECKPOINT_GGUF_WRITER_H_
#define CRIA_CHECKPOINT_GGUF_WRITER_H_

#include <string>

#include "checkpoint/checkpoint.h"

namespace cria::checkpoint {

struct GgufWriteOptions {
  // Written instead of the checkpoint's own tokenizer: a GGUF file holds a vocabulary, not a
  // tokenizer.json or tokenizer.model.
  const TokenizerData* tokenizer = nullptr;
};

// Writes `path`, which appears only when it is complete and replaces what was there. Matrices keep
// their types and bytes; norms and biases become F32, as readers of the format expect; rows of q
// and k are put into adjacent order; a llama3 rope scaling becomes the table of divisors
// rope_freqs. What was written opens as a model that computes the same. The sampling defaults of
// generation_config.json have no key and are left out.
//
// kUnimplemented for what the format can't say: device quantisation, tokenizers that aren't a
// vocabulary, more than three EOS ids. kInvalidArgument, kResourceExhausted, ...: gguf_header.h,
// tensor_file_writer.h.
absl::Status WriteGguf(const Checkpoint& checkpoint, const std::string& path,
                       const GgufWriteOptions& options = {});

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_GGUF_WRITER_H_
