// From rules to automata: the middle of GrammarBuilder::Build().
#ifndef CRIA_TEXT_GRAMMAR_COMPILER_H_
#define CRIA_TEXT_GRAMMAR_COMPILER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "text/grammar_automaton.h"
#include "text/grammar_builder.h"

namespace cria::text {

// An automaton with empty moves, as Thompson's construction makes it. State 0 is the start, state 1
// the end.
struct Nfa {
  struct Call {
    uint32_t symbol = 0;  // an index into the compiler's call symbols
    uint32_t target = 0;
  };
  struct State {
    std::vector<uint32_t> empty;
    std::vector<Grammar::ByteEdge> bytes;
    std::vector<Call> calls;
  };
  std::vector<State> states;
};

// The same without empty moves. State 0 is the start.
struct FlatAutomaton {
  struct State {
    std::vector<Grammar::ByteEdge> bytes;
    std::vector<Nfa::Call> calls;
    bool final = false;
  };
  std::vector<State> states;
};

// Removes the empty moves; by the subset construction (at most one edge for a byte) where this
// doesn't make it much larger, else state by state. kResourceExhausted when even that is too large.
absl::StatusOr<FlatAutomaton> Flatten(const Nfa& nfa);

// One use: GrammarCompiler(builder, options).Compile(root).
class GrammarCompiler {
 public:
  GrammarCompiler(const GrammarBuilder& builder, const GrammarBuilder::Options& options)
      : builder_(builder), options_(options) {}
  absl::StatusOr<std::shared_ptr<const Grammar>> Compile(RuleId root);

 private:
  using Expr = GrammarBuilder::Expr;
  using Kind = GrammarBuilder::Kind;

  // What one automaton is made from.
  struct Source {
    ExprId expr = 0;
    RuleId rule = 0;        // for messages
    bool root = false;      // may match the empty text
    bool repeated = false;  // the body of a counted repetition
  };
  struct CallSymbol {
    uint32_t source = 0;
    uint32_t min = 1, max = 1;
  };

  const Expr& expr(ExprId id) const { return builder_.exprs_[static_cast<size_t>(id)]; }
  ExprId rule_expr(RuleId id) const { return builder_.rules_[static_cast<size_t>(id)].expr; }
  bool nullable(ExprId id) const { return nullable_[static_cast<size_t>(id)]; }

  // The least solution of: a leaf holds as `property` says; a sequence if all its parts do, a
  // choice if one does.
  enum class Property { kNullable, kProductive };
  std::vector<bool> Solve(Property property) const;
  absl::Status CheckDefined() const;
  absl::Status CheckRoot(RuleId root) const;
  absl::Status CheckLeftRecursion() const;

  void ChooseInlined();
  void MeasureExprs(std::vector<bool>* leaf);
  bool Counted(const Expr& repeat) const;

  absl::Status CompileSource(uint32_t source);
  uint32_t NewState(Nfa* nfa) const;
  uint32_t Emit(ExprId id, uint32_t from, Nfa* nfa);  // returns the state after it
  uint32_t EmitChars(const Expr& chars, uint32_t from, Nfa* nfa) const;
  uint32_t EmitRepeat(const Expr& repeat, uint32_t from, Nfa* nfa);
  uint32_t EmitCall(CallSymbol symbol, bool may_skip, uint32_t from, Nfa* nfa);
  uint32_t SourceOfRule(RuleId rule);
  uint32_t SourceOfBody(ExprId body);
  void Append(const Source& source, const FlatAutomaton& automaton);
  void LinkCalls();

  const GrammarBuilder& builder_;
  const GrammarBuilder::Options options_;
  std::vector<bool> nullable_, productive_;  // by expression
  std::vector<uint64_t> size_;               // by expression: about how many states it becomes
  std::vector<bool> inlined_;                // by rule
  std::vector<Source> sources_;
  std::vector<uint32_t> source_start_;  // by source: its first state
  absl::flat_hash_map<RuleId, uint32_t> rule_source_;
  absl::flat_hash_map<ExprId, uint32_t> body_source_;
  RuleId current_rule_ = 0;
  std::vector<CallSymbol> symbols_;
  absl::flat_hash_map<std::tuple<uint32_t, uint32_t, uint32_t>, uint32_t> symbol_ids_;
  std::shared_ptr<Grammar> grammar_;
  bool too_large_ = false;
};

}  // namespace cria::text

#endif  // CRIA_TEXT_GRAMMAR_COMPILER_H_
