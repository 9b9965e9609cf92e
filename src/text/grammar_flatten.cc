#include <algorithm>
#include <array>

#include "text/grammar_compiler.h"

namespace cria::text {
namespace {

constexpr size_t kMaxSetEntries = size_t{1} << 23;  // of all sets together
constexpr size_t kMaxEdges = size_t{1} << 21;

using StateSet = std::vector<uint32_t>;  // sorted

class Flattener {
 public:
  Flattener(const Nfa& nfa, bool deterministic, size_t max_states)
      : nfa_(nfa),
        deterministic_(deterministic),
        max_states_(max_states),
        seen_(nfa.states.size()) {}

  // False when it grew beyond the limits.
  bool Run(FlatAutomaton* automaton) {
    IdOf({0});
    for (size_t i = 0; i < sets_.size(); ++i) {
      const StateSet set = sets_[i];
      FlatAutomaton::State state;
      state.final = std::binary_search(set.begin(), set.end(), 1u);
      AddByteEdges(set, &state);
      AddCallEdges(set, &state);
      edges_ += state.bytes.size() + state.calls.size();
      automaton->states.push_back(std::move(state));
      if (sets_.size() > max_states_ || entries_ > kMaxSetEntries || edges_ > kMaxEdges)
        return false;
    }
    return true;
  }

 private:
  // The states reachable by empty moves that can do something by themselves.
  StateSet Closure(const StateSet& from) {
    ++stamp_;
    StateSet todo, closed;
    const auto visit = [&](uint32_t state) {
      if (seen_[state] == stamp_) return;
      seen_[state] = stamp_;
      todo.push_back(state);
    };
    for (const uint32_t state : from) visit(state);
    while (!todo.empty()) {
      const uint32_t state = todo.back();
      todo.pop_back();
      const Nfa::State& node = nfa_.states[state];
      if (state <= 1 || !node.bytes.empty() || !node.calls.empty()) closed.push_back(state);
      for (const uint32_t next : node.empty) visit(next);
    }
    std::sort(closed.begin(), closed.end());
    return closed;
  }

  uint32_t IdOf(const StateSet& targets) {
    StateSet set = Closure(targets);
    const auto [it, added] = ids_.try_emplace(set, static_cast<uint32_t>(sets_.size()));
    if (added) {
      entries_ += set.size() + 1;
      sets_.push_back(std::move(set));
    }
    return it->second;
  }

  void AddByteEdges(const StateSet& set, FlatAutomaton::State* state) {
    if (!deterministic_) {
      for (const uint32_t member : set)
        for (const Grammar::ByteEdge& edge : nfa_.states[member].bytes)
          state->bytes.push_back({edge.first, edge.last, IdOf({edge.target})});
      return;
    }
    for (StateSet& targets : targets_of_byte_) targets.clear();
    for (const uint32_t member : set)
      for (const Grammar::ByteEdge& edge : nfa_.states[member].bytes)
        for (unsigned byte = edge.first; byte <= edge.last; ++byte)
          targets_of_byte_[byte].push_back(edge.target);
    for (unsigned byte = 0; byte < 256; ++byte) {
      StateSet& targets = targets_of_byte_[byte];
      if (targets.empty()) continue;
      const bool as_before = byte > 0 && targets == targets_of_byte_[byte - 1];
      const uint32_t target = as_before ? state->bytes.back().target : IdOf(targets);
      const auto last = static_cast<uint8_t>(byte);
      if (!state->bytes.empty() && state->bytes.back().last + 1u == byte &&
          state->bytes.back().target == target)
        state->bytes.back().last = last;
      else
        state->bytes.push_back({last, last, target});
    }
  }

  void AddCallEdges(const StateSet& set, FlatAutomaton::State* state) {
    absl::flat_hash_map<uint32_t, StateSet> targets_of_call;
    StateSet order;
    for (const uint32_t member : set) {
      for (const Nfa::Call& call : nfa_.states[member].calls) {
        if (!deterministic_) {
          state->calls.push_back({call.symbol, IdOf({call.target})});
          continue;
        }
        StateSet& targets = targets_of_call[call.symbol];
        if (targets.empty()) order.push_back(call.symbol);
        targets.push_back(call.target);
      }
    }
    for (const uint32_t symbol : order)
      state->calls.push_back({symbol, IdOf(targets_of_call[symbol])});
  }

  const Nfa& nfa_;
  const bool deterministic_;
  const size_t max_states_;
  std::vector<uint32_t> seen_;  // the last closure that met a state
  uint32_t stamp_ = 0;
  std::vector<StateSet> sets_;
  absl::flat_hash_map<StateSet, uint32_t> ids_;
  std::array<StateSet, 256> targets_of_byte_;
  size_t entries_ = 0, edges_ = 0;
};

}  // namespace

absl::StatusOr<FlatAutomaton> Flatten(const Nfa& nfa) {
  FlatAutomaton automaton;
  if (Flattener(nfa, true, 2 * nfa.states.size() + 256).Run(&automaton)) return automaton;
  automaton.states.clear();
  if (Flattener(nfa, false, nfa.states.size() + 1).Run(&automaton)) return automaton;
  return absl::ResourceExhaustedError("too many alternatives at once: make the grammar smaller");
}

}  // namespace cria::text
