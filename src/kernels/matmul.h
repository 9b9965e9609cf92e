// y = x W^T for packed weights: prepare the activations of each token once, then multiply any range
// of panels.
#ifndef CRIA_KERNELS_MATMUL_H_
#define CRIA_KERNELS_MATMUL_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kernels/packed_matrix.h"

namespace cria::kernels {

// How activations enter a product.
enum class Activations : uint8_t {
  kF32,         // as they are
  kBf16,        // rounded to bfloat16; products and sums in float32
  kInt8Block,   // symmetric int8, one scale per 32 values: s = absmax / 127, q = rne(x / s). Blocks
                // whose scale is at least kSecondPartLimit times the root mean square of all get a
                // second part for what rounding left: r = clamp(rne(256 (x / s - q)), -127, 127),
                // x ~ s (q + r / 256). Rounding errors grow with the scale: these few blocks hold
                // most of a token's error
  kInt8Pair,    // the same with a second part for every block: 16 bits
  kInt16Block,  // symmetric int16, one scale per 32 values: s = absmax / 32767, q = rne(x / s). For
                // instruction sets that multiply 16 bits as fast as two int8 parts
  kInt8Token,   // asymmetric int8, one scale and zero point per token (torchao per-token dynamic
                // quantisation): lo = min(0, x), hi = max(0, x), s = max((hi - lo) / 255, 2^-23), z
                // = clamp(-128 - rne(lo / s)), q = clamp(rne(x / s) + z, -128, 127)
};
constexpr double kSecondPartLimit = 2;
std::string_view Name(Activations activations);

// Which kinds can be multiplied with which activations. kF32 works with every kind. kBf16: kBf16
// weights. kInt8Block, kInt8Pair, kInt16Block: the GGUF integer kinds, kInt4Group and kInt8Group.
// kInt8Token: kInt4Group and kInt8Group.
bool Supports(WeightKind kind, Activations activations);

// Bytes of one prepared token, a multiple of 64. The layout is the same for every ISA.
size_t PreparedBytes(Activations activations, int64_t cols);

struct MatMulArgs {
  const PackedMatrix* weights = nullptr;  // [N, K]
  Activations activations = Activations::kF32;
  const uint8_t* prepared = nullptr;  // [M] tokens of PreparedBytes() each, 64-byte aligned
  int64_t tokens = 0;                 // M >= 0
  float* out = nullptr;               // [M, out_stride]; row i of W goes to column i
  int64_t out_stride = 0;             // floats between tokens
  bool accumulate = false;            // out += instead of out =
  int64_t panel_begin = 0,
          panel_end = 0;  // which panels of 16 rows; only columns below N are written
};

}  // namespace cria::kernels

#endif  // CRIA_KERNELS_MATMUL_H_
