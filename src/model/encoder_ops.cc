#include "model/encoder_ops.h"

#include <algorithm>
#include <cmath>

namespace cria::model {
namespace {

// The sum of value(i) for i in [0, n), in an order that leaves room for vectors.
template <typename Value>
double Sum(int64_t n, Value value) {
  constexpr int64_t kLanes = 8;
  double sums[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane) sums[lane] += value(i + lane);
  for (; i < n; ++i) sums[0] += value(i);
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

// erf(z) / z for z in [0, 4] as a polynomial of z^2 / 8 - 1, the highest power first: the Chebyshev
// series of degree 16. Beyond 4 the error function is 1 in float.
constexpr float kErfEnd = 4;
constexpr float kErf[] = {5.964250886e-04f, -1.372815110e-03f, 6.166107487e-04f, -1.076942077e-03f,
                          5.577363539e-03f, -1.008590683e-02f, 1.390814595e-02f, -2.166253142e-02f,
                          3.321700171e-02f, -4.601432011e-02f, 5.985599384e-02f, -7.468753308e-02f,
                          9.021203965e-02f, -1.077133641e-01f, 1.316750050e-01f, -1.765761673e-01f,
                          3.535310030e-01f};

}  // namespace

void LayerNorm(const float* weight, const float* bias, double eps, int64_t n, float* x) {
  const auto count = static_cast<double>(n);
  const double mean = Sum(n, [x](int64_t i) { return static_cast<double>(x[i]); }) / count;
  const double variance = Sum(n,
                              [x, mean](int64_t i) {
                                const double difference = static_cast<double>(x[i]) - mean;
                                return difference * difference;
                              }) /
                          count;
  const double scale = 1.0 / std::sqrt(variance + eps);
  for (int64_t i = 0; i < n; ++i)
    x[i] = static_cast<float>((static_cast<double>(x[i]) - mean) * scale) * weight[i] + bias[i];
}

void Gelu(int64_t n, float* x) {
  constexpr float kInverseSqrt2 = 0.707106781f;
  for (int64_t i = 0; i < n; ++i) {
    const float z = std::min(std::fabs(x[i]) * kInverseSqrt2, kErfEnd);
    const float t = z * z * (2 / (kErfEnd * kErfEnd)) - 1;
    float ratio = 0;
    for (const float coefficient : kErf) ratio = ratio * t + coefficient;
    x[i] = 0.5f * x[i] * (1 + std::copysign(z * ratio, x[i]));
  }
}

}  // namespace cria::model
