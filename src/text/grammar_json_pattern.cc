#include "text/grammar_json_pattern.h"

#include <optional>

#include "text/source_cursor.h"
#include "text/utf8.h"

namespace cria::text {
namespace {

using Ranges = std::vector<CodepointRange>;

constexpr int kMaxGroups = 50;  // nested
constexpr uint32_t kMaxCount = 10000;

const Ranges& Digit() {
  static const Ranges ranges = {{'0', '9'}};
  return ranges;
}
const Ranges& Word() {
  static const Ranges ranges = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  return ranges;
}
const Ranges& White() {
  static const Ranges ranges = {
      {'\t', '\r'},     {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
      {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
  return ranges;
}
const Ranges& LineBreaks() {
  static const Ranges ranges = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};
  return ranges;
}

class PatternParser : private SourceCursor {
 public:
  PatternParser(std::string_view source, GrammarBuilder& builder, JsonText& text)
      : SourceCursor(source), b_(builder), text_(text) {}

  absl::StatusOr<ExprId> Parse() {
    CRIA_ASSIGN_OR_RETURN(const ExprId expr, Alternatives(/*top=*/true));
    if (!AtEnd()) return Invalid("a ')' that closes nothing");
    return expr;
  }

 private:
  absl::Status Invalid(const std::string& what) const {
    return absl::InvalidArgumentError(absl::StrCat("pattern, offset ", at_, ": ", what));
  }
  absl::Status Unsupported(const std::string& what) const {
    return absl::UnimplementedError(
        absl::StrCat("pattern, offset ", at_, ": ", what, " can't be constrained to"));
  }

  ExprId Anything() { return b_.Repeat(text_.AnyChar(), 0, kUnbounded); }

  // Only alternatives of the whole pattern are anchored.
  absl::StatusOr<ExprId> Alternatives(bool top) {
    std::vector<ExprId> ways;
    do {
      const bool anchored_start = top && Take('^');
      CRIA_ASSIGN_OR_RETURN(ExprId way, Sequence());
      const bool anchored_end = top && Take('$');
      if (!AtEnd() && !At('|') && !At(')')) return Unsupported("an anchor inside");
      std::vector<ExprId> parts;
      if (top && !anchored_start) parts.push_back(Anything());
      parts.push_back(way);
      if (top && !anchored_end) parts.push_back(Anything());
      ways.push_back(parts.size() == 1 ? way : b_.Sequence(parts));
    } while (Take('|'));
    return ways.size() == 1 ? ways[0] : b_.Choice(ways);
  }

  absl::StatusOr<ExprId> Sequence() {
    std::vector<ExprId> parts;
    while (!AtEnd() && !At('|') && !At(')') && !At('$')) {
      CRIA_ASSIGN_OR_RETURN(const ExprId atom, Atom());
      CRIA_ASSIGN_OR_RETURN(const ExprId part, Quantified(atom));
      parts.push_back(part);
    }
    return b_.Sequence(parts);
  }

  absl::StatusOr<ExprId> Atom() {
    if (Take('(')) return Group();
    if (Take('[')) {
      CRIA_ASSIGN_OR_RETURN(const Ranges ranges, Class());
      return text_.Char(ranges);
    }
    if (Take('.')) return text_.Char(ComplementRanges(LineBreaks()));
    if (At('^')) return Unsupported("an anchor inside");
    if (At('*') || At('+') || At('?')) return Invalid("a repetition of nothing");
    CRIA_ASSIGN_OR_RETURN(const Ranges ranges, Character(/*in_class=*/false));
    return text_.Char(ranges);
  }

  absl::StatusOr<ExprId> Group() {
    if (At('?') && !Take("?:")) return Unsupported("a look-around or named group");
    if (++groups_ > kMaxGroups)
      return absl::ResourceExhaustedError(
          absl::StrCat("pattern: more than ", kMaxGroups, " groups inside each other"));
    CRIA_ASSIGN_OR_RETURN(const ExprId inner, Alternatives(/*top=*/false));
    --groups_;
    if (!Take(')')) return Invalid("expected ')'");
    return inner;
  }

  absl::StatusOr<ExprId> Quantified(ExprId atom) {
    uint32_t min = 1, max = 1;
    if (Take('*')) {
      min = 0, max = kUnbounded;
    } else if (Take('+')) {
      max = kUnbounded;
    } else if (Take('?')) {
      min = 0;
    } else if (Take('{')) {
      CRIA_ASSIGN_OR_RETURN(min, Count());
      max = min;
      if (Take(',')) {
        max = kUnbounded;
        if (!At('}')) {
          CRIA_ASSIGN_OR_RETURN(max, Count());
        }
      }
      if (!Take('}') || min > max) return Invalid("expected {m}, {m,} or {m,n} with m <= n");
    } else {
      return atom;
    }
    Take('?');  // lazy: the same texts
    return b_.Repeat(atom, min, max);
  }

  absl::StatusOr<uint32_t> Count() {
    const size_t begin = at_;
    uint32_t count = 0;
    for (; !AtEnd() && source_[at_] >= '0' && source_[at_] <= '9'; ++at_) {
      count = count * 10 + static_cast<uint32_t>(source_[at_] - '0');
      if (count > kMaxCount)
        return absl::ResourceExhaustedError(
            absl::StrCat("pattern, offset ", begin, ": a count above ", kMaxCount));
    }
    if (at_ == begin) return Invalid("expected a count");
    return count;
  }

  absl::StatusOr<Ranges> Class() {
    const bool except = Take('^');
    Ranges ranges;
    while (!At(']')) {
      if (AtEnd()) return Invalid("expected ']'");
      CRIA_ASSIGN_OR_RETURN(const Ranges first, Character(/*in_class=*/true));
      const bool single = first.size() == 1 && first[0].first == first[0].last;
      if (single && At('-') && source_.substr(at_, 2) != "-]") {
        ++at_;
        CRIA_ASSIGN_OR_RETURN(const Ranges last, Character(/*in_class=*/true));
        if (last.size() != 1 || last[0].first != last[0].last || last[0].first < first[0].first)
          return Invalid("a range that ends before it begins");
        ranges.push_back({first[0].first, last[0].first});
      } else {
        ranges.insert(ranges.end(), first.begin(), first.end());
      }
    }
    ++at_;
    return except ? ComplementRanges(ranges) : NormalizeRanges(ranges);
  }

  // A character or an escape that stands for several.
  absl::StatusOr<Ranges> Character(bool in_class) {
    if (!Take('\\')) {
      const Utf8Char c = DecodeUtf8(source_.substr(at_));
      if (AtEnd() || c.kind != Utf8Char::Kind::kValid) return Invalid("expected a character");
      at_ += c.length;
      return Ranges{{c.code_point, c.code_point}};
    }
    if (AtEnd()) return Invalid("expected an escape");
    const char escape = source_[at_++];
    const auto one = [](uint32_t c) { return Ranges{{c, c}}; };
    switch (escape) {
      case 'd':
        return Digit();
      case 'D':
        return ComplementRanges(Digit());
      case 'w':
        return Word();
      case 'W':
        return ComplementRanges(Word());
      case 's':
        return White();
      case 'S':
        return ComplementRanges(White());
      case 'n':
        return one('\n');
      case 'r':
        return one('\r');
      case 't':
        return one('\t');
      case 'f':
        return one('\f');
      case 'v':
        return one('\v');
      case '0':
        return one(0);
      case 'x':
        return Hex(2);
      case 'u':
        return Hex(4);
      case 'b':
        if (in_class) return one('\b');
        return Unsupported("a word boundary");
      default:
        break;
    }
    const bool letter = (escape >= 'a' && escape <= 'z') || (escape >= 'A' && escape <= 'Z') ||
                        (escape >= '0' && escape <= '9');
    if (letter) return Unsupported(absl::StrCat("the escape \\", std::string(1, escape)));
    return one(static_cast<uint8_t>(escape));
  }

  absl::StatusOr<Ranges> Hex(int digits) {
    uint32_t value = 0;
    for (int i = 0; i < digits; ++i, ++at_) {
      const char c = AtEnd() ? '\0' : source_[at_];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return Invalid(absl::StrCat("expected ", digits, " hexadecimal digits"));
      value = value * 16 + static_cast<uint32_t>(digit);
    }
    return Ranges{{value, value}};
  }

  int groups_ = 0;
  GrammarBuilder& b_;
  JsonText& text_;
};

}  // namespace

absl::StatusOr<ExprId> JsonPattern(std::string_view pattern, GrammarBuilder& builder,
                                   JsonText& text) {
  return PatternParser(pattern, builder, text).Parse();
}

}  // namespace cria::text
