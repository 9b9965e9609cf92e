// What the components of a tokenizer.json around its model amount to.
#ifndef CRIA_TEXT_TOKENIZER_HUGGINGFACE_PIPELINE_H_
#define CRIA_TEXT_TOKENIZER_HUGGINGFACE_PIPELINE_H_

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "text/tokenizer_bpe.h"

namespace cria::text {

// huggingface/tokenizers: normalizers, pre_tokenizers, decoders and processors, as far as Llama's
// relatives use them.
struct HuggingFacePipeline {
  bool byte_level = false;  // tokens are in GPT-2's byte alphabet; otherwise in SentencePiece's
  std::vector<std::string> patterns;  // byte-level: what to split by
  bool normalizes =
      false;  // there is a normalizer: spaces become U+2581 and perhaps one goes before
  bool splits_at_spaces = false;  // SentencePiece: merges don't cross the start of a word
  SpacePrefix space_prefix = SpacePrefix::kNever;
  bool drops_leading_space = false;
  std::optional<std::string> bos;  // the token that the post-processor puts before a text
};

// kUnimplemented names the component, or its option, that Cria does not do; kDataLoss for one that
// is malformed.
absl::StatusOr<HuggingFacePipeline> ReadHuggingFacePipeline(const base::json::object& tokenizer);

}  // namespace cria::text

#endif  // CRIA_TEXT_TOKENIZER_HUGGINGFACE_PIPELINE_H_
