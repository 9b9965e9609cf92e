#include "model/rope_table.h"

#include <cmath>

#include "checkpoint/rope_scaling.h"

namespace cria::model {

using checkpoint::RopeScaling;

std::vector<float> RopeFrequencies(const checkpoint::ModelConfig& config) {
  std::vector<float> frequencies;
  for (int64_t i = 0; i < config.rotary_dim / 2; ++i) {
    double frequency = checkpoint::RopeFrequency(config, i);
    switch (config.rope_scaling.type) {
      case RopeScaling::Type::kNone:
        break;
      case RopeScaling::Type::kLinear:
        frequency /= config.rope_scaling.factor;
        break;
      case RopeScaling::Type::kLlama3:
        frequency = checkpoint::ScaleLlama3(frequency, config.rope_scaling);
        break;
    }
    if (!config.rope_divisors.empty())
      frequency /= static_cast<double>(config.rope_divisors[static_cast<size_t>(i)]);
    frequencies.push_back(static_cast<float>(frequency));
  }
  return frequencies;
}

void RopeTable::Fill(int64_t position, float* cos, float* sin) const {
  for (size_t i = 0; i < frequencies_.size(); ++i) {
    const double angle = static_cast<double>(position) * static_cast<double>(frequencies_[i]);
    cos[i] = static_cast<float>(std::cos(angle));
    sin[i] = static_cast<float>(std::sin(angle));
  }
}

}  // namespace cria::model
