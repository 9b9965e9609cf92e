#include <algorithm>

#include "base/check.h"
#include "text/grammar_mask.h"

namespace cria::text {
namespace {

class PdaMatcher final : public GrammarMatcher {
 public:
  PdaMatcher(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTrie> trie)
      : trie_(std::move(trie)),
        pda_(std::move(grammar)),
        masks_(pda_, *trie_),
        config_(pda_.Start()) {}

  void FillMask(std::span<uint64_t> mask) override {
    CRIA_CHECK_GE(mask.size(), trie_->mask_words());
    CompactIfFull();
    masks_.Fill(config_, mask.first(trie_->mask_words()));
    std::fill(mask.begin() + static_cast<std::ptrdiff_t>(trie_->mask_words()), mask.end(), 0);
  }

  bool CanEnd() const override { return pda_.CanEnd(config_); }

  bool Accept(TokenId id) override {
    const std::string_view bytes = trie_->Bytes(id);
    if (bytes.empty()) return false;
    CompactIfFull();
    GrammarPda::ConfigId config = config_;
    for (const char byte : bytes) {
      config = pda_.Step(config, static_cast<uint8_t>(byte));
      if (config == GrammarPda::kDead) return false;
    }
    config_ = config;
    return true;
  }

  absl::Status status() const override {
    if (!pda_.exhausted()) return absl::OkStatus();
    return absl::ResourceExhaustedError(
        absl::StrCat("grammar: more than ", GrammarPda::kMaxStacksPerConfig,
                     " ways to read the same text: make the grammar less ambiguous"));
  }

 private:
  void CompactIfFull() {
    if (!pda_.full()) return;
    config_ = pda_.Compact(config_);
    masks_.Clear();
  }

  const std::shared_ptr<const TokenTrie> trie_;
  GrammarPda pda_;
  GrammarMasks masks_;
  GrammarPda::ConfigId config_;
};

}  // namespace

std::unique_ptr<GrammarMatcher> MakeGrammarMatcher(std::shared_ptr<const Grammar> grammar,
                                                   std::shared_ptr<const TokenTrie> trie) {
  CRIA_CHECK(grammar != nullptr && trie != nullptr);
  return std::make_unique<PdaMatcher>(std::move(grammar), std::move(trie));
}

}  // namespace cria::text
