// What a Grammar is inside: one automaton over bytes for each rule, with edges that call other
// rules.
#ifndef CRIA_TEXT_GRAMMAR_AUTOMATON_H_
#define CRIA_TEXT_GRAMMAR_AUTOMATON_H_

#include <cstdint>
#include <span>
#include <vector>

#include "text/grammar.h"

namespace cria::text {

// A recursive transition network (Woods, "Transition Network Grammars for Natural Language
// Analysis", CACM 13(10), 1970) over bytes. Guaranteed by the compiler: from every state the end
// can be reached; no called rule matches the empty text (a call that may be skipped has a way
// around it instead), so every call consumes a byte; no call leads back to itself without consuming
// a byte. Immutable; share freely.
class Grammar {
 public:
  struct ByteEdge {
    uint8_t first = 0, last = 0;  // both included
    uint32_t target = 0;
  };
  // Run the rule whose automaton begins at `start` at least `min` (>= 1) and at most `max` times,
  // then go on at `next`.
  struct CallEdge {
    uint32_t start = 0;
    uint32_t min = 1, max = 1;
    uint32_t next = 0;
    bool tail = false;  // nothing happens at `next` but the return: no need to remember it
    bool counted() const { return min != 1 || max != 1; }
  };
  struct State {
    uint32_t bytes = 0,
             calls = 0;  // where its edges begin; they end where those of the next state begin
    bool final = false;
  };

  uint32_t start() const { return start_; }
  uint32_t max_stack_depth() const { return max_stack_depth_; }
  size_t state_count() const { return states_.size() - 1; }
  bool final(uint32_t state) const { return states_[state].final; }
  std::span<const ByteEdge> bytes(uint32_t state) const {
    return {byte_edges_.data() + states_[state].bytes,
            byte_edges_.data() + states_[state + 1].bytes};
  }
  std::span<const CallEdge> calls(uint32_t state) const {
    return {call_edges_.data() + states_[state].calls,
            call_edges_.data() + states_[state + 1].calls};
  }
  const CallEdge& call(uint32_t index) const { return call_edges_[index]; }
  uint32_t first_call(uint32_t state) const { return states_[state].calls; }

 private:
  friend class GrammarCompiler;
  std::vector<State> states_;  // and one more, that only ends the edges of the last
  std::vector<ByteEdge> byte_edges_;
  std::vector<CallEdge> call_edges_;
  uint32_t start_ = 0;
  uint32_t max_stack_depth_ = 0;
};

}  // namespace cria::text

#endif  // CRIA_TEXT_GRAMMAR_AUTOMATON_H_
