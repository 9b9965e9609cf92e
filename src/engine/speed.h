// How fast a model runs, and how fast this machine could run it at most: what `llama bench` shows.
#ifndef CRIA_ENGINE_SPEED_H_
#define CRIA_ENGINE_SPEED_H_

#include <cstdint>

#include "base/status.h"
#include "base/thread_pool.h"
#include "engine/machine_limits.h"
#include "model/model.h"

namespace cria::engine {

// What one measurement does. Prefill: `prompt` tokens of one session after `context` tokens, their
// last logits. Decode: `generate` tokens of each of `sessions` sessions, stepped together, each
// after `context` tokens.
struct SpeedCase {
  enum class Kind : uint8_t { kPrefill, kDecode };
  Kind kind = Kind::kPrefill;
  int64_t prompt = 0;    // kPrefill only
  int64_t generate = 0;  // kDecode only
  int64_t sessions = 1;  // kDecode only
  int64_t context = 0;

  int64_t tokens() const { return kind == Kind::kPrefill ? prompt : generate * sessions; }
};

// Seconds for the case once, on tokens from a fixed generator. The context before it is not
// computed: its keys and values are zeros, which cost the same. kInvalidArgument when it doesn't
// fit the model's context, kResourceExhausted when the caches don't fit the memory.
absl::StatusOr<double> TimeCase(const model::Model& model, const SpeedCase& speed_case,
                                model::Workspace& workspace, base::ThreadPool& pool);

// The least seconds that `limits` allow: each multiply-add at the peak of its weights' type (int8
// for quantised weights, attention in f32) or each step's weights, keys and values read once,
// whichever takes longer.
double LeastSeconds(const model::Model& model, const SpeedCase& speed_case,
                    const MachineLimits& limits);

}  // namespace cria::engine

#endif  // CRIA_ENGINE_SPEED_H_
