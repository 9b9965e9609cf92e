#include "text/grammar_compiler.h"

#include <algorithm>

#include "text/grammar_utf8.h"

namespace cria::text {
namespace {

constexpr size_t kMaxStates = size_t{1} << 19;
constexpr uint64_t kMaxSize = uint64_t{1} << 40;  // where the estimates stop growing
constexpr uint64_t kExpandLimit =
    64;  // repetitions up to so many states are written out, others are counted
constexpr uint64_t kInlineLimit = 16;        // of a rule that is used several times
constexpr uint64_t kInlineOnceLimit = 4096;  // of a rule that is used once
constexpr int kInlineRounds = 4;

absl::Status TooLarge() {
  return absl::ResourceExhaustedError(
      absl::StrCat("grammar: needs more than ", kMaxStates, " states: make it smaller"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Grammar>> GrammarBuilder::Build(RuleId root,
                                                                     const Options& options) const {
  CRIA_RETURN_IF_ERROR(error_);
  return GrammarCompiler(*this, options).Compile(root);
}

absl::StatusOr<std::shared_ptr<const Grammar>> GrammarCompiler::Compile(RuleId root) {
  CRIA_RETURN_IF_ERROR(CheckDefined());
  nullable_ = Solve(Property::kNullable);
  productive_ = Solve(Property::kProductive);
  CRIA_RETURN_IF_ERROR(CheckRoot(root));
  ChooseInlined();
  grammar_ = std::make_shared<Grammar>();
  grammar_->max_stack_depth_ = options_.max_stack_depth;
  sources_.push_back({rule_expr(root), root, true, false});
  for (uint32_t source = 0; source < sources_.size(); ++source)
    CRIA_RETURN_IF_ERROR(CompileSource(source));
  LinkCalls();
  CRIA_RETURN_IF_ERROR(CheckLeftRecursion());
  return std::shared_ptr<const Grammar>(std::move(grammar_));
}

absl::Status GrammarCompiler::CheckDefined() const {
  for (const GrammarBuilder::Rule& rule : builder_.rules_)
    if (rule.expr < 0)
      return absl::InvalidArgumentError(
          absl::StrCat("grammar: rule '", rule.name, "' is not defined"));
  return absl::OkStatus();
}

absl::Status GrammarCompiler::CheckRoot(RuleId root) const {
  if (productive_[static_cast<size_t>(rule_expr(root))]) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("grammar: no finite text matches rule '",
                                                 builder_.name(root),
                                                 "': it needs an alternative that ends"));
}

// Each expression waits for so many of its parts; what holds wakes those that wait for it (Dowling
// and Gallier, "Linear-time algorithms for testing the satisfiability of propositional Horn
// formulae", 1984).
std::vector<bool> GrammarCompiler::Solve(Property property) const {
  const size_t count = builder_.exprs_.size();
  std::vector<bool> holds(count, false);
  std::vector<size_t> missing(count, 1);
  std::vector<std::vector<ExprId>> waiting(count);
  std::vector<ExprId> todo;
  const auto set = [&](ExprId id) {
    if (holds[static_cast<size_t>(id)]) return;
    holds[static_cast<size_t>(id)] = true;
    todo.push_back(id);
  };
  for (size_t i = 0; i < count; ++i) {
    const auto id = static_cast<ExprId>(i);
    const Expr& e = expr(id);
    for (const ExprId child : e.children) waiting[static_cast<size_t>(child)].push_back(id);
    if (e.kind == Kind::kRef) waiting[static_cast<size_t>(rule_expr(e.rule))].push_back(id);
    if (e.kind == Kind::kSequence) missing[i] = e.children.size();
    const bool productive = property == Property::kProductive;
    if ((e.kind == Kind::kLiteral && (productive || e.bytes.empty())) ||
        (e.kind == Kind::kChars && productive && !e.ranges.empty()) ||
        (e.kind == Kind::kSequence && e.children.empty()) ||
        (e.kind == Kind::kRepeat && e.min == 0))
      set(id);
  }
  while (!todo.empty()) {
    const ExprId id = todo.back();
    todo.pop_back();
    for (const ExprId parent : waiting[static_cast<size_t>(id)])
      if (--missing[static_cast<size_t>(parent)] == 0) set(parent);
  }
  return holds;
}

bool GrammarCompiler::Counted(const Expr& repeat) const {
  const uint64_t times = repeat.max == kUnbounded ? repeat.min : repeat.max;
  return times > 1 && times * size_[static_cast<size_t>(repeat.children[0])] > kExpandLimit;
}

// Children have smaller ids than their parents, so that one pass in order is enough.
void GrammarCompiler::MeasureExprs(std::vector<bool>* leaf) {
  std::vector<Utf8Sequence> sequences;
  for (size_t i = 0; i < builder_.exprs_.size(); ++i) {
    const Expr& e = builder_.exprs_[i];
    uint64_t size = 1;
    (*leaf)[i] = e.kind != Kind::kRef;
    for (const ExprId child : e.children) {
      size += size_[static_cast<size_t>(child)];
      if (!(*leaf)[static_cast<size_t>(child)]) (*leaf)[i] = false;
    }
    if (e.kind == Kind::kLiteral) size = e.bytes.size();
    if (e.kind == Kind::kChars && size_[i] == 0) {
      sequences.clear();
      for (const CodepointRange& range : e.ranges) AppendUtf8Sequences(range, &sequences);
      size = sequences.size();
    } else if (e.kind == Kind::kChars) {
      size = size_[i];
    }
    if (e.kind == Kind::kRepeat && e.max != kUnbounded && !Counted(e)) size *= std::max(e.max, 1u);
    if (e.kind == Kind::kRef && inlined_[static_cast<size_t>(e.rule)]) {
      size = size_[static_cast<size_t>(rule_expr(e.rule))];
      (*leaf)[i] = true;
    }
    size_[i] = std::clamp<uint64_t>(size, 1, kMaxSize);
  }
}

void GrammarCompiler::ChooseInlined() {
  const size_t rules = builder_.rules_.size();
  std::vector<uint32_t> uses(rules, 0);
  for (const Expr& e : builder_.exprs_)
    if (e.kind == Kind::kRef) ++uses[static_cast<size_t>(e.rule)];
  inlined_.assign(rules, false);
  size_.assign(builder_.exprs_.size(), 0);
  std::vector<bool> leaf(builder_.exprs_.size());
  MeasureExprs(&leaf);
  for (int round = 0; round < kInlineRounds && options_.inline_rules; ++round) {
    for (size_t rule = 0; rule < rules; ++rule) {
      const auto e = static_cast<size_t>(builder_.rules_[rule].expr);
      const uint64_t limit = uses[rule] == 1 ? kInlineOnceLimit : kInlineLimit;
      if (leaf[e] && size_[e] <= limit) inlined_[rule] = true;
    }
    MeasureExprs(&leaf);
  }
}

absl::Status GrammarCompiler::CompileSource(uint32_t index) {
  const Source source = sources_[index];
  current_rule_ = source.rule;
  Nfa nfa;
  nfa.states.resize(2);
  const uint32_t end = Emit(source.expr, 0, &nfa);
  nfa.states[end].empty.push_back(1);
  if (too_large_) return TooLarge();
  auto automaton = Flatten(nfa);
  if (!automaton.ok())
    return base::Annotate(automaton.status(),
                          absl::StrCat("grammar: rule '", builder_.name(source.rule), "'"));
  if (!source.root) automaton->states[0].final = false;
  Append(source, *automaton);
  return grammar_->states_.size() > kMaxStates ? TooLarge() : absl::OkStatus();
}

uint32_t GrammarCompiler::NewState(Nfa* nfa) const {
  nfa->states.emplace_back();
  return static_cast<uint32_t>(nfa->states.size() - 1);
}

uint32_t GrammarCompiler::Emit(ExprId id, uint32_t from, Nfa* nfa) {
  too_large_ = too_large_ || nfa->states.size() > kMaxStates;
  if (too_large_) return from;
  const Expr& e = expr(id);
  switch (e.kind) {
    case Kind::kLiteral:
      for (const char c : e.bytes) {
        const uint32_t to = NewState(nfa);
        nfa->states[from].bytes.push_back({static_cast<uint8_t>(c), static_cast<uint8_t>(c), to});
        from = to;
      }
      return from;
    case Kind::kChars:
      return EmitChars(e, from, nfa);
    case Kind::kSequence:
      for (const ExprId child : e.children) from = Emit(child, from, nfa);
      return from;
    case Kind::kChoice: {
      const uint32_t to = NewState(nfa);
      for (const ExprId child : e.children) {
        if (!productive_[static_cast<size_t>(child)]) continue;
        const uint32_t begin =
            NewState(nfa);  // so that no loop of one alternative leads into another
        nfa->states[from].empty.push_back(begin);
        const uint32_t end = Emit(child, begin, nfa);
        nfa->states[end].empty.push_back(to);
      }
      return to;
    }
    case Kind::kRepeat:
      return EmitRepeat(e, from, nfa);
    case Kind::kRef: {
      const ExprId callee = rule_expr(e.rule);
      if (inlined_[static_cast<size_t>(e.rule)]) return Emit(callee, from, nfa);
      return EmitCall({SourceOfRule(e.rule), 1, 1}, nullable(callee), from, nfa);
    }
  }
  return from;
}

// Equal tails of the byte sequences are shared: most classes differ in their first byte only.
uint32_t GrammarCompiler::EmitChars(const Expr& chars, uint32_t from, Nfa* nfa) const {
  std::vector<Utf8Sequence> sequences;
  for (const CodepointRange& range : chars.ranges) AppendUtf8Sequences(range, &sequences);
  const uint32_t to = NewState(nfa);
  absl::flat_hash_map<std::tuple<uint8_t, uint8_t, uint32_t>, uint32_t> tails;
  for (const Utf8Sequence& sequence : sequences) {
    uint32_t next = to;
    for (int i = sequence.size - 1; i > 0; --i) {
      const auto [first, last] = sequence.bytes[static_cast<size_t>(i)];
      const auto [it, added] = tails.try_emplace(std::make_tuple(first, last, next), 0);
      if (added) {
        it->second = NewState(nfa);
        nfa->states[it->second].bytes.push_back({first, last, next});
      }
      next = it->second;
    }
    nfa->states[from].bytes.push_back({sequence.bytes[0].first, sequence.bytes[0].last, next});
  }
  return to;
}

uint32_t GrammarCompiler::EmitRepeat(const Expr& e, uint32_t from, Nfa* nfa) {
  const ExprId body = e.children[0];
  if (e.max == 0 || !productive_[static_cast<size_t>(body)]) return from;
  const uint32_t min = nullable(body) ? 0 : e.min;
  if (Counted(e)) {
    const uint32_t max = e.max == kUnbounded ? min : e.max;
    if (max > 0) from = EmitCall({SourceOfBody(body), std::max(min, 1u), max}, min == 0, from, nfa);
  } else {
    for (uint32_t i = 0; i < min && !too_large_; ++i) from = Emit(body, from, nfa);
    const uint32_t end = e.max == kUnbounded ? from : NewState(nfa);
    for (uint32_t i = min; i < e.max && e.max != kUnbounded && !too_large_; ++i) {
      const uint32_t begin = NewState(nfa);
      nfa->states[from].empty.push_back(begin);
      nfa->states[from].empty.push_back(end);
      from = Emit(body, begin, nfa);
    }
    if (end != from) nfa->states[from].empty.push_back(end);
    from = end;
  }
  if (e.max != kUnbounded) return from;
  const uint32_t loop = NewState(nfa), exit = NewState(nfa);
  nfa->states[from].empty.push_back(loop);
  nfa->states[loop].empty.push_back(exit);
  const uint32_t begin = NewState(nfa);
  nfa->states[loop].empty.push_back(begin);
  const uint32_t again = Emit(body, begin, nfa);
  nfa->states[again].empty.push_back(loop);
  return exit;
}

uint32_t GrammarCompiler::EmitCall(CallSymbol symbol, bool may_skip, uint32_t from, Nfa* nfa) {
  const auto key = std::make_tuple(symbol.source, symbol.min, symbol.max);
  const auto [it, added] = symbol_ids_.try_emplace(key, static_cast<uint32_t>(symbols_.size()));
  if (added) symbols_.push_back(symbol);
  const uint32_t to = NewState(nfa);
  nfa->states[from].calls.push_back({it->second, to});
  if (may_skip) nfa->states[from].empty.push_back(to);
  return to;
}

uint32_t GrammarCompiler::SourceOfRule(RuleId rule) {
  const auto [it, added] = rule_source_.try_emplace(rule, static_cast<uint32_t>(sources_.size()));
  if (added) sources_.push_back({rule_expr(rule), rule, false, false});
  return it->second;
}

uint32_t GrammarCompiler::SourceOfBody(ExprId body) {
  const auto [it, added] = body_source_.try_emplace(body, static_cast<uint32_t>(sources_.size()));
  if (added) sources_.push_back({body, current_rule_, false, true});
  return it->second;
}

// Until LinkCalls(), CallEdge::start holds the source.
void GrammarCompiler::Append(const Source& source, const FlatAutomaton& automaton) {
  const auto base = static_cast<uint32_t>(grammar_->states_.size());
  source_start_.push_back(base);
  for (const FlatAutomaton::State& state : automaton.states) {
    grammar_->states_.push_back({static_cast<uint32_t>(grammar_->byte_edges_.size()),
                                 static_cast<uint32_t>(grammar_->call_edges_.size()), state.final});
    for (Grammar::ByteEdge edge : state.bytes) {
      edge.target += base;
      grammar_->byte_edges_.push_back(edge);
    }
    for (const Nfa::Call& call : state.calls) {
      const CallSymbol& symbol = symbols_[call.symbol];
      Grammar::CallEdge edge{symbol.source, symbol.min, symbol.max, base + call.target, false};
      const FlatAutomaton::State& next = automaton.states[call.target];
      edge.tail = !edge.counted() && !source.repeated && next.final && next.bytes.empty() &&
                  next.calls.empty();
      grammar_->call_edges_.push_back(edge);
    }
  }
}

void GrammarCompiler::LinkCalls() {
  grammar_->states_.push_back({static_cast<uint32_t>(grammar_->byte_edges_.size()),
                               static_cast<uint32_t>(grammar_->call_edges_.size()), false});
  for (Grammar::CallEdge& edge : grammar_->call_edges_) edge.start = source_start_[edge.start];
  grammar_->start_ = source_start_[0];
}

// A cycle of calls, each from the first state of its rule, would never read a byte.
absl::Status GrammarCompiler::CheckLeftRecursion() const {
  absl::flat_hash_map<uint32_t, uint32_t> source_of_start;
  for (uint32_t i = 0; i < sources_.size(); ++i) source_of_start[source_start_[i]] = i;
  enum class Mark : uint8_t { kNew, kOpen, kDone };
  std::vector<Mark> marks(sources_.size(), Mark::kNew);
  struct Frame {
    uint32_t source;
    size_t next_call;
  };
  for (uint32_t first = 0; first < sources_.size(); ++first) {
    if (marks[first] != Mark::kNew) continue;
    std::vector<Frame> path = {{first, 0}};
    marks[first] = Mark::kOpen;
    while (!path.empty()) {
      const auto calls = grammar_->calls(source_start_[path.back().source]);
      if (path.back().next_call == calls.size()) {
        marks[path.back().source] = Mark::kDone;
        path.pop_back();
        continue;
      }
      const uint32_t callee = source_of_start[calls[path.back().next_call++].start];
      if (marks[callee] == Mark::kOpen)
        return absl::InvalidArgumentError(absl::StrCat(
            "grammar: rule '", builder_.name(sources_[callee].rule),
            "' is left-recursive: it can begin with itself; write it as a repetition"));
      if (marks[callee] == Mark::kDone) continue;
      marks[callee] = Mark::kOpen;
      path.push_back({callee, 0});
    }
  }
  return absl::OkStatus();
}

}  // namespace cria::text
