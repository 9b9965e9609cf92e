// Tokens that are found in the text itself, before it is cut and merged: special tokens and
// user-defined words.
#ifndef CRIA_TEXT_TOKENIZER_ADDED_H_
#define CRIA_TEXT_TOKENIZER_ADDED_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "text/tokenizer.h"

namespace cria::text {

struct AddedToken {
  TokenId id = 0;
  std::string text;
  bool special = false;
  bool takes_space_before = false;  // Hugging Face's lstrip: white space before it belongs to it
  bool takes_space_after = false;   // rstrip
  bool normalized = false;          // looked for in the normalised text
};

// Finds added tokens: leftmost first, of those that begin together the longest. Linear in the text
// times the longest token. Immutable; share freely.
class AddedTokenFinder {
 public:
  static constexpr size_t kMaxTextBytes = 512;

  struct Match {
    size_t begin, end;  // with the white space that belongs to it
    TokenId id;
  };

  AddedTokenFinder() = default;
  // kUnimplemented for a text of more than kMaxTextBytes; empty texts are never found. Of equal
  // texts the first counts.
  static absl::StatusOr<AddedTokenFinder> Make(const std::vector<AddedToken>& tokens);

  bool empty() const { return tokens_.empty(); }
  // The first match that begins at `from` or later.
  std::optional<Match> FindFirst(std::string_view text, size_t from) const;

 private:
  // The index in tokens_ of the longest token at the start of `text`, or -1.
  int32_t LongestAt(std::string_view text) const;

  struct Node {
    int32_t token = -1;  // index in tokens_ of the one that ends here
  };
  std::vector<AddedToken> tokens_;
  std::vector<Node> nodes_;                           // a trie; 0 is the root
  absl::flat_hash_map<uint64_t, uint32_t> children_;  // (node << 8 | byte) -> node
  std::array<bool, 256> starts_{};                    // bytes that tokens begin with
};

}  // namespace cria::text

#endif  // CRIA_TEXT_TOKENIZER_ADDED_H_
