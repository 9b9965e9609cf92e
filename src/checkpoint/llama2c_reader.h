// The files of github.com/karpathy/llama2.c, version 0: its export.py (legacy_export), run.c and
// tokenizer.py.
#ifndef CRIA_CHECKPOINT_LLAMA2C_READER_H_
#define CRIA_CHECKPOINT_LLAMA2C_READER_H_

#include <span>
#include <string>

#include "checkpoint/checkpoint.h"

namespace cria::checkpoint {

// Reads a *.bin model: 7 int32 (dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size,
// negative if the head is stored; seq_len), then float32 tensors. The file has no magic: it is one
// if the header is plausible and the size is exactly what it calls for, else kDataLoss. Rope theta
// 10000 and epsilon 1e-5, as run.c has them. The tokenizer comes from `tokenizer_path`, or if that
// is empty from tok<vocab>.bin, else tokenizer.bin, beside the model if there is one.
absl::StatusOr<Checkpoint::Parts> ReadLlama2c(const std::string& path,
                                              const std::string& tokenizer_path = "");

// The same of a file in memory, without the tokenizer. The tensors point into `bytes`. Pure.
absl::StatusOr<Checkpoint::Parts> ParseLlama2c(std::span<const uint8_t> bytes,
                                               const std::string& path);

// Parses a tokenizer of `vocab` tokens: int32 longest, then for each token float32 score, int32
// length, bytes. The tokens come out in SentencePiece's spelling: "▁" for a space, <unk>, <s>, </s>
// for the first three, byte tokens <0xNN>.
absl::StatusOr<Vocabulary> ParseLlama2cTokenizer(std::span<const uint8_t> bytes, int64_t vocab,
                                                 const std::string& what);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_LLAMA2C_READER_H_
