// What BERT does with a text before its words are looked up: huggingface/tokenizers, BertNormalizer
// and BertPreTokenizer.
#ifndef CRIA_TEXT_WORDPIECE_NORMALIZER_H_
#define CRIA_TEXT_WORDPIECE_NORMALIZER_H_

#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"

namespace cria::text {

struct BertNormalizerOptions {
  bool clean_text = true;            // no control characters; white space becomes spaces
  bool handle_chinese_chars = true;  // spaces around CJK ideographs
  bool strip_accents = true;         // canonical decomposition without its non-spacing marks
  bool lowercase = true;
};

// Pure, and linear in the text but for runs of combining marks, which are sorted.
std::string NormalizeForBert(std::string_view text, const BertNormalizerOptions& options);

// Calls `word` for each word of a normalised text, in order: what stands between white space, each
// punctuation character alone.
void ForEachBertWord(std::string_view text, absl::FunctionRef<void(std::string_view)> word);

}  // namespace cria::text

#endif  // CRIA_TEXT_WORDPIECE_NORMALIZER_H_
