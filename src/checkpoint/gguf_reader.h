// A GGUF file of architecture "llama" as a checkpoint.
#ifndef CRIA_CHECKPOINT_GGUF_READER_H_
#define CRIA_CHECKPOINT_GGUF_READER_H_

#include <string>

#include "checkpoint/checkpoint.h"
#include "checkpoint/gguf.h"

namespace cria::checkpoint {

// Maps `path` and reads config, tokenizer and tensors; the views point into the mapping. Tensors of
// unknown names keep them, for Checkpoint::FromParts to refuse. kDataLoss for a damaged file;
// kUnimplemented, by name, for another architecture, mixture of experts, another rope scaling,
// another tokenizer model, one part of a split model.
//
// Where the file is silent: rope.freq_base 10000, head_count_kv = head_count, head_dim =
// embedding_length / head_count, rotary_dim = head_dim. add_bos, as llama.cpp has it: true for
// SentencePiece vocabularies and for "gpt2" ones with pre "llama-bpe", "llama3", "llama-v3"; false
// for the other "gpt2" ones.
absl::StatusOr<Checkpoint::Parts> ReadGguf(const std::string& path);

// The same from a parsed file, whose bytes must outlive the result; `files` stays empty.
absl::StatusOr<Checkpoint::Parts> PartsFromGguf(const GgufFile& file);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_GGUF_READER_H_
