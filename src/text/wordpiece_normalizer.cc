#include "text/wordpiece_normalizer.h"

#include <algorithm>
#include <vector>

#include "text/utf8.h"
#include "text/wordpiece_characters.h"

namespace cria::text {
namespace {

using Characters = WordPieceCharacters;

// The Unicode Standard 15.0, section 3.12: a Hangul syllable is two or three conjoining jamo.
constexpr char32_t kSyllables = 0xAC00, kLeads = 0x1100, kVowels = 0x1161, kTails = 0x11A7;
constexpr char32_t kVowelCount = 21, kTailCount = 28;
constexpr char32_t kSyllableCount = 19 * kVowelCount * kTailCount;

// The stages in the order in which a character passes them.
class Normalizer {
 public:
  Normalizer(const BertNormalizerOptions& options, std::string* out)
      : options_(options), out_(out) {}

  void Add(char32_t c) {
    const uint8_t flags = table_.Of(c);
    if (options_.clean_text && (flags & Characters::kRemoved) != 0) return;
    if (options_.clean_text && (flags & Characters::kBlank) != 0) c = ' ';
    const bool apart = options_.handle_chinese_chars && (flags & Characters::kIdeograph) != 0;
    if (apart) Decompose(' ', 0);
    Decompose(c, flags);
    if (apart) Decompose(' ', 0);
  }

  // Marks that wait for their order go out.
  void Flush() {
    if (marks_.empty()) return;
    std::stable_sort(marks_.begin(), marks_.end(),
                     [](const Mark& a, const Mark& b) { return a.order < b.order; });
    for (const Mark& mark : marks_) Emit(mark.character);
    marks_.clear();
  }

 private:
  struct Mark {
    uint8_t order;
    char32_t character;
  };

  void Decompose(char32_t c, uint8_t flags) {
    if (!options_.strip_accents) return Emit(c);
    if ((flags & Characters::kDecomposes) == 0) return Starter(c);
    if (c >= kSyllables && c < kSyllables + kSyllableCount) {
      const char32_t index = c - kSyllables;
      Starter(kLeads + index / (kVowelCount * kTailCount));
      Starter(kVowels + index / kTailCount % kVowelCount);
      if (index % kTailCount != 0) Starter(kTails + index % kTailCount);
      return;
    }
    const auto parts = CanonicalDecomposition(c);
    if (parts.empty()) return Place(c);
    for (const char32_t part : parts) Place(part);
  }

  void Place(char32_t c) {
    const uint8_t order = CombiningClass(c);
    if (order == 0) return Starter(c);
    marks_.push_back({order, c});
  }

  void Starter(char32_t c) {
    Flush();
    Emit(c);
  }

  void Emit(char32_t c) {
    const uint8_t flags = table_.Of(c);
    if (options_.strip_accents && (flags & Characters::kAccent) != 0) return;
    if (options_.lowercase && (flags & Characters::kHasLowercase) != 0) {
      if (c == 0x130) {  // I with a dot: i, and the dot as a mark
        AppendUtf8('i', out_);
        c = 0x307;
      } else {
        c = Lowercase(c);
      }
    }
    AppendUtf8(c, out_);
  }

  const BertNormalizerOptions& options_;
  const Characters& table_ = Characters::Get();
  std::vector<Mark> marks_;
  std::string* out_;
};

}  // namespace

std::string NormalizeForBert(std::string_view text, const BertNormalizerOptions& options) {
  std::string normalized;
  normalized.reserve(text.size());
  Normalizer normalizer(options, &normalized);
  while (!text.empty()) {
    const Utf8Char c = DecodeUtf8(text);
    normalizer.Add(c.code_point);
    text.remove_prefix(c.length);
  }
  normalizer.Flush();
  return normalized;
}

void ForEachBertWord(std::string_view text, absl::FunctionRef<void(std::string_view)> word) {
  const Characters& table = Characters::Get();
  size_t begin = 0, at = 0;  // of the word, of the character
  const auto end_word = [&] {
    if (at > begin) word(text.substr(begin, at - begin));
  };
  while (at < text.size()) {
    const Utf8Char c = DecodeUtf8(text.substr(at));
    const uint8_t flags = table.Of(c.code_point);
    if ((flags & (Characters::kSeparator | Characters::kPunctuation)) != 0) {
      end_word();
      if ((flags & Characters::kSeparator) == 0) word(text.substr(at, c.length));
      begin = at + c.length;
    }
    at += c.length;
  }
  end_word();
}

}  // namespace cria::text
