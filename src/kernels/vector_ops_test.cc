// The ops on vectors and the preparation of activations: every instruction set against the
// reference.
#include <cmath>
#include <cstring>

#include "kernels/activation_layout.h"
#include "kernels/kernels_testing.h"

namespace cria::kernels {
namespace {

const Kernels& Reference() { return *FindKernels("reference"); }

// The tolerances are relative to 1 + |expected|.
void ExpectClose(const std::vector<float>& got, const std::vector<float>& expected,
                 double tolerance, std::string_view what) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], expected[i], tolerance * (1 + std::fabs(expected[i])))
        << what << " at " << i << " of " << got.size();
}

TEST(VectorOpsTest, NormGateAndSumAgreeWithTheReference) {
  for (const Kernels* kernels : RunnableKernels()) {
    for (const int64_t n : {1, 15, 16, 17, 576, 1000}) {
      const std::vector<float> a = Random(n, 31), b = Random(n, 32);
      std::vector<float> expected(a.size()), got(a.size());
      Reference().rms_norm(a.data(), b.data(), 1e-5f, n, expected.data());
      kernels->rms_norm(a.data(), b.data(), 1e-5f, n, got.data());
      ExpectClose(got, expected, 2e-6, kernels->isa);
      std::vector<float> gate = a;
      gate[0] = 200;
      if (n > 2) gate[1] = -200;
      Reference().swiglu(gate.data(), b.data(), n, expected.data());
      kernels->swiglu(gate.data(), b.data(), n, got.data());
      ExpectClose(got, expected, 2e-6, kernels->isa);
      got = expected = a;
      Reference().add(b.data(), n, expected.data());
      kernels->add(b.data(), n, got.data());
      EXPECT_EQ(got, expected) << kernels->isa;
    }
  }
}

// Odd numbers of pairs, and heads of which only a part turns.
TEST(VectorOpsTest, RopeAgreesWithTheReference) {
  constexpr int64_t kHeads = 3;
  for (const Kernels* kernels : RunnableKernels()) {
    for (const auto& [head_dim, rotary] :
         {std::pair{64, 64}, {128, 128}, {80, 80}, {48, 24}, {6, 2}, {34, 34}, {70, 46}}) {
      std::vector<float> cos(static_cast<size_t>(rotary / 2)), sin = cos;
      for (size_t i = 0; i < cos.size(); ++i) {
        cos[i] = std::cos(0.7f * static_cast<float>(i));
        sin[i] = std::sin(0.7f * static_cast<float>(i));
      }
      for (const RopePairing pairing : {RopePairing::kAdjacent, RopePairing::kHalves}) {
        std::vector<float> expected = Random(kHeads * head_dim, 41), got = expected;
        Reference().rope(expected.data(), kHeads, head_dim, rotary, cos.data(), sin.data(),
                         pairing);
        kernels->rope(got.data(), kHeads, head_dim, rotary, cos.data(), sin.data(), pairing);
        ExpectClose(got, expected, 1e-6, kernels->isa);
      }
    }
  }
}

TEST(VectorOpsTest, HadamardAgreesWithTheReferenceAndUndoesItself) {
  for (const Kernels* kernels : RunnableKernels()) {
    for (int64_t n = 1; n <= 8192; n *= 2) {
      const std::vector<float> x = Random(n, 51);
      std::vector<float> expected = x, got = x;
      Reference().hadamard(expected.data(), n);
      kernels->hadamard(got.data(), n);
      ExpectClose(got, expected, 4e-6, kernels->isa);
      kernels->hadamard(got.data(), n);
      ExpectClose(got, x, 4e-6, kernels->isa);
    }
  }
}

std::vector<uint8_t> Prepared(const Kernels& kernels, Activations activations,
                              const std::vector<float>& x) {
  const auto cols = static_cast<int64_t>(x.size());
  const size_t bytes = PreparedBytes(activations, cols);
  base::AlignedBuffer buffer = Bytes(bytes);
  auto* data = const_cast<uint8_t*>(buffer.data());
  std::memset(data, 0xa5, bytes);
  kernels.prepare(activations, x.data(), cols, data);
  return {data, data + bytes};
}

// Bit for bit, padding included: what is prepared by one set may be multiplied by another.
TEST(PrepareTest, EveryIsaPreparesTheSameBytes) {
  for (const Kernels* kernels : RunnableKernels()) {
    for (const int64_t cols : {1, 15, 17, 31, 32, 33, 64, 95, 576, 1000}) {
      std::vector<float> values = Random(cols, static_cast<uint64_t>(cols));
      for (const float scale : {1.0f, 0.0f, 1e-35f, 1e30f}) {
        std::vector<float> x = values;
        for (float& value : x) value *= scale;
        for (const Activations activations :
             {Activations::kF32, Activations::kBf16, Activations::kInt8Block,
              Activations::kInt8Pair, Activations::kInt16Block, Activations::kInt8Token})
          EXPECT_EQ(Prepared(*kernels, activations, x), Prepared(Reference(), activations, x))
              << kernels->isa << " " << Name(activations) << " K " << cols << " scale " << scale;
      }
    }
  }
}

// A value that is no number must not vanish in an integer.
TEST(PrepareTest, NonFiniteActivationsMakeTheScaleNan) {
  for (const Kernels* kernels : RunnableKernels()) {
    for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
      for (const size_t at : {size_t{0}, size_t{40}, size_t{76}}) {
        std::vector<float> x = Random(77, 61);
        x[at] = bad;
        for (const Activations activations :
             {Activations::kInt8Block, Activations::kInt8Pair, Activations::kInt8Token}) {
          const auto bytes = Prepared(*kernels, activations, x);
          Int8Columns columns;
          std::memcpy(&columns,
                      &bytes[static_cast<size_t>(Int8LayoutOf(activations, 77).columns) +
                             at / 32 * sizeof columns],
                      sizeof columns);
          EXPECT_TRUE(std::isnan(columns.scale)) << kernels->isa << " " << Name(activations);
        }
        const auto bytes = Prepared(*kernels, Activations::kInt16Block, x);
        Int16Columns columns;
        std::memcpy(&columns, &bytes[at / 32 * sizeof columns], sizeof columns);
        EXPECT_TRUE(std::isnan(columns.scale)) << kernels->isa;
      }
    }
  }
}

}  // namespace
}  // namespace cria::kernels
