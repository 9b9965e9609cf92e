// The limits that Meta's tokenizer cuts extreme texts at: they change ids, so they are part of the
// encoding.
#ifndef CRIA_TEXT_TOKENIZER_CHUNKS_H_
#define CRIA_TEXT_TOKENIZER_CHUNKS_H_

#include <string_view>

#include "absl/functional/function_ref.h"

namespace cria::text {

// meta-llama/llama-models, models/llama3/tokenizer.py: the text is cut every 400,000 characters,
// and each part again so that no run of white space, or of anything else, is longer than 25,000.
// White space is Python's str.isspace. A maximal ill-formed UTF-8 subpart counts as one character.
inline constexpr size_t kMaxChunkCharacters = 400'000;
inline constexpr size_t kMaxChunkRun = 25'000;

// Calls `chunk` for each part in order; none is empty.
void ForEachChunk(std::string_view text, absl::FunctionRef<void(std::string_view)> chunk);

}  // namespace cria::text

#endif  // CRIA_TEXT_TOKENIZER_CHUNKS_H_
