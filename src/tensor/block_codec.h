// Rows of stored elements to float32 and back: the truth about what the bytes of each DType mean.
#ifndef CRIA_TENSOR_BLOCK_CODEC_H_
#define CRIA_TENSOR_BLOCK_CODEC_H_

#include <cstdint>

#include "tensor/dtype.h"

namespace cria::tensor {

// Decodes `count` elements (a multiple of the block size) of `dtype` at `source` into `out`
// [count]. Integers convert by value. `source` needs no alignment. Pure; thread-safe.
void Decode(DType dtype, const uint8_t* source, int64_t count, float* out);

// Encodes `count` finite elements (a multiple of the block size): F32, F16, BF16, Q8_0, Q4_0, Q4_1,
// Q5_0 and Q5_1 by the plain rules of ggml-quants.c (quantize_row_*_ref), Q4_K, Q5_K and Q6_K by
// those of k_quants.h. CHECKs on other types.
void Encode(DType dtype, const float* values, int64_t count, uint8_t* out);

}  // namespace cria::tensor

#endif  // CRIA_TENSOR_BLOCK_CODEC_H_
