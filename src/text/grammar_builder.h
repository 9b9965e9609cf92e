// Builds a Grammar out of expressions: the common back end of GBNF, JSON Schema and tool-call
// grammars.
#ifndef CRIA_TEXT_GRAMMAR_BUILDER_H_
#define CRIA_TEXT_GRAMMAR_BUILDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "text/grammar.h"

namespace cria::text {

using ExprId = int32_t;
using RuleId = int32_t;

inline constexpr uint32_t kUnbounded = UINT32_MAX;  // of a repetition

// Both ends included.
struct CodepointRange {
  uint32_t first = 0;
  uint32_t last = 0;
};

// Sorted, without overlaps, inside the Unicode scalar values (no surrogates).
std::vector<CodepointRange> NormalizeRanges(const std::vector<CodepointRange>& ranges);
// Every Unicode scalar value that is in none of `ranges`.
std::vector<CodepointRange> ComplementRanges(const std::vector<CodepointRange>& ranges);

// Expressions are nodes of an arena, made bottom up; an id may be used as often as one likes. Rules
// have names and may refer to each other in any order. What goes wrong on the way is kept and
// returned by Build(). One thread at a time.
class GrammarBuilder {
 public:
  static constexpr size_t kMaxExprs = size_t{1} << 20;
  static constexpr size_t kMaxBytes = size_t{16} << 20;  // of literals and classes
  static constexpr int kMaxDepth = 512;                  // of nested expressions
  static constexpr uint32_t kMaxRepeat = 1u << 20;       // the largest finite count

  struct Options {
    // How many calls may be open at once; deeper texts are not allowed by the masks.
    uint32_t max_stack_depth = 1024;
    // Put small rules that call nothing in place of their references, for larger cached pieces.
    bool inline_rules = false;
  };

  ExprId Literal(std::string_view bytes);  // "" matches the empty text
  ExprId Chars(const std::vector<CodepointRange>&
                   ranges);  // one character, as UTF-8; no ranges: matches nothing
  ExprId Sequence(std::vector<ExprId> parts);
  ExprId Choice(std::vector<ExprId> alternatives);  // empty: matches nothing
  ExprId Repeat(ExprId body, uint32_t min, uint32_t max);
  ExprId Optional(ExprId body) { return Repeat(body, 0, 1); }
  ExprId Ref(RuleId rule);

  RuleId Declare(std::string name);
  void Define(RuleId rule, ExprId expr);
  bool defined(RuleId rule) const { return rules_[static_cast<size_t>(rule)].expr >= 0; }
  const std::string& name(RuleId rule) const { return rules_[static_cast<size_t>(rule)].name; }

  // kInvalidArgument: a rule is undefined, left-recursive, or can never be completed (each named).
  // kResourceExhausted: the grammar is larger than the limits.
  absl::StatusOr<std::shared_ptr<const Grammar>> Build(RuleId root, const Options& options) const;

 private:
  friend class GrammarCompiler;
  enum class Kind : uint8_t { kLiteral, kChars, kSequence, kChoice, kRepeat, kRef };
  struct Expr {
    Kind kind = Kind::kLiteral;
    uint32_t min = 0, max = 0;
    RuleId rule = 0;
    int depth = 1;
    std::string bytes;
    std::vector<CodepointRange> ranges;
    std::vector<ExprId> children;
  };
  struct Rule {
    std::string name;
    ExprId expr = -1;
  };

  ExprId Add(Expr expr);

  std::vector<Expr> exprs_;
  std::vector<Rule> rules_;
  size_t bytes_ = 0;
  absl::Status error_;
};

}  // namespace cria::text

#endif  // CRIA_TEXT_GRAMMAR_BUILDER_H_
