#include "text/grammar_builder.h"

#include <algorithm>

namespace cria::text {
namespace {

constexpr uint32_t kLastCodepoint = 0x10FFFF;
constexpr uint32_t kFirstSurrogate = 0xD800;
constexpr uint32_t kLastSurrogate = 0xDFFF;

}  // namespace

std::vector<CodepointRange> NormalizeRanges(const std::vector<CodepointRange>& ranges) {
  std::vector<CodepointRange> parts;
  for (const CodepointRange& range : ranges) {
    const uint32_t last = std::min(range.last, kLastCodepoint);
    if (range.first > last) continue;
    if (range.first < kFirstSurrogate)
      parts.push_back({range.first, std::min(last, kFirstSurrogate - 1)});
    if (last > kLastSurrogate) parts.push_back({std::max(range.first, kLastSurrogate + 1), last});
  }
  std::sort(parts.begin(), parts.end(), [](const CodepointRange& a, const CodepointRange& b) {
    return a.first != b.first ? a.first < b.first : a.last < b.last;
  });
  std::vector<CodepointRange> merged;
  for (const CodepointRange& part : parts) {
    if (!merged.empty() && part.first <= merged.back().last + 1)
      merged.back().last = std::max(merged.back().last, part.last);
    else
      merged.push_back(part);
  }
  return merged;
}

std::vector<CodepointRange> ComplementRanges(const std::vector<CodepointRange>& ranges) {
  std::vector<CodepointRange> gaps;
  uint32_t next = 0;
  for (const CodepointRange& range : NormalizeRanges(ranges)) {
    if (range.first > next) gaps.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLastCodepoint) gaps.push_back({next, kLastCodepoint});
  return NormalizeRanges(gaps);  // takes the surrogates out
}

ExprId GrammarBuilder::Add(Expr expr) {
  if (!error_.ok()) return 0;
  for (const ExprId child : expr.children)
    expr.depth = std::max(expr.depth, exprs_[static_cast<size_t>(child)].depth + 1);
  bytes_ += expr.bytes.size() + sizeof(ExprId) * expr.children.size() +
            sizeof(CodepointRange) * expr.ranges.size();
  if (exprs_.size() >= kMaxExprs || bytes_ > kMaxBytes)
    error_ = absl::ResourceExhaustedError(absl::StrCat(
        "grammar: more than ", kMaxExprs, " parts or ", kMaxBytes, " bytes: make it smaller"));
  else if (expr.depth > kMaxDepth)
    error_ = absl::ResourceExhaustedError(
        absl::StrCat("grammar: expressions nested deeper than ", kMaxDepth, ": use more rules"));
  if (!error_.ok() && !exprs_.empty()) return 0;
  exprs_.push_back(std::move(expr));
  return static_cast<ExprId>(exprs_.size() - 1);
}

ExprId GrammarBuilder::Literal(std::string_view bytes) {
  Expr expr;
  expr.bytes = bytes;
  return Add(std::move(expr));
}

ExprId GrammarBuilder::Chars(const std::vector<CodepointRange>& ranges) {
  Expr expr;
  expr.kind = Kind::kChars;
  expr.ranges = NormalizeRanges(ranges);
  return Add(std::move(expr));
}

ExprId GrammarBuilder::Sequence(std::vector<ExprId> parts) {
  if (parts.size() == 1) return parts[0];
  Expr expr;
  expr.kind = Kind::kSequence;
  expr.children = std::move(parts);
  return Add(std::move(expr));
}

ExprId GrammarBuilder::Choice(std::vector<ExprId> alternatives) {
  if (alternatives.size() == 1) return alternatives[0];
  Expr expr;
  expr.kind = Kind::kChoice;
  expr.children = std::move(alternatives);
  return Add(std::move(expr));
}

ExprId GrammarBuilder::Repeat(ExprId body, uint32_t min, uint32_t max) {
  if (min > max && error_.ok())
    error_ = absl::InvalidArgumentError(absl::StrCat("grammar: repetition {", min, ",", max,
                                                     "}: the first count must not be larger"));
  if ((min > kMaxRepeat || (max > kMaxRepeat && max != kUnbounded)) && error_.ok())
    error_ = absl::ResourceExhaustedError(
        absl::StrCat("grammar: repetition counts may be at most ", kMaxRepeat));
  Expr expr;
  expr.kind = Kind::kRepeat;
  expr.min = min;
  expr.max = max;
  expr.children = {body};
  return Add(std::move(expr));
}

ExprId GrammarBuilder::Ref(RuleId rule) {
  Expr expr;
  expr.kind = Kind::kRef;
  expr.rule = rule;
  return Add(std::move(expr));
}

RuleId GrammarBuilder::Declare(std::string name) {
  bytes_ += name.size();
  rules_.push_back({std::move(name), -1});
  return static_cast<RuleId>(rules_.size() - 1);
}

void GrammarBuilder::Define(RuleId rule, ExprId expr) {
  rules_[static_cast<size_t>(rule)].expr = expr;
}

}  // namespace cria::text
