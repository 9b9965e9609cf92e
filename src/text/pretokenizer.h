// Cuts text into the pieces that byte-pair merges never cross.
#ifndef CRIA_TEXT_PRETOKENIZER_H_
#define CRIA_TEXT_PRETOKENIZER_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/status.h"

namespace cria::text {

// The split patterns of the models that Cria knows, as they stand in the published files.
// Llama 3: meta-llama/llama-models, models/llama3/tokenizer.py.
inline constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// GPT-2: openai/gpt-2, src/encoder.py.
inline constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
// Hugging Face's Digits(individual_digits=true), a stage of its own before GPT-2's in SmolLM.
inline constexpr std::string_view kDigitPattern = R"(\p{N})";

// Immutable; share freely between threads.
class PreTokenizer {
 public:
  using PieceSink = absl::FunctionRef<void(std::string_view)>;

  virtual ~PreTokenizer() = default;

  // Calls `piece` for each piece of `text` in order; the pieces are parts of `text`, none is empty,
  // and together they are the whole of it. A maximal ill-formed UTF-8 subpart counts as one
  // character that is neither letter, number nor space. Linear in the length of `text`, except for
  // patterns from a file, whose work a match is bounded: kDataLoss, by the name of the file, when a
  // pattern meets the bound.
  virtual absl::Status Split(std::string_view text, PieceSink piece) const = 0;
};

// Applies the patterns one after the other, each to the pieces of the one before: what a pattern
// matches is a piece, and so is what lies between two matches (Hugging Face's Split with behaviour
// "Isolated"). No pattern: one piece. kUnimplemented names a construct that means another thing to
// PCRE2 than to the regex engines of the published tokenizers; kDataLoss for a pattern that is no
// regular expression. `what` names the file that they come from in messages.
absl::StatusOr<std::unique_ptr<const PreTokenizer>> MakePreTokenizer(
    const std::vector<std::string>& patterns, std::string_view what = "");

// The same by PCRE2 alone, without the hand-written scanners for known patterns.
absl::StatusOr<std::unique_ptr<const PreTokenizer>> MakeRegexPreTokenizer(
    const std::vector<std::string>& patterns, std::string_view what = "");

// A new piece begins at each space.
std::unique_ptr<const PreTokenizer> MakeSpacePreTokenizer();

// A new piece begins at each run of spaces.
std::unique_ptr<const PreTokenizer> MakeSpaceRunPreTokenizer();

// The patterns that GGUF's tokenizer.ggml.pre stands for: "llama-bpe", "smollm", "gpt-2",
// "default".
std::optional<std::vector<std::string>> PatternsOfGgufPre(std::string_view pre);

}  // namespace cria::text

#endif  // CRIA_TEXT_PRETOKENIZER_H_
