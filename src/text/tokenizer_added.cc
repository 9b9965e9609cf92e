#include "text/tokenizer_added.h"

#include "text/unicode_class.h"
#include "text/utf8.h"

namespace cria::text {
namespace {

uint64_t ChildKey(uint32_t node, char byte) {
  return (uint64_t{node} << 8) | static_cast<uint8_t>(byte);
}

bool IsSpace(std::string_view character) {
  const Utf8Char c = DecodeUtf8(character);
  return c.length == character.size() &&
         CharClassTable::Get().Of(c.code_point) == CharClass::kSpace;
}

// The start of the white space that ends at `end`, not before `from`.
size_t BeginOfSpaceBefore(std::string_view text, size_t from, size_t end) {
  for (;;) {
    size_t begin = end;
    while (begin > from && end - begin < 4) {
      --begin;
      if ((static_cast<uint8_t>(text[begin]) & 0xC0) != 0x80) break;
    }
    if (begin == end || !IsSpace(text.substr(begin, end - begin))) return end;
    end = begin;
  }
}

size_t EndOfSpaceAfter(std::string_view text, size_t begin) {
  while (begin < text.size()) {
    const uint32_t length = DecodeUtf8(text.substr(begin)).length;
    if (!IsSpace(text.substr(begin, length))) break;
    begin += length;
  }
  return begin;
}

}  // namespace

absl::StatusOr<AddedTokenFinder> AddedTokenFinder::Make(const std::vector<AddedToken>& tokens) {
  AddedTokenFinder finder;
  finder.nodes_.emplace_back();
  for (const AddedToken& token : tokens) {
    if (token.text.empty()) continue;
    if (token.text.size() > kMaxTextBytes) {
      return absl::UnimplementedError(absl::StrCat("added token ", token.id, ": ",
                                                   token.text.size(), " bytes, at most ",
                                                   kMaxTextBytes, " are supported"));
    }
    uint32_t node = 0;
    for (const char byte : token.text) {
      const auto next = static_cast<uint32_t>(finder.nodes_.size());
      const auto [child, is_new] = finder.children_.try_emplace(ChildKey(node, byte), next);
      if (is_new) finder.nodes_.emplace_back();
      node = child->second;
    }
    if (finder.nodes_[node].token >= 0) continue;
    finder.nodes_[node].token = static_cast<int32_t>(finder.tokens_.size());
    finder.starts_[static_cast<uint8_t>(token.text[0])] = true;
    finder.tokens_.push_back(token);
  }
  return finder;
}

int32_t AddedTokenFinder::LongestAt(std::string_view text) const {
  int32_t longest = -1;
  uint32_t node = 0;
  for (const char byte : text) {
    const auto child = children_.find(ChildKey(node, byte));
    if (child == children_.end()) break;
    node = child->second;
    if (nodes_[node].token >= 0) longest = nodes_[node].token;
  }
  return longest;
}

std::optional<AddedTokenFinder::Match> AddedTokenFinder::FindFirst(std::string_view text,
                                                                   size_t from) const {
  for (size_t begin = from; begin < text.size(); ++begin) {
    if (!starts_[static_cast<uint8_t>(text[begin])]) continue;
    const int32_t index = LongestAt(text.substr(begin));
    if (index < 0) continue;
    const AddedToken& token = tokens_[static_cast<size_t>(index)];
    Match match{begin, begin + token.text.size(), token.id};
    if (token.takes_space_before) match.begin = BeginOfSpaceBefore(text, from, match.begin);
    if (token.takes_space_after) match.end = EndOfSpaceAfter(text, match.end);
    return match;
  }
  return std::nullopt;
}

}  // namespace cria::text
