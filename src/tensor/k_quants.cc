#include "tensor/k_quants.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace cria::tensor {
namespace {

using base::ToF16;
using base::ToFloat;

constexpr int kFitRounds = 8;

int Nearest(float value, int low, int high) {
  return std::clamp(static_cast<int>(std::lround(value)), low, high);
}

float Inverse(float value) { return value != 0 ? 1.0f / value : 0.0f; }

// x ~ scale * level - minimum with 0 <= level <= top and scale, minimum >= 0.
struct Affine {
  float scale = 0;
  float minimum = 0;
};

float SquareError(const float* x, int n, int top, const Affine& fit) {
  const float inverse = Inverse(fit.scale);
  float error = 0;
  for (int i = 0; i < n; ++i) {
    const auto level = static_cast<float>(Nearest((x[i] + fit.minimum) * inverse, 0, top));
    const float difference = fit.scale * level - fit.minimum - x[i];
    error += difference * difference;
  }
  return error;
}

// The least squares for the levels that `fit` gives.
Affine Refit(const float* x, int n, int top, const Affine& fit) {
  const float inverse = Inverse(fit.scale);
  float levels = 0, squares = 0, sum = 0, products = 0;
  for (int i = 0; i < n; ++i) {
    const auto level = static_cast<float>(Nearest((x[i] + fit.minimum) * inverse, 0, top));
    levels += level;
    squares += level * level;
    sum += x[i];
    products += level * x[i];
  }
  const auto count = static_cast<float>(n);
  const float determinant = count * squares - levels * levels;
  if (determinant <= 0) return fit;
  Affine better;
  better.scale = (count * products - levels * sum) / determinant;
  better.minimum = (levels * products - squares * sum) / determinant;
  if (better.minimum < 0) {  // the format has no negative minima: through the origin
    better.minimum = 0;
    better.scale = products / squares;
  }
  return better.scale > 0 ? better : fit;
}

Affine FitAffine(const float* x, int n, int top) {
  const auto [low, high] = std::minmax_element(x, x + n);
  Affine fit;
  fit.minimum = std::max(0.0f, -*low);
  fit.scale = std::max(0.0f, *high + fit.minimum) / static_cast<float>(top);
  if (fit.scale == 0) return fit;
  Affine best = fit;
  float least = SquareError(x, n, top, best);
  for (int round = 0; round < kFitRounds; ++round) {
    fit = Refit(x, n, top, fit);
    const float error = SquareError(x, n, top, fit);
    if (error >= least) break;
    least = error;
    best = fit;
  }
  return best;
}

// The inverse of UnpackScaleMin.
void PackScaleMin(const int scale[8], const int minimum[8], uint8_t packed[12]) {
  std::memset(packed, 0, 12);
  const auto put = [packed](int at, int bits) {
    packed[at] = static_cast<uint8_t>(packed[at] | bits);
  };
  for (int j = 0; j < 8; ++j) {
    if (j < 4) {
      put(j, scale[j]);
      put(j + 4, minimum[j]);
    } else {
      put(j + 4, (scale[j] & 15) | ((minimum[j] & 15) << 4));
      put(j - 4, (scale[j] >> 4) << 6);
      put(j, (minimum[j] >> 4) << 6);
    }
  }
}

// Everything but the bits above the nibbles, which `put_high(sub_block, element, bits)` takes.
template <typename Block, typename PutHigh>
void EncodeK(const float* x, int top, Block* block, PutHigh put_high) {
  std::memset(block, 0, sizeof *block);
  Affine fits[8];
  float largest_scale = 0, largest_minimum = 0;
  for (int s = 0; s < 8; ++s) {
    fits[s] = FitAffine(x + 32 * s, 32, top);
    largest_scale = std::max(largest_scale, fits[s].scale);
    largest_minimum = std::max(largest_minimum, fits[s].minimum);
  }
  block->d = ToF16(largest_scale / 63);
  block->dmin = ToF16(largest_minimum / 63);
  const float d = ToFloat(block->d), dmin = ToFloat(block->dmin);
  int scale[8], minimum[8];
  for (int s = 0; s < 8; ++s) {
    scale[s] = Nearest(fits[s].scale * Inverse(d), 0, 63);
    minimum[s] = Nearest(fits[s].minimum * Inverse(dmin), 0, 63);
    const float inverse = Inverse(d * static_cast<float>(scale[s]));
    const float shift = dmin * static_cast<float>(minimum[s]);
    uint8_t* q = block->q + 32 * (s / 2);
    for (int l = 0; l < 32; ++l) {
      const int level = Nearest((x[32 * s + l] + shift) * inverse, 0, top);
      q[l] = static_cast<uint8_t>(q[l] | ((level & 15) << (s % 2 == 0 ? 0 : 4)));
      put_high(s, l, level >> 4);
    }
  }
  PackScaleMin(scale, minimum, block->scales);
}

// x ~ scale * level with -32 <= level <= 31; the scale may be negative, so that the value of
// largest magnitude can have the longer side.
float FitSymmetric(const float* x, int n) {
  float extreme = 0;
  for (int i = 0; i < n; ++i)
    if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
  float scale = extreme / -32;
  float best = scale, least = -1;
  for (int round = 0; round <= kFitRounds && scale != 0; ++round) {
    float error = 0, squares = 0, products = 0;
    for (int i = 0; i < n; ++i) {
      const auto level = static_cast<float>(Nearest(x[i] / scale, -32, 31));
      const float difference = scale * level - x[i];
      error += difference * difference;
      squares += level * level;
      products += level * x[i];
    }
    if (least >= 0 && error >= least) break;
    least = error;
    best = scale;
    if (squares == 0) break;
    scale = products / squares;
  }
  return best;
}

}  // namespace

void EncodeQ4K(const float* values, BlockQ4K* block) {
  EncodeK(values, 15, block, [](int, int, int) {});
}

void EncodeQ5K(const float* values, BlockQ5K* block) {
  EncodeK(values, 31, block, [block](int s, int l, int bits) {
    block->high[l] = static_cast<uint8_t>(block->high[l] | (bits << s));
  });
}

void EncodeQ6K(const float* values, BlockQ6K* block) {
  std::memset(block, 0, sizeof *block);
  float scales[16], largest = 0;
  for (int s = 0; s < 16; ++s) {
    scales[s] = FitSymmetric(values + 16 * s, 16);
    largest = std::max(largest, std::fabs(scales[s]));
  }
  block->d = ToF16(largest / 127);
  const float d = ToFloat(block->d);
  for (int i = 0; i < 256; ++i) {
    int8_t& scale = block->scales[i / 16];
    if (i % 16 == 0) scale = static_cast<int8_t>(Nearest(scales[i / 16] * Inverse(d), -127, 127));
    const float inverse = Inverse(d * static_cast<float>(scale));
    const int level = Nearest(values[i] * inverse, -32, 31) + 32;
    const int half = i / 128, quarter = i % 128 / 32, column = i % 32;
    uint8_t& low = block->low[64 * half + (quarter % 2) * 32 + column];
    low = static_cast<uint8_t>(low | ((level & 15) << (quarter < 2 ? 0 : 4)));
    uint8_t& high = block->high[32 * half + column];
    high = static_cast<uint8_t>(high | ((level >> 4) << (2 * quarter)));
  }
}

}  // namespace cria::tensor
