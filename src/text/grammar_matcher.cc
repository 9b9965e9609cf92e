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
    CompactIfFull();
    const size_t words = trie_->mask_words();
    if (mask.size() < words) {
      whole_mask_.resize(words);
      masks_.Fill(config_, whole_mask_);
      std::copy_n(whole_mask_.begin(), mask.size(), mask.begin());
      return;
    }
    masks_.Fill(config_, mask.first(words));
    std::fill(mask.begin() + static_cast<std::ptrdiff_t>(words), mask.end(), 0);
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
                     " ways to read the same text, or more than ", GrammarPda::kMaxConfigs,
                     " different ones: make the grammar smaller or less ambiguous"));
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
  std::vector<uint64_t> whole_mask_;  // where the caller's is shorter
};

}  // namespace

std::unique_ptr<GrammarMatcher> MakeGrammarMatcher(std::shared_ptr<const Grammar> grammar,
                                                   std::shared_ptr<const TokenTrie> trie) {
  CRIA_CHECK(grammar != nullptr && trie != nullptr);
  return std::make_unique<PdaMatcher>(std::move(grammar), std::move(trie));
}

}  // namespace cria::text
