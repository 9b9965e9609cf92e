#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "text/grammar_builder.h"
#include "text/source_cursor.h"
#include "text/utf8.h"

namespace cria::text {
namespace {

constexpr size_t kMaxSource = size_t{4} << 20;
constexpr int kMaxGroups = 100;  // inside each other

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

// The notation is described in llama.cpp, grammars/README.md.
class GbnfParser : private SourceCursor {
 public:
  explicit GbnfParser(std::string_view source) : SourceCursor(source) {}

  absl::StatusOr<std::shared_ptr<const Grammar>> Parse() {
    if (source_.size() > kMaxSource)
      return absl::ResourceExhaustedError(
          absl::StrCat("GBNF: ", source_.size(), " bytes, at most ", kMaxSource, " are read"));
    SkipSpace(true);
    while (!AtEnd()) {
      CRIA_RETURN_IF_ERROR(ParseRule());
      SkipSpace(true);
    }
    for (const auto& [rule, at] : first_use_)
      if (!builder_.defined(rule))
        return ErrorAt(at, absl::StrCat("rule '", builder_.name(rule), "' is not defined"));
    const auto root = rules_.find("root");
    if (root == rules_.end())
      return absl::InvalidArgumentError("GBNF: no rule is named 'root': the text begins there");
    GrammarBuilder::Options options;
    options.inline_rules = true;
    return builder_.Build(root->second, options);
  }

 private:
  absl::Status ErrorAt(size_t at, const std::string& message) const {
    size_t line = 1, begin = 0;
    for (size_t i = 0; i < at; ++i)
      if (source_[i] == '\n') ++line, begin = i + 1;
    return absl::InvalidArgumentError(
        absl::StrCat("GBNF, line ", line, ", column ", at - begin + 1, ": ", message));
  }
  absl::Status Error(const std::string& message) const { return ErrorAt(at_, message); }
  absl::Status Expected(const std::string& what) const {
    if (AtEnd()) return Error(absl::StrCat("expected ", what, ", found the end"));
    const Utf8Char c = DecodeUtf8(source_.substr(at_));
    const std::string found(source_.substr(at_, c.length));
    return Error(absl::StrCat("expected ", what, ", found ",
                              c.kind == Utf8Char::Kind::kValid ? absl::StrCat("'", found, "'")
                                                               : "a byte that is not UTF-8"));
  }

  void SkipSpace(bool newlines) {
    for (; !AtEnd(); ++at_) {
      if (At('#')) at_ = std::min(source_.find('\n', at_), source_.size());
      if (AtEnd() || !(At(' ') || At('\t') || (newlines && (At('\n') || At('\r'))))) return;
    }
  }

  std::string_view TakeName() {
    const size_t begin = at_;
    while (!AtEnd() && IsNameChar(source_[at_])) ++at_;
    return source_.substr(begin, at_ - begin);
  }

  RuleId RuleOf(std::string_view name) {
    const auto found = rules_.find(std::string(name));
    if (found != rules_.end()) return found->second;
    const RuleId rule = builder_.Declare(std::string(name));
    rules_.emplace(std::string(name), rule);
    return rule;
  }

  absl::Status ParseRule() {
    const size_t begin = at_;
    const std::string_view name = TakeName();
    if (name.empty()) return Expected("the name of a rule");
    const RuleId rule = RuleOf(name);
    if (builder_.defined(rule))
      return ErrorAt(begin, absl::StrCat("rule '", builder_.name(rule), "' is defined twice"));
    SkipSpace(false);
    if (!Take("::=")) return Expected("'::='");
    CRIA_ASSIGN_OR_RETURN(const ExprId expr, ParseChoice());
    builder_.Define(rule, expr);
    if (!AtEnd() && !At('\n') && !At('\r')) return Expected("an item, '|' or the end of the line");
    return absl::OkStatus();
  }

  // A line break ends a rule unless it stands in a group, or before or after '|'.
  absl::StatusOr<ExprId> ParseChoice() {
    std::vector<ExprId> alternatives;
    do {
      SkipSpace(true);
      CRIA_ASSIGN_OR_RETURN(const ExprId sequence, ParseSequence());
      alternatives.push_back(sequence);
      const size_t end = at_;
      SkipSpace(true);
      if (!At('|') && groups_ == 0) at_ = end;
    } while (Take('|'));
    return builder_.Choice(std::move(alternatives));
  }

  absl::StatusOr<ExprId> ParseSequence() {
    std::vector<ExprId> items;
    for (;; SkipSpace(groups_ > 0)) {
      // An empty alternative may stand at the end of a rule: what follows then is the next rule,
      // not an item.
      if (AtEnd() || At('|') || At(')') || At('\n') || At('\r') || (groups_ == 0 && AtRule()))
        break;
      CRIA_ASSIGN_OR_RETURN(std::optional<ExprId> item, ParseItem());
      if (!item) break;
      SkipSpace(groups_ > 0);
      CRIA_RETURN_IF_ERROR(ParseCounts(&*item));
      items.push_back(*item);
    }
    return builder_.Sequence(std::move(items));
  }

  bool AtRule() {
    const size_t begin = at_;
    const bool named = !TakeName().empty();
    SkipSpace(false);
    const bool rule = named && source_.substr(at_, 3) == "::=";
    at_ = begin;
    return rule;
  }

