// The tokens of a tokenizer: the bytes that each stands for, and the way back from bytes to ids.
#ifndef CRIA_TEXT_VOCABULARY_H_
#define CRIA_TEXT_VOCABULARY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace cria::text {

inline constexpr TokenId kNoToken = -1;

enum class TokenType : uint8_t {
  kHole,         // no token has this id
  kNormal,       // found by merging
  kByte,         // one byte, for characters that no token spells
  kUserDefined,  // always found in text, before merging
  kControl,      // never part of a text; its bytes are its name
  kUnfindable,   // stands for its bytes but no text becomes it
};

// Filled once by its maker, then immutable: share freely.
class Vocabulary {
 public:
  // Ids go up to this number, and all bytes together up to kMaxBytes.
  static constexpr size_t kMaxTokens = size_t{1} << 22;
  static constexpr size_t kMaxBytes = size_t{1} << 30;

  // Room for ids [0, size). kDataLoss above kMaxTokens.
  absl::Status Resize(size_t size);
  // Puts a token in the place of the one that has this id, if any. kDataLoss if `id` is out of
  // range.
  absl::Status Set(TokenId id, std::string_view bytes, TokenType type);
  // After the last Set: makes Find work. Where two tokens have the same bytes the lower id is
  // found.
  void BuildIndex();

  TokenId size() const { return static_cast<TokenId>(tokens_.size()); }
  bool Contains(TokenId id) const {
    return id >= 0 && id < size() && tokens_[static_cast<size_t>(id)].type != TokenType::kHole;
  }
  // For ids in [0, size).
  std::string_view bytes(TokenId id) const {
    const Token& token = tokens_[static_cast<size_t>(id)];
    return {arena_.data() + token.offset, token.length};
  }
  TokenType type(TokenId id) const { return tokens_[static_cast<size_t>(id)].type; }

  // The normal or user-defined token of these bytes, or kNoToken.
  TokenId Find(std::string_view bytes) const {
    if (bytes.size() > longest_ || slots_.empty()) return kNoToken;
    const uint32_t hash = Hash(bytes);
    for (size_t slot = hash & mask_;; slot = (slot + 1) & mask_) {
      if (slots_[slot].id == kNoToken) return kNoToken;
      if (slots_[slot].hash == hash && this->bytes(slots_[slot].id) == bytes)
        return slots_[slot].id;
    }
  }
  // Bytes of the longest token that Find knows.
  size_t longest() const { return longest_; }

 private:
  struct Token {
    uint32_t offset = 0, length = 0;
    TokenType type = TokenType::kHole;
  };
  struct Slot {
    uint32_t hash = 0;
    TokenId id = kNoToken;
  };

  static uint32_t Hash(std::string_view bytes);
  void Insert(TokenId id);

  std::string arena_;  // the bytes of all tokens
  std::vector<Token> tokens_;
  std::vector<Slot> slots_;  // open addressing, at most half full
  size_t mask_ = 0;
  size_t longest_ = 0;
};

}  // namespace cria::text

#endif  // CRIA_TEXT_VOCABULARY_H_
