#include "text/grammar_json_text.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/str_format.h"
#include "text/utf8.h"

namespace cria::text {
namespace {

constexpr uint64_t kUnboundedMagnitude = 9999999999999999;  // kMaxDigits nines

struct Escape {
  char32_t c;
  const char* spelling;
};
constexpr Escape kEscapes[] = {{'"', "\\\""}, {'\\', "\\\\"}, {'\b', "\\b"}, {'\f', "\\f"},
                               {'\n', "\\n"}, {'\r', "\\r"},  {'\t', "\\t"}};

bool NeedsEscape(uint32_t c) { return c < 0x20 || c == '"' || c == '\\'; }

std::string SpellEscape(uint32_t c) {
  for (const Escape& escape : kEscapes)
    if (escape.c == c) return escape.spelling;
  return absl::StrFormat("\\u%04x", c);
}

std::string SpellDouble(double value) {
  for (int digits = 1; digits < 17; ++digits) {
    const std::string text = absl::StrFormat("%.*g", digits, value);
    if (std::strtod(text.c_str(), nullptr) == value) return text;
  }
  return absl::StrFormat("%.17g", value);
}

std::string SpellString(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (NeedsEscape(byte))
      out += SpellEscape(byte);
    else
      out += c;
  }
  return out + "\"";
}

}  // namespace

template <typename Make>
ExprId JsonText::Rule(std::optional<RuleId>& slot, const char* name, Make make) {
  if (!slot) {
    slot = b_.Declare(name);
    b_.Define(*slot, make());
  }
  return b_.Ref(*slot);
}

ExprId JsonText::Space() {
  return Rule(space_, "json space", [&] {
    const ExprId indent = b_.Repeat(b_.Chars({{' ', ' '}, {'\t', '\t'}}), 0, kMaxIndent);
    return b_.Choice({b_.Literal(""), b_.Literal(" "), b_.Sequence({b_.Literal("\n"), indent})});
  });
}

ExprId JsonText::Colon() { return b_.Sequence({b_.Literal(":"), b_.Optional(b_.Literal(" "))}); }

ExprId JsonText::Comma() { return b_.Sequence({b_.Literal(","), Space()}); }

ExprId JsonText::Char(const std::vector<CodepointRange>& ranges) {
  std::vector<CodepointRange> plain;
  std::vector<ExprId> ways;
  for (const CodepointRange& range : NormalizeRanges(ranges)) {
    for (uint32_t c = range.first; c <= std::min<uint32_t>(range.last, '\\'); ++c)
      if (NeedsEscape(c)) ways.push_back(b_.Literal(SpellEscape(c)));
    plain.push_back(range);
  }
  std::vector<CodepointRange> outside = ComplementRanges(plain);
  outside.insert(outside.end(), {{0, 0x1F}, {'"', '"'}, {'\\', '\\'}});
  ways.push_back(b_.Chars(ComplementRanges(outside)));
  return ways.size() == 1 ? ways[0] : b_.Choice(ways);
}

ExprId JsonText::AnyChar() {
  if (char_) return *char_;
  const ExprId hex = b_.Chars({{'0', '9'}, {'a', 'f'}, {'A', 'F'}});
  const ExprId d = b_.Chars({{'d', 'd'}, {'D', 'D'}});
  const ExprId high = b_.Sequence({d, b_.Chars({{'8', '9'}, {'a', 'b'}, {'A', 'B'}}), hex, hex});
  const ExprId low = b_.Sequence({d, b_.Chars({{'c', 'f'}, {'C', 'F'}}), hex, hex});
  const ExprId below = b_.Chars({{'0', '9'}, {'a', 'c'}, {'A', 'C'}, {'e', 'f'}, {'E', 'F'}});
  const ExprId unit = b_.Choice({b_.Sequence({below, hex, hex, hex}),
                                 b_.Sequence({d, b_.Chars({{'0', '7'}}), hex, hex}),
                                 b_.Sequence({high, b_.Literal("\\u"), low})});
  const ExprId escaped = b_.Choice({b_.Chars({{'"', '"'},
                                              {'\\', '\\'},
                                              {'/', '/'},
                                              {'b', 'b'},
                                              {'f', 'f'},
                                              {'n', 'n'},
                                              {'r', 'r'},
                                              {'t', 't'}}),
                                    b_.Sequence({b_.Literal("u"), unit})});
  char_ = b_.Choice({b_.Chars(ComplementRanges({{0, 0x1F}, {'"', '"'}, {'\\', '\\'}})),
                     b_.Sequence({b_.Literal("\\"), escaped})});
  return *char_;
}

