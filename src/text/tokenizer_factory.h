// Makes a Tokenizer from each kind of file. Every byte of input is hostile: kDataLoss for what is
// damaged, kUnimplemented with the name of the part for what Cria doesn't know.
#ifndef CRIA_TEXT_TOKENIZER_FACTORY_H_
#define CRIA_TEXT_TOKENIZER_FACTORY_H_

#include <memory>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace cria::text {

// Meta's tokenizer.model: lines of base64 and rank. Special tokens and the split pattern are Llama
// 3's; the image token has Meta's id, 128011, and not the 128256 by which models with vision know
// it.
absl::StatusOr<std::unique_ptr<const Tokenizer>> TokenizerFromTiktoken(std::string_view file);

// Hugging Face tokenizer.json with a model of type BPE or WordPiece, with tokenizer_config.json
// (may be empty) for bos, eos and add_bos of BPE.
absl::StatusOr<std::unique_ptr<const Tokenizer>> TokenizerFromHuggingFace(std::string_view file,
                                                                          std::string_view config);

// BERT's vocab.txt, a WordPiece a line, with tokenizer_config.json (may be empty) for what the
// normalizer does. A text stands between [CLS] and [SEP].
absl::StatusOr<std::unique_ptr<const Tokenizer>> TokenizerFromWordPieceVocabulary(
    std::string_view file, std::string_view config);

// A GGUF or llama2.c vocabulary.
struct VocabularySpec {
  std::string_view model;  // "gpt2" or "llama"
  std::string_view pre;    // "llama-bpe", "smollm", "gpt-2", "default" (for "gpt2")
  const std::vector<std::string>* tokens = nullptr;
  const std::vector<float>* scores = nullptr;        // "llama"
  const std::vector<int32_t>* types = nullptr;       // may be empty: all normal
  const std::vector<std::string>* merges = nullptr;  // "gpt2"
  bool add_space_prefix = true;
  std::optional<TokenId> bos, eos;
  std::optional<bool> add_bos;
};
absl::StatusOr<std::unique_ptr<const Tokenizer>> TokenizerFromVocabulary(
    const VocabularySpec& spec);

}  // namespace cria::text

#endif  // CRIA_TEXT_TOKENIZER_FACTORY_H_
