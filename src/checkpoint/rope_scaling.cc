#include "checkpoint/rope_scaling.h"

#include <cmath>
#include <numbers>

namespace cria::checkpoint {

double ScaleLlama3(double frequency, const RopeScaling& scaling) {
  const auto context = static_cast<double>(scaling.original_context);
  const double wavelength = 2.0 * std::numbers::pi / frequency;
  if (wavelength < context / scaling.high_freq_factor) return frequency;
  if (wavelength > context / scaling.low_freq_factor) return frequency / scaling.factor;
  const double smooth = (context / wavelength - scaling.low_freq_factor) /
                        (scaling.high_freq_factor - scaling.low_freq_factor);
  return (1.0 - smooth) * frequency / scaling.factor + smooth * frequency;
}

double RopeFrequency(const ModelConfig& config, int64_t i) {
  return std::pow(config.rope_theta,
                  -2.0 * static_cast<double>(i) / static_cast<double>(config.rotary_dim));
}

std::vector<float> Llama3Divisors(const ModelConfig& config) {
  std::vector<float> divisors;
  for (int64_t i = 0; i < config.rotary_dim / 2; ++i) {
    const double frequency = RopeFrequency(config, i);
    divisors.push_back(static_cast<float>(frequency / ScaleLlama3(frequency, config.rope_scaling)));
  }
  return divisors;
}

}  // namespace cria::checkpoint
