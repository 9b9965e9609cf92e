#include "text/vocabulary.h"

#include <algorithm>
#include <bit>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "base/check.h"

namespace cria::text {

absl::Status Vocabulary::Resize(size_t size) {
  if (size > kMaxTokens) {
    return absl::DataLossError(
        absl::StrCat("vocabulary: ", size, " tokens, at most ", kMaxTokens, " are supported"));
  }
  tokens_.resize(size);
  return absl::OkStatus();
}

absl::Status Vocabulary::Set(TokenId id, std::string_view bytes, TokenType type) {
  CRIA_CHECK(slots_.empty());
  if (id < 0 || id >= size()) {
    return absl::DataLossError(
        absl::StrCat("vocabulary: id ", id, " is out of range, expected 0..", size() - 1));
  }
  if (bytes.size() > kMaxBytes - arena_.size()) {
    return absl::DataLossError(
        absl::StrCat("vocabulary: more than ", kMaxBytes, " bytes of tokens"));
  }
  tokens_[static_cast<size_t>(id)] = {static_cast<uint32_t>(arena_.size()),
                                      static_cast<uint32_t>(bytes.size()), type};
  arena_ += bytes;
  return absl::OkStatus();
}

void Vocabulary::BuildIndex() {
  const size_t count = std::bit_ceil(2 * tokens_.size() + 2);
  slots_.assign(count, {});
  mask_ = count - 1;
  for (TokenId id = 0; id < size(); ++id) {
    const bool findable = type(id) == TokenType::kNormal || type(id) == TokenType::kUserDefined;
    if (findable && !bytes(id).empty()) Insert(id);
  }
}

// Salted for each process: no file can be made whose tokens all fall into one slot.
uint32_t Vocabulary::Hash(std::string_view bytes) {
  return static_cast<uint32_t>(absl::HashOf(absl::string_view(bytes.data(), bytes.size())));
}

void Vocabulary::Insert(TokenId id) {
  longest_ = std::max(longest_, bytes(id).size());
  if (Find(bytes(id)) != kNoToken) return;
  const uint32_t hash = Hash(bytes(id));
  size_t slot = hash & mask_;
  while (slots_[slot].id != kNoToken) slot = (slot + 1) & mask_;
  slots_[slot] = {hash, id};
}

}  // namespace cria::text
