// Values to the blocks of 256 with two levels of scales (Q4_K, Q5_K, Q6_K).
#ifndef CRIA_TENSOR_K_QUANTS_H_
#define CRIA_TENSOR_K_QUANTS_H_

#include "tensor/blocks.h"

namespace cria::tensor {

// Each encodes 256 finite values. Scales (and minima) of the sub-blocks are fitted by alternating
// between the nearest levels and the least squares for them, then rounded to what the block can
// hold, and the levels are chosen anew for the rounded ones. Pure; thread-safe.
void EncodeQ4K(const float* values, BlockQ4K* block);
void EncodeQ5K(const float* values, BlockQ5K* block);
void EncodeQ6K(const float* values, BlockQ6K* block);

}  // namespace cria::tensor

#endif  // CRIA_TENSOR_K_QUANTS_H_
