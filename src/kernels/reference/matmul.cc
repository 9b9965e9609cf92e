// y[n] = sum over k of w[n][k] * x[k] with the exact stored weights and the exact prepared
// activations, in double.
#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/half.h"
#include "kernels/activation_layout.h"
#include "kernels/isa_tables.h"
#include "kernels/packed_layout.h"

namespace cria::kernels::reference {
namespace {

constexpr int64_t kSlice = 256;  // columns
constexpr int64_t kTokens = 16;

// The value that a prepared activation stands for.
double ActivationAt(Activations activations, const uint8_t* prepared, int64_t cols, int64_t k) {
  switch (activations) {
    case Activations::kF32: {
      float value;
      std::memcpy(&value, prepared + 4 * k, sizeof value);
      return static_cast<double>(value);
    }
    case Activations::kBf16: {
      base::bf16 value;
      std::memcpy(&value, prepared + 2 * k, sizeof value);
      return static_cast<double>(base::ToFloat(value));
    }
    case Activations::kInt16Block: {
      const auto& columns = reinterpret_cast<const Int16Columns*>(prepared)[k / kBlockCols];
      const int16_t q = columns.q[Int16Place(static_cast<int>(k % kBlockCols))];
      return static_cast<double>(columns.scale) * static_cast<double>(q);
    }
    case Activations::kInt8Block:
    case Activations::kInt8Pair:
    case Activations::kInt8Token: {
      const auto* header = reinterpret_cast<const Int8TokenHeader*>(prepared);
      const Int8Layout layout = Int8LayoutOf(activations, cols);
      const int64_t block = k / kBlockCols, column = k % kBlockCols;
      const auto value = [&](int64_t part) {
        const auto& columns = reinterpret_cast<const Int8Columns*>(prepared + part)[block];
        const double steps = static_cast<double>(columns.q[column]) -
                             static_cast<double>(part == layout.columns ? header->zero : 0);
        return static_cast<double>(columns.scale) * steps;
      };
      const bool pair = activations != Activations::kInt8Token;
      return value(layout.columns) + (pair ? value(layout.second) : 0);
    }
  }
  return 0;
}

// Adds columns [begin, end) to sums [tokens, 16]; `weights` is [end - begin, 16].
void AddSlice(const MatMulArgs& args, int64_t token, int64_t tokens, int64_t begin, int64_t end,
              const float* weights, double* sums) {
  const size_t stride = PreparedBytes(args.activations, args.weights->cols);
  for (int64_t m = 0; m < tokens; ++m) {
    const uint8_t* prepared = args.prepared + static_cast<size_t>(token + m) * stride;
    double* sum = sums + m * kPanelRows;
    for (int64_t k = begin; k < end; ++k) {
      const double x = ActivationAt(args.activations, prepared, args.weights->cols, k);
      const float* w = weights + (k - begin) * kPanelRows;
      for (int64_t r = 0; r < kPanelRows; ++r) sum[r] += static_cast<double>(w[r]) * x;
    }
  }
}

}  // namespace

void MatMul(const MatMulArgs& args) {
  const PackedMatrix& matrix = *args.weights;
  CRIA_CHECK(Supports(matrix.kind, args.activations));
  for (int64_t panel = args.panel_begin; panel < args.panel_end; ++panel) {
    const int64_t rows = std::min(kPanelRows, matrix.rows - panel * kPanelRows);
    for (int64_t token = 0; token < args.tokens; token += kTokens) {
      const int64_t tokens = std::min(kTokens, args.tokens - token);
      double sums[kTokens * kPanelRows] = {};
      float weights[kSlice * kPanelRows];
      for (int64_t k = 0; k < matrix.cols; k += kSlice) {
        const int64_t end = std::min(matrix.cols, k + kSlice);
        UnpackPanel(matrix, panel, k, end, weights);
        AddSlice(args, token, tokens, k, end, weights, sums);
      }
      for (int64_t m = 0; m < tokens; ++m) {
        float* out = args.out + (token + m) * args.out_stride + panel * kPanelRows;
        for (int64_t r = 0; r < rows; ++r) {
          const auto value = static_cast<float>(sums[m * kPanelRows + r]);
          out[r] = args.accumulate ? out[r] + value : value;
        }
      }
    }
  }
}

}  // namespace cria::kernels::reference