ExprId JsonText::Quoted(ExprId content) {
  const ExprId quote = b_.Literal("\"");
  return b_.Sequence({quote, content, quote});
}

ExprId JsonText::String() {
  return Rule(string_, "json string", [&] { return Quoted(b_.Repeat(AnyChar(), 0, kUnbounded)); });
}

ExprId JsonText::StringOfLength(uint32_t min, uint32_t max) {
  return Quoted(b_.Repeat(AnyChar(), min, max));
}

struct JsonText::Trie {
  std::map<std::string, Trie> children;  // by the next character, in UTF-8
  bool end = false;
};

// The rest of a key, and its closing quote, after a path into the excluded ones.
ExprId JsonText::ExceptTrie(const Trie& trie) {
  std::vector<ExprId> ways;
  if (!trie.end) ways.push_back(b_.Literal("\""));
  std::vector<CodepointRange> taken = {{0, 0x1F}, {'"', '"'}, {'\\', '\\'}};
  for (const auto& [c, child] : trie.children) {
    const uint32_t code = DecodeUtf8(c).code_point;
    taken.push_back({code, code});
    ways.push_back(b_.Sequence({b_.Literal(c), ExceptTrie(child)}));
  }
  ways.push_back(b_.Sequence(
      {b_.Chars(ComplementRanges(taken)), b_.Repeat(AnyChar(), 0, kUnbounded), b_.Literal("\"")}));
  return b_.Choice(ways);
}

ExprId JsonText::StringExcept(const std::vector<std::string>& excluded) {
  Trie root;
  for (const std::string& word : excluded) {
    Trie* at = &root;
    for (size_t i = 0; i < word.size();) {
      const size_t length =
          std::max<size_t>(DecodeUtf8(std::string_view(word).substr(i)).length, 1);
      at = &at->children[word.substr(i, length)];
      i += length;
    }
    at->end = true;
  }
  return b_.Sequence({b_.Literal("\""), ExceptTrie(root)});
}

ExprId JsonText::Digits(uint32_t min, uint32_t max) {
  return b_.Repeat(b_.Chars({{'0', '9'}}), min, max);
}

ExprId JsonText::Integer() {
  return Rule(integer_, "json integer", [&] {
    const ExprId magnitude = b_.Choice(
        {b_.Literal("0"), b_.Sequence({b_.Chars({{'1', '9'}}), Digits(0, kMaxDigits - 1)})});
    return b_.Sequence({b_.Optional(b_.Literal("-")), magnitude});
  });
}

// Exponents of two digits: every number that can be written is finite.
ExprId JsonText::Number() {
  return Rule(number_, "json number", [&] {
    const ExprId fraction = b_.Sequence({b_.Literal("."), Digits(1, kMaxDigits)});
    const ExprId exponent =
        b_.Sequence({b_.Chars({{'e', 'e'}, {'E', 'E'}}),
                     b_.Optional(b_.Chars({{'+', '+'}, {'-', '-'}})), Digits(1, 2)});
    return b_.Sequence({Integer(), b_.Optional(fraction), b_.Optional(exponent)});
  });
}

