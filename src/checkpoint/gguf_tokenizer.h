// The tokenizer section of a GGUF file's metadata.
#ifndef CRIA_CHECKPOINT_GGUF_TOKENIZER_H_
#define CRIA_CHECKPOINT_GGUF_TOKENIZER_H_

#include "checkpoint/checkpoint.h"
#include "checkpoint/gguf.h"

namespace cria::checkpoint {

// The vocabulary and chat template; Kind::kNone if the file carries none. Fills the token fields of
// `config` (bos_id, eos_ids, add_bos), whose `vocab` must be set. kDataLoss: lists of different
// lengths, ids out of range; kUnimplemented: a tokenizer.ggml.model other than "gpt2", "llama" or
// "none".
absl::StatusOr<TokenizerData> ReadGgufTokenizer(const GgufFile& file, ModelConfig* config);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_GGUF_TOKENIZER_H_
