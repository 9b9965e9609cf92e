#include "engine/generation_options.h"

#include <cmath>

namespace cria::engine {
namespace {

constexpr int64_t kMaxLogprobs = 1000;
constexpr size_t kMaxStopStrings = 64;

absl::Status OutOfRange(const char* option, const char* expected, double value) {
  return absl::InvalidArgumentError(
      absl::StrCat(option, ": expected ", expected, ", found ", value));
}

}  // namespace

absl::Status Validate(const GenerationOptions& options, int64_t vocab) {
  const auto finite_at_least = [](double value, double low) {
    return std::isfinite(value) && value >= low;
  };
  if (!finite_at_least(options.temperature, 0))
    return OutOfRange("temperature", "a number from 0 on", options.temperature);
  if (!(options.top_p > 0 && options.top_p <= 1))
    return OutOfRange("top_p", "above 0, up to 1", options.top_p);
  if (options.top_k < 0)
    return OutOfRange("top_k", "0 (off) or more", static_cast<double>(options.top_k));
  if (!(options.min_p >= 0 && options.min_p <= 1))
    return OutOfRange("min_p", "0 to 1", options.min_p);
  if (!(std::isfinite(options.repetition_penalty) && options.repetition_penalty > 0))
    return OutOfRange("repetition_penalty", "a number above 0", options.repetition_penalty);
  if (!std::isfinite(options.frequency_penalty))
    return OutOfRange("frequency_penalty", "a finite number", options.frequency_penalty);
  if (!std::isfinite(options.presence_penalty))
    return OutOfRange("presence_penalty", "a finite number", options.presence_penalty);
  if (options.max_tokens && *options.max_tokens < 0)
    return OutOfRange("max_tokens", "0 or more", static_cast<double>(*options.max_tokens));
  if (options.logprobs < -1 || options.logprobs > kMaxLogprobs)
    return OutOfRange("logprobs", "0 to 1000", static_cast<double>(options.logprobs));
  if (options.stop.size() > kMaxStopStrings)
    return OutOfRange("stop", "at most 64 texts", static_cast<double>(options.stop.size()));
  for (const std::string& stop : options.stop)
    if (stop.empty())
      return absl::InvalidArgumentError("stop: expected a text, found an empty one");
  for (const auto& [id, bias] : options.logit_bias) {
    if (id < 0 || id >= vocab)
      return absl::InvalidArgumentError(
          absl::StrCat("logit_bias: token id ", id, " is outside the vocabulary [0, ", vocab, ")"));
    if (std::isnan(bias))
      return absl::InvalidArgumentError(absl::StrCat("logit_bias: id ", id, " has no number"));
  }
  return absl::OkStatus();
}

}  // namespace cria::engine