// Numbers of the same count of digits, from `low` to `high`.
ExprId JsonText::DigitsBetween(const std::string& low, const std::string& high) {
  const auto rest = static_cast<uint32_t>(low.size() - 1);
  if (low.find_first_not_of('0') == std::string::npos &&
      high.find_first_not_of('9') == std::string::npos)
    return Digits(rest + 1, rest + 1);
  const auto digit = [](char c) { return static_cast<uint32_t>(c); };
  if (rest == 0) return b_.Chars({{digit(low[0]), digit(high[0])}});
  const ExprId first = b_.Literal(low.substr(0, 1)), last = b_.Literal(high.substr(0, 1));
  if (low[0] == high[0]) return b_.Sequence({first, DigitsBetween(low.substr(1), high.substr(1))});
  std::vector<ExprId> ways = {
      b_.Sequence({first, DigitsBetween(low.substr(1), std::string(rest, '9'))}),
      b_.Sequence({last, DigitsBetween(std::string(rest, '0'), high.substr(1))})};
  if (low[0] + 1 < high[0])
    ways.push_back(
        b_.Sequence({b_.Chars({{digit(low[0]) + 1, digit(high[0]) - 1}}), Digits(rest, rest)}));
  return b_.Choice(ways);
}

// Whole numbers from `low` to `high`, without sign and without leading zeros.
ExprId JsonText::Magnitude(uint64_t low, uint64_t high) {
  std::vector<ExprId> ways;
  const std::string first = absl::StrCat(low), last = absl::StrCat(high);
  for (size_t digits = first.size(); digits <= last.size(); ++digits) {
    const std::string from = digits == first.size() ? first : "1" + std::string(digits - 1, '0');
    const std::string to = digits == last.size() ? last : std::string(digits, '9');
    ways.push_back(DigitsBetween(from, to));
  }
  return b_.Choice(ways);
}

namespace {

// A bound of 64 bits as what it lets through on one side of zero.
uint64_t MagnitudeOf(int64_t value) {
  return value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
}

uint64_t FarEnd(uint64_t near) { return std::max(near, kUnboundedMagnitude); }

absl::Status Empty() { return absl::InvalidArgumentError("no number is within the bounds"); }

}  // namespace

absl::StatusOr<ExprId> JsonText::IntegerWithin(const NumberBounds& bounds) {
  if (!bounds.any()) return Integer();
  // Exclusive bounds of integers are inclusive ones of the next.
  std::optional<int64_t> min = bounds.min, max = bounds.max;
  if (min && bounds.exclusive_min) {
    if (*min == INT64_MAX) return Empty();
    ++*min;
  }
  if (max && bounds.exclusive_max) {
    if (*max == INT64_MIN) return Empty();
    --*max;
  }
  if (min && max && *min > *max) return Empty();
  std::vector<ExprId> ways;
  if (!max || *max >= 0) {
    const uint64_t low = min && *min > 0 ? MagnitudeOf(*min) : 0;
    ways.push_back(Magnitude(low, max ? MagnitudeOf(*max) : FarEnd(low)));
  }
  if (!min || *min < 0) {
    const uint64_t low = max && *max < 0 ? MagnitudeOf(*max) : 1;
    ways.push_back(
        b_.Sequence({b_.Literal("-"), Magnitude(low, min ? MagnitudeOf(*min) : FarEnd(low))}));
  }
  return b_.Choice(ways);
}

// Numbers without sign and exponent from `low` to `high`.
ExprId JsonText::RealMagnitude(uint64_t low, bool low_exclusive, uint64_t high,
                               bool high_exclusive) {
  const ExprId fraction = b_.Optional(b_.Sequence({b_.Literal("."), Digits(1, kMaxDigits)}));
  const ExprId zeros = b_.Repeat(b_.Literal("0"), 0, kMaxDigits);
  std::vector<ExprId> ways;
  uint64_t first_free = low;  // from here on any fraction may follow
  if (low_exclusive) {
    const ExprId above_zero =
        b_.Sequence({b_.Literal("."), zeros, b_.Chars({{'1', '9'}}), Digits(0, kMaxDigits)});
    if (low < high) ways.push_back(b_.Sequence({b_.Literal(absl::StrCat(low)), above_zero}));
    ++first_free;
  }
  if (first_free < high) ways.push_back(b_.Sequence({Magnitude(first_free, high - 1), fraction}));
  if (!high_exclusive && first_free <= high)
    ways.push_back(b_.Sequence(
        {b_.Literal(absl::StrCat(high)), b_.Optional(b_.Sequence({b_.Literal(".0"), zeros}))}));
  return b_.Choice(ways);
}

