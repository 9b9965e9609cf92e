// The parts that JSON texts are made of, as expressions of a grammar: strings, numbers, white space
// and values of any kind (RFC 8259).
#ifndef CRIA_TEXT_GRAMMAR_JSON_TEXT_H_
#define CRIA_TEXT_GRAMMAR_JSON_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "text/grammar_builder.h"

namespace cria::text {

// Bounds of a number; absent: none. `exclusive` bounds are not themselves allowed.
struct NumberBounds {
  std::optional<int64_t> min, max;
  bool exclusive_min = false, exclusive_max = false;

  bool any() const { return min || max; }
};

// Makes each part once and gives it out as often as wanted. The builder must outlive it. One thread
// at a time.
class JsonText {
 public:
  // Integer digits where no bound says otherwise, so that a model can't write digits for ever.
  static constexpr uint32_t kMaxDigits = 16;
  // Spaces or tabs that may follow a line break between the parts of an array or object.
  static constexpr uint32_t kMaxIndent = 20;

  explicit JsonText(GrammarBuilder& builder) : b_(builder) {}

  // Nothing, one space, or a line break and its indent: inside brackets and behind commas.
  ExprId Space();
  // ":" and perhaps one space.
  ExprId Colon();
  // "," and Space().
  ExprId Comma();

  // One character of a string that stands for one of `ranges`: as itself, or as an escape where it
  // can't stand so.
  ExprId Char(const std::vector<CodepointRange>& ranges);
  // One character of a string, in any spelling (including \u escapes; no lone surrogates).
  ExprId AnyChar();
  ExprId String();                                    // of any characters
  ExprId StringOfLength(uint32_t min, uint32_t max);  // in characters
  // A string that is none of `excluded` (which hold no characters that need escapes).
  ExprId StringExcept(const std::vector<std::string>& excluded);
  ExprId Quoted(ExprId content);

  ExprId Integer();
  ExprId Number();
  // kInvalidArgument when no number is within the bounds.
  absl::StatusOr<ExprId> IntegerWithin(const NumberBounds& bounds);
  absl::StatusOr<ExprId> NumberWithin(const NumberBounds& bounds);

  ExprId Value();   // anything
  ExprId Object();  // any object
  ExprId Array();   // any array

  // Exactly this value, in the one spelling that json::serialize would have (numbers in their
  // shortest form).
  ExprId Exactly(const base::json::value& value);
  static std::string Spell(const base::json::value& value);

 private:
  // A rule named `name` that is made when it is first asked for.
  template <typename Make>
  ExprId Rule(std::optional<RuleId>& slot, const char* name, Make make);
  ExprId Digits(uint32_t min, uint32_t max);
  ExprId DigitsBetween(const std::string& low, const std::string& high);
  ExprId Magnitude(uint64_t low, uint64_t high);
  ExprId RealMagnitude(uint64_t low, bool low_exclusive, uint64_t high, bool high_exclusive);
  struct Trie;
  ExprId ExceptTrie(const Trie& trie);

  GrammarBuilder& b_;
  std::optional<ExprId> char_;  // no rule: strings are run through at one level of the stack
  std::optional<RuleId> space_, string_, integer_, number_, value_, object_, array_;
};

}  // namespace cria::text

#endif  // CRIA_TEXT_GRAMMAR_JSON_TEXT_H_
