#include "model/rope_table.h"

#include <cmath>
#include <numbers>

namespace cria::model {
namespace {

using checkpoint::RopeScaling;

double ScaledLlama3(double frequency, const RopeScaling& scaling) {
  const auto context = static_cast<double>(scaling.original_context);
  const double wavelength = 2.0 * std::numbers::pi / frequency;
  if (wavelength < context / scaling.high_freq_factor) return frequency;
  if (wavelength > context / scaling.low_freq_factor) return frequency / scaling.factor;
  const double smooth = (context / wavelength - scaling.low_freq_factor) /
                        (scaling.high_freq_factor - scaling.low_freq_factor);
  return (1.0 - smooth) * frequency / scaling.factor + smooth * frequency;
}

}  // namespace

std::vector<float> RopeFrequencies(const checkpoint::ModelConfig& config) {
  std::vector<float> frequencies;
  for (int64_t i = 0; i < config.rotary_dim / 2; ++i) {
    double frequency = std::pow(
        config.rope_theta, -2.0 * static_cast<double>(i) / static_cast<double>(config.rotary_dim));
    switch (config.rope_scaling.type) {
      case RopeScaling::Type::kNone:
        break;
      case RopeScaling::Type::kLinear:
        frequency /= config.rope_scaling.factor;
        break;
      case RopeScaling::Type::kLlama3:
        frequency = ScaledLlama3(frequency, config.rope_scaling);
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
