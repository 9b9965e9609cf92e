// A small random generator whose sequence is fixed by its seed on every platform (std::
// distributions are not).
#ifndef CRIA_BASE_RNG_H_
#define CRIA_BASE_RNG_H_

#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace cria::base {

// xoshiro256** seeded by splitmix64 (Blackman, Vigna: "Scrambled Linear Pseudorandom Number
// Generators", 2021). One thread at a time. Copyable: a copy continues the same sequence.
class Rng {
 public:
  explicit Rng(uint64_t seed) {
    for (uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15ull;
      uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
      word = z ^ (z >> 31);
    }
  }

  uint64_t Next() {
    const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  // Uniform in [0, 1), 53 bits.
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

  // Uniform in [0, bound), bound > 0. The bias of the multiply-shift is below 2^-32 for bounds
  // below 2^32.
  uint32_t Below(uint32_t bound) { return static_cast<uint32_t>(((Next() >> 32) * bound) >> 32); }

  // Standard normal (Box-Muller, one of the pair).
  double Normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - Uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * Uniform());
  }

 private:
  uint64_t state_[4];
};

}  // namespace cria::base

#endif  // CRIA_BASE_RNG_H_
