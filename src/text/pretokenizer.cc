#include "text/pretokenizer.h"

#include <algorithm>

#include "text/pretokenizer_scan.h"

namespace cria::text {
namespace {

// A new piece begins at each space, or at the first of several.
class SpacePreTokenizer final : public PreTokenizer {
 public:
  explicit SpacePreTokenizer(bool runs) : runs_(runs) {}

  absl::Status Split(std::string_view text, PieceSink piece) const override {
    while (!text.empty()) {
      size_t search = 1;
      if (runs_ && text[0] == ' ') search = std::min(text.find_first_not_of(' '), text.size());
      const size_t end = std::min(text.find(' ', search), text.size());
      piece(text.substr(0, end));
      text.remove_prefix(end);
    }
    return absl::OkStatus();
  }

 private:
  const bool runs_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<const PreTokenizer>> MakePreTokenizer(
    const std::vector<std::string>& patterns, std::string_view what) {
  if (patterns.size() == 1 && patterns[0] == kLlama3Pattern) return MakeLlama3Scanner();
  if (patterns.size() == 1 && patterns[0] == kGpt2Pattern) return MakeGpt2Scanner();
  if (patterns.size() == 2 && patterns[0] == kDigitPattern && patterns[1] == kGpt2Pattern) {
    return MakeSmolLmScanner();
  }
  return MakeRegexPreTokenizer(patterns, what);
}

std::unique_ptr<const PreTokenizer> MakeSpacePreTokenizer() {
  return std::make_unique<SpacePreTokenizer>(/*runs=*/false);
}

std::unique_ptr<const PreTokenizer> MakeSpaceRunPreTokenizer() {
  return std::make_unique<SpacePreTokenizer>(/*runs=*/true);
}

std::optional<std::vector<std::string>> PatternsOfGgufPre(std::string_view pre) {
  if (pre == "llama-bpe") return {{std::string(kLlama3Pattern)}};
  if (pre == "gpt-2") return {{std::string(kGpt2Pattern)}};
  if (pre == "smollm") return {{std::string(kDigitPattern), std::string(kGpt2Pattern)}};
  if (pre == "default") {  // llama.cpp, src/llama-vocab.cpp, llm_tokenizer_bpe
    return {{R"([\p{P}\$\+<=>\^~\|]+)", std::string(kGpt2Pattern), R"(\p{N}+)", "[0-9][0-9][0-9]"}};
  }
  return std::nullopt;
}

}  // namespace cria::text
