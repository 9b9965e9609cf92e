#include "kernels/matmul.h"

#include "base/checked_math.h"
#include "kernels/activation_layout.h"
#include "kernels/packed_layout.h"

namespace cria::kernels {

std::string_view Name(Activations activations) {
  switch (activations) {
    case Activations::kF32:
      return "f32";
    case Activations::kBf16:
      return "bf16";
    case Activations::kInt8Block:
      return "int8_block";
    case Activations::kInt8Pair:
      return "int8_pair";
    case Activations::kInt16Block:
      return "int16_block";
    case Activations::kInt8Token:
      return "int8_token";
  }
  return "unknown";
}

bool Supports(WeightKind kind, Activations activations) {
  switch (activations) {
    case Activations::kF32:
      return true;
    case Activations::kBf16:
      return kind == WeightKind::kBf16;
    case Activations::kInt8Block:
    case Activations::kInt8Pair:
    case Activations::kInt16Block:
      return !IsFloatKind(kind);
    case Activations::kInt8Token:
      return IsGroupKind(kind);
  }
  return false;
}

size_t PreparedBytes(Activations activations, int64_t cols) {
  switch (activations) {
    case Activations::kF32:
      return static_cast<size_t>(4 * base::RoundUp(cols, 16));
    case Activations::kBf16:
      return static_cast<size_t>(2 * base::RoundUp(cols, 32));
    case Activations::kInt8Block:
    case Activations::kInt8Pair:
    case Activations::kInt8Token:
      return static_cast<size_t>(Int8LayoutOf(activations, cols).bytes);
    case Activations::kInt16Block:
      return static_cast<size_t>(base::RoundUp(
          base::CeilDiv(cols, kBlockCols) * static_cast<int64_t>(sizeof(Int16Columns)), 64));
  }
  return 0;
}

}  // namespace cria::kernels