  absl::StatusOr<std::optional<ExprId>> ParseItem() {
    const size_t begin = at_;
    if (Take('"')) return ParseLiteral();
    if (Take('[')) return ParseClass();
    if (Take('.')) return builder_.Chars(ComplementRanges({}));
    if (Take('(')) {
      if (++groups_ > kMaxGroups)
        return ErrorAt(begin, absl::StrCat("groups nested deeper than ", kMaxGroups));
      CRIA_ASSIGN_OR_RETURN(const ExprId group, ParseChoice());
      SkipSpace(true);
      if (!Take(')')) return Expected("')'");
      --groups_;
      return group;
    }
    const std::string_view name = TakeName();
    if (name.empty()) return std::optional<ExprId>();
    const RuleId rule = RuleOf(name);
    if (used_.insert(rule).second) first_use_.emplace_back(rule, begin);
    return builder_.Ref(rule);
  }

  // Any number of ? * + {m} {m,} {m,n} {,n} after an item.
  absl::Status ParseCounts(ExprId* item) {
    for (;; SkipSpace(groups_ > 0)) {
      const size_t begin = at_;
      uint32_t min = 0, max = kUnbounded;
      if (Take('?')) {
        max = 1;
      } else if (Take('+')) {
        min = 1;
      } else if (Take('{')) {
        CRIA_RETURN_IF_ERROR(ParseBraces(&min, &max));
      } else if (!Take('*')) {
        return absl::OkStatus();
      }
      if (min > max) return ErrorAt(begin, "the first count must not be larger than the second");
      if (min > GrammarBuilder::kMaxRepeat ||
          (max > GrammarBuilder::kMaxRepeat && max != kUnbounded))
        return ErrorAt(begin, absl::StrCat("counts may be at most ", GrammarBuilder::kMaxRepeat));
      *item = builder_.Repeat(*item, min, max);
    }
  }

  absl::Status ParseBraces(uint32_t* min, uint32_t* max) {
    SkipSpace(false);
    const std::optional<uint32_t> first = TakeNumber();
    *min = first.value_or(0);
    SkipSpace(false);
    if (Take(',')) {
      SkipSpace(false);
      const std::optional<uint32_t> second = TakeNumber();
      *max = second.value_or(kUnbounded);
      if (!first && !second) return Expected("a number");
    } else if (first) {
      *max = *first;
    } else {
      return Expected("a number");
    }
    SkipSpace(false);
    return Take('}') ? absl::OkStatus() : Expected("'}'");
  }

  std::optional<uint32_t> TakeNumber() {
    std::optional<uint32_t> number;
    for (; !AtEnd() && source_[at_] >= '0' && source_[at_] <= '9'; ++at_)
      number = std::min<uint64_t>(
          uint64_t{number.value_or(0)} * 10 + static_cast<uint64_t>(source_[at_] - '0'),
          GrammarBuilder::kMaxRepeat + 1);
    return number;
  }

  absl::StatusOr<ExprId> ParseLiteral() {
    std::string bytes;
    while (!Take('"')) {
      CRIA_ASSIGN_OR_RETURN(const char32_t c, TakeChar("'\"'"));
      AppendUtf8(c, &bytes);
    }
    return builder_.Literal(bytes);
  }

  absl::StatusOr<ExprId> ParseClass() {
    const bool except = Take('^');
    std::vector<CodepointRange> ranges;
    while (!Take(']')) {
      const size_t begin = at_;
      CRIA_ASSIGN_OR_RETURN(const char32_t first, TakeChar("']'"));
      char32_t last = first;
      if (At('-') && source_.substr(at_, 2) != "-]") {
        ++at_;
        CRIA_ASSIGN_OR_RETURN(last, TakeChar("']'"));
      }
      if (first > last) return ErrorAt(begin, "the range ends before it begins");
      ranges.push_back({first, last});
    }
    return builder_.Chars(except ? ComplementRanges(ranges) : ranges);
  }

  // One character of a literal or class, which ends with `closing`.
  absl::StatusOr<char32_t> TakeChar(std::string_view closing) {
    if (AtEnd()) return Expected(std::string(closing));
    const size_t begin = at_;
    if (!Take('\\')) {
      const Utf8Char c = DecodeUtf8(source_.substr(at_));
      if (c.kind != Utf8Char::Kind::kValid) return Error("a byte that is not UTF-8");
      at_ += c.length;
      return c.code_point;
    }
    if (AtEnd()) return Expected("an escape");
    const char escape = source_[at_++];
    switch (escape) {
      case 'n':
        return U'\n';
      case 't':
        return U'\t';
      case 'r':
        return U'\r';
      case 'x':
        return TakeHex(2);
      case 'u':
        return TakeHex(4);
      case 'U':
        return TakeHex(8);
      default:
        if (std::string_view("\\\"[]^-/").find(escape) != std::string_view::npos)
          return static_cast<char32_t>(escape);
        return ErrorAt(
            begin,
            "unknown escape; known: \\n \\t \\r \\\\ \\\" \\[ \\] \\^ \\- \\/ \\xNN \\uNNNN "
            "\\UNNNNNNNN");
    }
  }

  absl::StatusOr<char32_t> TakeHex(int digits) {
    const size_t begin = at_;
    uint64_t value = 0;
    for (int i = 0; i < digits; ++i, ++at_) {
      const char c = AtEnd() ? '\0' : source_[at_];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return Expected(absl::StrCat(digits, " hexadecimal digits"));
      value = value * 16 + static_cast<uint64_t>(digit);
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
      return ErrorAt(begin, "not a Unicode character");
    return static_cast<char32_t>(value);
  }

  int groups_ = 0;
  GrammarBuilder builder_;
  absl::flat_hash_map<std::string, RuleId> rules_;
  absl::flat_hash_set<RuleId> used_;
  std::vector<std::pair<RuleId, size_t>> first_use_;  // where, in the order of the source
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Grammar>> GrammarFromGbnf(std::string_view source) {
  return GbnfParser(source).Parse();
}

}  // namespace cria::text
