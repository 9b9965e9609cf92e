// Every instruction set against the reference, on the same packed weights and prepared activations.
#include <cmath>
#include <cstring>

#include "base/half.h"
#include "kernels/kernels_testing.h"
#include "tensor/block_codec.h"
#include "tensor/tensor.h"

namespace cria::kernels {
namespace {

using tensor::DType;

struct Kind {
  WeightKind kind;
  DType dtype;
  int64_t block;  // K is a multiple of it
};

constexpr Kind kKinds[] = {
    {WeightKind::kF32, DType::kF32, 1},      {WeightKind::kF16, DType::kF16, 1},
    {WeightKind::kBf16, DType::kBf16, 1},    {WeightKind::kQ8_0, DType::kQ8_0, 32},
    {WeightKind::kQ4_0, DType::kQ4_0, 32},   {WeightKind::kQ4_1, DType::kQ4_1, 32},
    {WeightKind::kQ5_0, DType::kQ5_0, 32},   {WeightKind::kQ5_1, DType::kQ5_1, 32},
    {WeightKind::kQ4K, DType::kQ4K, 256},    {WeightKind::kQ5K, DType::kQ5K, 256},
    {WeightKind::kQ6K, DType::kQ6K, 256},    {WeightKind::kInt4Group, DType::kI8, 32},
    {WeightKind::kInt8Group, DType::kI8, 32}};

// Random rows as a file would hold them, with the values that they stand for.
struct Weights {
  std::vector<uint8_t> stored;
  std::vector<float> scales;  // group kinds
  std::vector<float> values;  // [N, K]
  WeightSource source;
};

void SetHalf(uint8_t* at, double value) {
  const base::f16 half = base::ToF16(static_cast<float>(value));
  std::memcpy(at, &half, sizeof half);
}

// Random bits are valid quants; only the scales of a block must be sane numbers.
void RandomBlocks(const Kind& kind, std::vector<uint8_t>* stored, base::Rng& rng) {
  for (uint8_t& byte : *stored) byte = static_cast<uint8_t>(rng.Next() >> 33);
  const auto bytes = static_cast<size_t>(tensor::Info(kind.dtype).block_bytes);
  for (size_t at = 0; at < stored->size(); at += bytes) {
    uint8_t* block = stored->data() + at;
    const bool has_min = kind.kind == WeightKind::kQ4_1 || kind.kind == WeightKind::kQ5_1 ||
                         kind.kind == WeightKind::kQ4K || kind.kind == WeightKind::kQ5K;
    SetHalf(kind.kind == WeightKind::kQ6K ? block + bytes - 2 : block, 0.01 * rng.Normal());
    if (has_min) SetHalf(block + 2, 0.01 * rng.Normal());
  }
}

Weights MakeWeights(const Kind& kind, int64_t rows, int64_t cols, int64_t group, uint64_t seed) {
  Weights w;
  base::Rng rng(seed);
  w.stored.resize(*tensor::ByteSize(kind.dtype, {rows, cols}));
  w.values.resize(static_cast<size_t>(rows * cols));
  const bool grouped = kind.dtype == DType::kI8;
  if (grouped) {
    const bool four = kind.kind == WeightKind::kInt4Group;
    for (uint8_t& byte : w.stored)
      byte = static_cast<uint8_t>(four ? rng.Below(16) - 8 : rng.Below(256) - 128);
    w.scales = Random(rows * cols / group, seed + 1);
  } else if (kind.block > 1) {
    RandomBlocks(kind, &w.stored, rng);
  } else {
    tensor::Encode(kind.dtype, Random(rows * cols, seed).data(), rows * cols, w.stored.data());
  }
  tensor::Decode(kind.dtype, w.stored.data(), rows * cols, w.values.data());
  for (int64_t i = 0; grouped && i < rows * cols; ++i)
    w.values[static_cast<size_t>(i)] *= w.scales[static_cast<size_t>(i / group)];
  w.source = {kind.kind,
              rows,
              cols,
              grouped ? group : 0,
              w.stored.data(),
              reinterpret_cast<const uint8_t*>(w.scales.data())};
  return w;
}

struct Packed {
  base::AlignedBuffer bytes;
  PackedMatrix matrix;
};

Packed Pack(const WeightSource& source) {
  Packed packed;
  packed.matrix = {source.kind, source.rows, source.cols, source.group, nullptr};
  packed.bytes = Bytes(static_cast<size_t>(packed.matrix.panels()) *
                       PanelBytes(source.kind, source.cols, source.group));
  PackPanels(source, 0, packed.matrix.panels(), packed.bytes.data());
  packed.matrix.data = packed.bytes.data();
  return packed;
}

struct Part {
  int64_t panel_begin, panel_end;
  bool accumulate;
};

// The panels of `part` of out [M, N] by `kernels`, in one call.
void Multiply(const Kernels& kernels, const PackedMatrix& matrix, Activations activations,
              const std::vector<float>& x, const Part& part, std::vector<float>* out) {
  const int64_t tokens = static_cast<int64_t>(out->size()) / matrix.rows;
  const size_t stride = PreparedBytes(activations, matrix.cols);
  const base::AlignedBuffer prepared = Bytes(stride * static_cast<size_t>(tokens) + 64);
  for (int64_t m = 0; m < tokens; ++m)
    kernels.prepare(activations, x.data() + m * matrix.cols, matrix.cols,
                    const_cast<uint8_t*>(prepared.data()) + stride * static_cast<size_t>(m));
  MatMulArgs args;
  args.weights = &matrix;
  args.activations = activations;
  args.prepared = prepared.data();
  args.tokens = tokens;
  args.out = out->data();
  args.out_stride = matrix.rows;
  args.accumulate = part.accumulate;
  args.panel_begin = part.panel_begin;
  args.panel_end = part.panel_end;
  kernels.matmul(args);
}

// All of out [M, N].
std::vector<float> Multiply(const Kernels& kernels, const PackedMatrix& matrix,
                            Activations activations, const std::vector<float>& x, int64_t tokens) {
  std::vector<float> out(static_cast<size_t>(tokens * matrix.rows), -1e30f);
  Multiply(kernels, matrix, activations, x, {0, matrix.panels(), false}, &out);
  return out;
}

constexpr Activations kActivations[] = {Activations::kF32,        Activations::kBf16,
                                        Activations::kInt8Block,  Activations::kInt8Pair,
                                        Activations::kInt16Block, Activations::kInt8Token};

class MatMulTest : public testing::TestWithParam<Kind> {};

// Tolerance: 1e-5 of the sum of |w x|, the rounding of float sums over at most 800 columns.
TEST_P(MatMulTest, EveryIsaAgreesWithTheReference) {
  const Kernels& reference = *FindKernels("reference");
  const Kind& kind = GetParam();
  for (const int64_t factor : {1, 2, 9, 18, 3}) {
    const int64_t cols = kind.block == 1    ? 2 * factor * factor - 1
                         : kind.block == 32 ? 32 * factor
                                            : 256 * (factor % 4);
    if (cols == 0) continue;
    for (const int64_t group : {cols, int64_t{32}}) {
      if (kind.dtype != DType::kI8 && group != cols) continue;
      const int64_t rows = 15 + factor;
      const Weights weights = MakeWeights(kind, rows, cols, group, static_cast<uint64_t>(cols));
      const Packed packed = Pack(weights.source);
      const std::vector<float> x = Random(17 * cols, 5);
      for (const Activations activations : kActivations) {
        if (!Supports(kind.kind, activations)) continue;
        const std::vector<float> expected = Multiply(reference, packed.matrix, activations, x, 17);
        for (const Kernels* kernels : RunnableKernels()) {
          if (kernels == &reference) continue;
          for (const int64_t tokens : {0, 1, 2, 3, 5, 8, 9, 17}) {
            const std::vector<float> got =
                Multiply(*kernels, packed.matrix, activations, x, tokens);
            for (int64_t i = 0; i < tokens * rows; ++i) {
              double magnitude = 0;
              for (int64_t k = 0; k < cols; ++k)
                magnitude += std::fabs(
                    static_cast<double>(weights.values[static_cast<size_t>(i % rows * cols + k)]) *
                    static_cast<double>(x[static_cast<size_t>(i / rows * cols + k)]));
              ASSERT_NEAR(got[static_cast<size_t>(i)], expected[static_cast<size_t>(i)],
                          1e-5 * magnitude + 1e-6)
                  << kernels->isa << " " << Name(kind.kind) << " " << Name(activations) << " K "
                  << cols << " M " << tokens;
            }
          }
        }
      }
    }
  }
}

// A token's result must not depend on the others in the call: bit for bit.
TEST_P(MatMulTest, TokensAreIndependent) {
  const Kind& kind = GetParam();
  const int64_t cols = kind.block == 1 ? 77 : kind.block * 3, rows = 33;
  const Weights weights = MakeWeights(kind, rows, cols, 32, 3);
  const Packed packed = Pack(weights.source);
  const std::vector<float> x = Random(70 * cols, 6);
  for (const Activations activations : kActivations) {
    if (!Supports(kind.kind, activations)) continue;
    for (const Kernels* kernels : RunnableKernels()) {
      const std::vector<float> all = Multiply(*kernels, packed.matrix, activations, x, 70);
      for (const int64_t m : {0, 6, 63, 69}) {
        const std::vector<float> one(x.begin() + m * cols, x.begin() + (m + 1) * cols);
        const std::vector<float> alone = Multiply(*kernels, packed.matrix, activations, one, 1);
        EXPECT_TRUE(std::equal(alone.begin(), alone.end(), all.begin() + m * rows))
            << kernels->isa << " " << Name(kind.kind) << " " << Name(activations);
      }
    }
  }
}

// The definition itself: float activations times exactly the stored values.
TEST_P(MatMulTest, TheReferenceIsTheSumOverStoredValues) {
  const Kind& kind = GetParam();
  const int64_t cols = kind.block == 1 ? 45 : kind.block * 2, rows = 18;
  const Weights weights = MakeWeights(kind, rows, cols, 32, 11);
  const Packed packed = Pack(weights.source);
  const std::vector<float> x = Random(cols, 12);
  const std::vector<float> got =
      Multiply(*FindKernels("reference"), packed.matrix, Activations::kF32, x, 1);
  for (int64_t r = 0; r < rows; ++r) {
    double sum = 0, magnitude = 0;
    for (int64_t k = 0; k < cols; ++k) {
      const double product =
          static_cast<double>(weights.values[static_cast<size_t>(r * cols + k)]) *
          static_cast<double>(x[static_cast<size_t>(k)]);
      sum += product;
      magnitude += std::fabs(product);
    }
    EXPECT_NEAR(got[static_cast<size_t>(r)], sum, 1e-6 * magnitude + 1e-7);
  }
}

// `accumulate` adds to what is there, and only the panels that were asked for are written.
TEST_P(MatMulTest, AccumulatesInItsPanelsOnly) {
  const Kind& kind = GetParam();
  const int64_t cols = kind.block == 1 ? 45 : kind.block * 2, rows = 70, tokens = 3;
  const Weights weights = MakeWeights(kind, rows, cols, 32, 13);
  const Packed packed = Pack(weights.source);
  const std::vector<float> x = Random(tokens * cols, 14);
  for (const Activations activations : kActivations) {
    if (!Supports(kind.kind, activations)) continue;
    for (const Kernels* kernels : RunnableKernels()) {
      const std::vector<float> whole = Multiply(*kernels, packed.matrix, activations, x, tokens);
      std::vector<float> out(whole.size(), 1000);
      Multiply(*kernels, packed.matrix, activations, x, {1, 3, true}, &out);
      for (size_t i = 0; i < out.size(); ++i) {
        const int64_t panel = static_cast<int64_t>(i) % rows / 16;
        const bool asked = panel == 1 || panel == 2;
        ASSERT_NEAR(out[i], asked ? 1000 + whole[i] : 1000, asked ? 2e-4 : 0)
            << kernels->isa << " " << Name(kind.kind) << " " << Name(activations) << " " << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, MatMulTest, testing::ValuesIn(kKinds),
                         [](const auto& test) { return std::string(Name(test.param.kind)); });

struct AttentionCase {
  int64_t head_dim, group, first, queries;
};

class AttentionTest : public testing::TestWithParam<std::tuple<AttentionCase, KvType>> {};

// The pages of one KV head, filled with random keys and values.
struct Cache {
  std::vector<base::AlignedBuffer> buffers;
  std::vector<const uint8_t*> pages;
  size_t v_offset;
};

Cache MakeCache(KvType type, int64_t length, int64_t head_dim, int64_t page_tokens) {
  Cache cache;
  cache.v_offset = KvBlockBytes(type, page_tokens, head_dim);
  const std::vector<float> rows = Random(2 * length * head_dim, 21);
  for (int64_t t = 0; t < length; ++t) {
    if (t % page_tokens == 0) {
      cache.buffers.push_back(Bytes(2 * cache.v_offset));
      cache.pages.push_back(cache.buffers.back().data());
    }
    uint8_t* page = cache.buffers.back().data();
    StoreKvRow(type, rows.data() + 2 * t * head_dim, head_dim, page_tokens, t % page_tokens, page);
    StoreKvRow(type, rows.data() + (2 * t + 1) * head_dim, head_dim, page_tokens, t % page_tokens,
               page + cache.v_offset);
  }
  return cache;
}

std::vector<float> Attend(const Kernels& kernels, const AttentionCase& c, KvType type,
                          const Cache& cache, const std::vector<float>& q, int64_t first_query,
                          int64_t queries) {
  const int64_t width = c.group * c.head_dim;
  std::vector<float> out(static_cast<size_t>(queries * width));
  const base::AlignedBuffer scratch =
      Bytes(4 * AttentionScratchFloats(queries, c.group, c.head_dim));
  AttentionArgs args;
  args.q = q.data() + first_query * width;
  args.out = out.data();
  args.q_stride = args.out_stride = width;
  args.num_queries = queries;
  args.group = c.group;
  args.head_dim = c.head_dim;
  args.scale = 1.0f / std::sqrt(static_cast<float>(c.head_dim));
  args.first_position = c.first + first_query;
  args.kv_type = type;
  args.pages = cache.pages.data();
  args.page_tokens = 32;
  args.v_offset = cache.v_offset;
  args.scratch = const_cast<float*>(scratch.as<float>());
  kernels.attention(args);
  return out;
}

TEST_P(AttentionTest, EveryIsaAgreesAndQueriesAreIndependent) {
  const auto& [c, type] = GetParam();
  const Cache cache = MakeCache(type, c.first + c.queries, c.head_dim, 32);
  const std::vector<float> q = Random(c.queries * c.group * c.head_dim, 22);
  const std::vector<float> expected =
      Attend(*FindKernels("reference"), c, type, cache, q, 0, c.queries);
  for (const Kernels* kernels : RunnableKernels()) {
    const std::vector<float> got = Attend(*kernels, c, type, cache, q, 0, c.queries);
    for (size_t i = 0; i < got.size(); ++i)
      ASSERT_NEAR(got[i], expected[i], 1e-5) << kernels->isa << " at " << i;
    const std::vector<float> last = Attend(*kernels, c, type, cache, q, c.queries - 1, 1);
    EXPECT_TRUE(
        std::equal(last.begin(), last.end(), got.end() - static_cast<std::ptrdiff_t>(last.size())))
        << kernels->isa;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, AttentionTest,
    testing::Combine(testing::Values(AttentionCase{64, 4, 0, 1}, AttentionCase{64, 3, 0, 32},
                                     AttentionCase{8, 1, 31, 2}, AttentionCase{48, 2, 90, 17},
                                     AttentionCase{128, 8, 200, 5}, AttentionCase{13, 2, 64, 9},
                                     AttentionCase{80, 1, 33, 32}),
                     testing::Values(KvType::kF32, KvType::kBf16, KvType::kInt8)));

TEST(RegistryTest, ReferenceIsAlwaysThereAndLast) {
  EXPECT_EQ(AllKernels().back()->isa, "reference");
  EXPECT_EQ(FindKernels("no such"), nullptr);
  EXPECT_TRUE(Runs(BestKernels(base::DetectCpu()), base::DetectCpu()));
  EXPECT_EQ(BestKernels(base::CpuFeatures()).isa, "reference");
}

}  // namespace
}  // namespace cria::kernels
