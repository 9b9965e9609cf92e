#include "text/tokenizer_chunks.h"

#include "text/unicode_class.h"
#include "text/utf8.h"

namespace cria::text {
namespace {

bool IsPythonSpace(char32_t c) {
  return (c >= 0x1C && c <= 0x1F) || CharClassTable::Get().Of(c) == CharClass::kSpace;
}

}  // namespace

void ForEachChunk(std::string_view text, absl::FunctionRef<void(std::string_view)> chunk) {
  if (text.empty()) return;
  if (text.size() <= kMaxChunkRun) return chunk(text);  // too short for either limit
  size_t begin = 0, characters = 0, run = 0;
  bool run_is_space = false;
  for (size_t position = 0; position < text.size();) {
    const Utf8Char c = DecodeUtf8(text.substr(position));
    const bool is_space = IsPythonSpace(c.code_point);
    if (characters == kMaxChunkCharacters) characters = run = 0;
    if (characters > 0 && is_space == run_is_space) {
      if (++run > kMaxChunkRun) run = 0;
    } else if (characters > 0) {
      run = 1;
    }
    if (run == 0) {  // a chunk begins here
      if (position > begin) chunk(text.substr(begin, position - begin));
      begin = position;
      run = 1;
    }
    run_is_space = is_space;
    ++characters;
    position += c.length;
  }
  chunk(text.substr(begin));
}

}  // namespace cria::text