absl::StatusOr<ExprId> JsonText::NumberWithin(const NumberBounds& bounds) {
  if (!bounds.any()) return Number();
  const auto& [min, max, exclusive_min, exclusive_max] = bounds;
  const bool exclusive = exclusive_min || exclusive_max;
  if (min && max && (*min > *max || (*min == *max && exclusive))) return Empty();
  std::vector<ExprId> ways;
  if (!max || *max > 0 || (*max == 0 && !exclusive_max)) {
    const bool from_min = min && *min >= 0;
    const uint64_t low = from_min ? MagnitudeOf(*min) : 0;
    ways.push_back(RealMagnitude(low, from_min && exclusive_min,
                                 max ? MagnitudeOf(*max) : FarEnd(low), max && exclusive_max));
  }
  if (!min || *min < 0) {
    const bool from_max = max && *max <= 0;
    const uint64_t low = from_max ? MagnitudeOf(*max) : 0;
    ways.push_back(
        b_.Sequence({b_.Literal("-"),
                     RealMagnitude(low, !from_max || exclusive_max || low == 0,
                                   min ? MagnitudeOf(*min) : FarEnd(low), min && exclusive_min)}));
  }
  return b_.Choice(ways);
}

ExprId JsonText::Value() {
  if (!value_) {
    value_ = b_.Declare("json value");
    b_.Define(*value_, b_.Choice({Object(), Array(), String(), Number(), b_.Literal("true"),
                                  b_.Literal("false"), b_.Literal("null")}));
  }
  return b_.Ref(*value_);
}

ExprId JsonText::Object() {
  if (!object_) {
    object_ = b_.Declare("json object");
    const ExprId member = b_.Sequence({String(), Colon(), Value()});
    const ExprId more = b_.Repeat(b_.Sequence({Comma(), member}), 0, kUnbounded);
    b_.Define(*object_,
              b_.Sequence({b_.Literal("{"), Space(),
                           b_.Optional(b_.Sequence({member, more, Space()})), b_.Literal("}")}));
  }
  return b_.Ref(*object_);
}

ExprId JsonText::Array() {
  if (!array_) {
    array_ = b_.Declare("json array");
    const ExprId more = b_.Repeat(b_.Sequence({Comma(), Value()}), 0, kUnbounded);
    b_.Define(*array_,
              b_.Sequence({b_.Literal("["), Space(),
                           b_.Optional(b_.Sequence({Value(), more, Space()})), b_.Literal("]")}));
  }
  return b_.Ref(*array_);
}

std::string JsonText::Spell(const base::json::value& value) {
  if (value.is_string()) return SpellString(value.get_string());
  if (value.is_double()) return SpellDouble(value.get_double());
  std::string out;
  if (const base::json::array* array = value.if_array()) {
    for (const base::json::value& item : *array)
      absl::StrAppend(&out, out.empty() ? "" : ", ", Spell(item));
    return "[" + out + "]";
  }
  if (const base::json::object* object = value.if_object()) {
    for (const auto& [key, item] : *object)
      absl::StrAppend(&out, out.empty() ? "" : ", ", SpellString(key), ": ", Spell(item));
    return "{" + out + "}";
  }
  return base::json::serialize(value);
}

ExprId JsonText::Exactly(const base::json::value& value) { return b_.Literal(Spell(value)); }

}  // namespace cria::text
