// The arithmetic of an encoder that is no product of matrices: on one row each, in plain C++ that
// compilers turn into vector code. Pure; any thread. A result depends on the row alone.
#ifndef CRIA_MODEL_ENCODER_OPS_H_
#define CRIA_MODEL_ENCODER_OPS_H_

#include <cstdint>

namespace cria::model {

// x <- (x - mean(x)) / sqrt(var(x) + eps) * weight + bias, all [n], var of the whole population
// (Ba, Kiros, Hinton: "Layer Normalization", 2016).
void LayerNorm(const float* weight, const float* bias, double eps, int64_t n, float* x);

// x[i] <- x[i] Phi(x[i]), Phi of the normal distribution (Hendrycks, Gimpel: "Gaussian Error Linear
// Units", 2016), within 2e-6.
void Gelu(int64_t n, float* x);

}  // namespace cria::model

#endif  // CRIA_MODEL_ENCODER_OPS_H_
