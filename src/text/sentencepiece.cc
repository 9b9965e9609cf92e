#include "text/sentencepiece.h"

#include "base/check.h"

namespace cria::text {
namespace {

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return std::nullopt;
}

}  // namespace

std::string WithPlainSpaces(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 1);
  for (size_t at = text.find(kMetaSpace); at != std::string_view::npos;
       at = text.find(kMetaSpace)) {
    out.append(text.substr(0, at)).push_back(' ');
    text.remove_prefix(at + kMetaSpace.size());
  }
  return out.append(text);
}

std::optional<char> ByteOfBytePiece(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || !token.ends_with('>')) return std::nullopt;
  const std::optional<int> high = HexDigit(token[3]), low = HexDigit(token[4]);
  if (!high.has_value() || !low.has_value()) return std::nullopt;
  return static_cast<char>(*high * 16 + *low);
}

std::unique_ptr<const PreTokenizer> SentencePiecePreTokenizer(const Vocabulary& vocabulary) {
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    if (!vocabulary.Contains(id) || vocabulary.Find(vocabulary.bytes(id)) != id) continue;
    const std::string_view bytes = vocabulary.bytes(id);
    const size_t word = bytes.find_first_not_of(' ');
    if (word != std::string_view::npos && bytes.find(' ', word) != std::string_view::npos) {
      auto whole = MakePreTokenizer({});
      CRIA_CHECK(whole.ok());  // it has no pattern that could be wrong
      return std::move(whole).value();
    }
  }
  return MakeSpaceRunPreTokenizer();
}

}  // namespace cria::text
