// The split patterns by PCRE2: the definition that the scanners are tested against, and the way for
// other patterns.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <cstdint>

#include "base/quote.h"
#include "text/pretokenizer.h"
#include "text/pretokenizer_pattern.h"
#include "text/utf8.h"

namespace cria::text {
namespace {

constexpr size_t kMaxPatternBytes = size_t{64} << 10;
constexpr size_t kMaxPatterns = 16;
constexpr uint32_t kMatchLimit = 20'000'000;    // backtracking steps of one match
constexpr uint32_t kHeapLimitKib = 256u << 10;  // memory of one match without the compiler

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Code = std::unique_ptr<pcre2_code, Deleter<pcre2_code_free>>;
using CompileContext = std::unique_ptr<pcre2_compile_context, Deleter<pcre2_compile_context_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Deleter<pcre2_match_context_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, Deleter<pcre2_match_data_free>>;

std::string MessageOf(int error) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(error, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

PCRE2_SPTR Bytes(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

absl::StatusOr<Code> Compile(std::string_view pattern) {
  if (pattern.size() > kMaxPatternBytes || !IsValidUtf8(pattern)) {
    return absl::DataLossError(absl::StrCat("split pattern: ", pattern.size(),
                                            " bytes, expected at most ", kMaxPatternBytes,
                                            " of valid UTF-8"));
  }
  CRIA_ASSIGN_OR_RETURN(const std::string translated, ToPcre2Pattern(pattern));
  const CompileContext context(pcre2_compile_context_create(nullptr));
  if (context == nullptr) return absl::ResourceExhaustedError("split pattern: no memory");
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  // ^ and $ match at every line, as in Oniguruma's Ruby syntax.
  Code code(pcre2_compile(Bytes(translated), translated.size(),
                          PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error,
                          &offset, context.get()));
  if (code == nullptr) {
    return absl::DataLossError(absl::StrCat("split pattern ", base::Quote(pattern), ": ",
                                            MessageOf(error), " at offset ", offset));
  }
  pcre2_jit_compile(code.get(),
                    PCRE2_JIT_COMPLETE);  // where there is no JIT the interpreter does it
  return code;
}

struct Stage {
  std::string pattern;  // as given
  Code code;
};

absl::Status InFile(const absl::Status& status, std::string_view what) {
  return what.empty() ? status : base::Annotate(status, what);
}

class RegexPreTokenizer final : public PreTokenizer {
 public:
  RegexPreTokenizer(std::vector<Stage> stages, MatchContext context, std::string_view what)
      : stages_(std::move(stages)), context_(std::move(context)), what_(what) {}

  absl::Status Split(std::string_view text, PieceSink piece) const override {
    if (IsValidUtf8(text)) return SplitValid(text, piece);
    // Each ill-formed part becomes U+FFFD, which has the classes that it should have; the pieces
    // are mapped back.
    std::string_view rest = text;
    return SplitValid(ToValidUtf8(text), [&rest, piece](std::string_view valid) {
      size_t length = 0;
      while (!valid.empty()) {
        valid.remove_prefix(DecodeUtf8(valid).length);
        length += DecodeUtf8(rest.substr(length)).length;
      }
      piece(rest.substr(0, length));
      rest.remove_prefix(length);
    });
  }

 private:
  absl::Status SplitValid(std::string_view text, PieceSink piece) const {
    if (text.empty()) return absl::OkStatus();
    const MatchData match(pcre2_match_data_create(1, nullptr));
    if (match == nullptr)
      return absl::ResourceExhaustedError("split pattern: no memory for a match");
    return Apply(0, text, match.get(), piece);
  }

  // Cuts `text` by stage `index`, and each piece by the stages after it. `match` is free again once
  // a piece is known.
  absl::Status Apply(size_t index, std::string_view text, pcre2_match_data* match,
                     PieceSink piece) const {
    if (index == stages_.size()) {
      piece(text);
      return absl::OkStatus();
    }
    const auto emit = [&](size_t begin, size_t end) {
      return begin == end ? absl::OkStatus()
                          : Apply(index + 1, text.substr(begin, end - begin), match, piece);
    };
    size_t done = 0;
    for (size_t from = 0; from < text.size();) {
      CRIA_ASSIGN_OR_RETURN(const bool found, Find(index, text, from, match));
      if (!found) break;
      const size_t begin = pcre2_get_ovector_pointer(match)[0];
      const size_t end = pcre2_get_ovector_pointer(match)[1];
      CRIA_RETURN_IF_ERROR(emit(done, begin));
      CRIA_RETURN_IF_ERROR(emit(begin, end));
      done = end;
      from = end > begin           ? end
             : begin < text.size() ? begin + DecodeUtf8(text.substr(begin)).length
                                   : begin;
    }
    return emit(done, text.size());
  }

  absl::StatusOr<bool> Find(size_t index, std::string_view text, size_t from,
                            pcre2_match_data* match) const {
    // Without NO_UTF_CHECK each match would read the whole text again.
    int rc = pcre2_match(stages_[index].code.get(), Bytes(text), text.size(), from,
                         PCRE2_NO_UTF_CHECK, match, context_.get());
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT) {
      rc = pcre2_match(stages_[index].code.get(), Bytes(text), text.size(), from,
                       PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, match, context_.get());
    }
    if (rc == PCRE2_ERROR_NOMATCH) return false;
    if (rc >= 0 && pcre2_get_ovector_pointer(match)[0] >= from &&
        pcre2_get_ovector_pointer(match)[1] >= pcre2_get_ovector_pointer(match)[0]) {
      return true;
    }
    return rc == PCRE2_ERROR_NOMEMORY
               ? absl::ResourceExhaustedError("split pattern: no memory for a match")
               : LimitsMet(index, text, from, rc);
  }

  absl::Status LimitsMet(size_t index, std::string_view text, size_t from, int error) const {
    return InFile(
        absl::DataLossError(absl::StrCat(
            "split pattern ", base::Quote(stages_[index].pattern), ": matching at byte ", from,
            " of a text of ", text.size(), " went past its limits: ", MessageOf(error),
            ": a pattern that repeats within a repetition, or itself, has to be rewritten")),
        what_);
  }

  std::vector<Stage> stages_;
  MatchContext context_;  // limits; not changed after creation
  std::string what_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<const PreTokenizer>> MakeRegexPreTokenizer(
    const std::vector<std::string>& patterns, std::string_view what) {
  if (patterns.size() > kMaxPatterns) {
    return InFile(absl::UnimplementedError(absl::StrCat("pre-tokenizer: ", patterns.size(),
                                                        " split patterns, at most ", kMaxPatterns)),
                  what);
  }
  std::vector<Stage> stages;
  for (const std::string& pattern : patterns) {
    absl::StatusOr<Code> code = Compile(pattern);
    if (!code.ok()) return InFile(code.status(), what);
    stages.push_back({pattern, *std::move(code)});
  }
  MatchContext context(pcre2_match_context_create(nullptr));
  if (context == nullptr) return absl::ResourceExhaustedError("split pattern: no memory");
  pcre2_set_match_limit(context.get(), kMatchLimit);
  pcre2_set_heap_limit(context.get(), kHeapLimitKib);
  return std::make_unique<RegexPreTokenizer>(std::move(stages), std::move(context), what);
}

}  // namespace cria::text
