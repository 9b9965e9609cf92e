// Runs a Grammar byte by byte: a nondeterministic pushdown automaton whose steps are remembered.
#ifndef CRIA_TEXT_GRAMMAR_PDA_H_
#define CRIA_TEXT_GRAMMAR_PDA_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "text/grammar_automaton.h"
#include "text/grammar_builder.h"

namespace cria::text {

// A configuration is the set of all stacks that a text can lead to. Stacks are interned lists that
// share their lower parts, configurations are interned sets of stacks, so both are numbers, and a
// step from a configuration by a byte is one look into a table once it has been made. One thread at
// a time.
class GrammarPda {
 public:
  using ConfigId = uint32_t;
  using StackId = uint32_t;
  static constexpr ConfigId kDead = 0;       // no stack: the text is outside the grammar
  static constexpr StackId kEmptyStack = 0;  // everything was returned from: the text may end here

  // How large the tables may grow. Beyond `max_stacks_per_config` a configuration counts as dead,
  // see exhausted().
  static constexpr size_t kMaxStacksPerConfig = 4096;
  static constexpr size_t kMaxConfigs = size_t{1} << 15;
  static constexpr size_t kMaxStacks = size_t{1} << 20;

  explicit GrammarPda(std::shared_ptr<const Grammar> grammar);

  ConfigId Start();
  ConfigId Step(ConfigId config, uint8_t byte) {
    const ConfigId next = next_[size_t{config} << 8 | byte];
    return next != kUnknown ? next : MakeStep(config, byte);
  }
  bool CanEnd(ConfigId config) const { return configs_[config].can_end; }

  // The entries of the deepest stack of a configuration, and of one stack.
  uint32_t Depth(ConfigId config) const { return configs_[config].depth; }
  uint32_t StackDepth(StackId stack) const { return depths_[stack]; }
  uint32_t max_depth() const { return grammar_->max_stack_depth(); }

  // Every stack of a configuration, cut in two: the state at its top together with the counters of
  // the repetitions that it stands in, and what that returns to. What the top allows depends on
  // nothing below the cut until it returns.
  struct Part {
    ConfigId head = kDead;  // all tops over the same rest, as a configuration over the empty stack
    StackId rest = kEmptyStack;
  };
  // Counts above `reach` are taken as unlimited: no text of `reach` bytes can tell the difference.
  std::vector<Part> Split(ConfigId config, uint32_t reach);
  ConfigId Return(StackId rest);

  // A head whose stacks all stand in the same single repetition or in none, with other counts in
  // it: what is left of them are `min` and `max`.
  struct Counted {
    ConfigId free = kDead;  // any number may follow: allows all that the head does; kDead: not one
                            // such repetition
    ConfigId inside = kDead;  // the repetition never ends; kDead if min is 0
    uint32_t min = 0, max = 0;
  };
  Counted CountsOf(ConfigId head);

  // True once a limit was met: then some texts of the grammar are not allowed any more.
  bool exhausted() const { return exhausted_; }
  // True when the tables are so full that they should be made anew.
  bool full() const { return configs_.size() > kMaxConfigs / 2 || stacks_.size() > kMaxStacks / 2; }
  // Forgets everything but this configuration, and returns its new id.
  ConfigId Compact(ConfigId config);

 private:
  static constexpr ConfigId kUnknown = UINT32_MAX;
  static constexpr uint32_t kNever = UINT32_MAX;  // as `min`: the repetition goes on for ever

  // One entry of a stack: a state to go on at, or a repetition to go on with.
  struct Entry {
    uint32_t where = 0;  // a state; for repetitions the index of their call edge
    uint32_t min = 0;    // repetitions: how many more there must be
    uint32_t max = 0;    //              and may be
    bool repetition = false;
    StackId below = kEmptyStack;
    bool operator==(const Entry&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Entry& e) {
      return H::combine(std::move(h), e.where, e.min, e.max, e.repetition, e.below);
    }
  };
  struct Config {
    std::vector<StackId>
        stacks;          // sorted; each has a state with byte edges on top, or is the empty stack
    uint32_t depth = 0;  // of the deepest of them
    bool can_end = false;
  };

  void Clear();
  StackId Intern(const Entry& entry);
  ConfigId InternConfig(std::vector<StackId> stacks);
  ConfigId MakeStep(ConfigId config, uint8_t byte);
  // Follow calls and returns from here until bytes must be read; what is found is added to found_.
  void VisitState(uint32_t state, StackId below);
  void VisitReturn(StackId stack);
  void VisitRepetition(const Entry& repetition);
  ConfigId FinishVisits();
  StackId CopyTop(StackId stack, uint32_t reach, StackId* rest);

  std::shared_ptr<const Grammar> grammar_;
  std::vector<Entry> stacks_;     // by id
  std::vector<uint32_t> depths_;  // by id
  absl::flat_hash_map<Entry, StackId> stack_ids_;
  std::vector<Config> configs_;  // by id
  absl::flat_hash_map<std::vector<StackId>, ConfigId> config_ids_;
  std::vector<ConfigId> next_;  // [configs, 256]
  absl::flat_hash_map<StackId, ConfigId> returns_;
  bool exhausted_ = false;

  // While a configuration is being made.
  absl::flat_hash_set<StackId> visited_;
  std::vector<StackId> todo_;
  std::vector<StackId> found_;
};

}  // namespace cria::text

#endif  // CRIA_TEXT_GRAMMAR_PDA_H_
