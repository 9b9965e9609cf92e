#include "model/encoder.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/checked_math.h"
#include "model/encoder_ops.h"
#include "tensor/block_codec.h"

namespace cria::model {
namespace {

using checkpoint::Checkpoint;

// Queries that share one call of the attention kernel.
constexpr int64_t kQueries = kernels::kMaxAttentionQueries;

std::vector<float> DecodeFirst(const tensor::View& view, int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  tensor::Decode(view.dtype, view.bytes.data(), count, values.data());
  return values;
}

LayerNormWeights LoadNorm(const Checkpoint& checkpoint, const std::string& name) {
  const tensor::View* weight = checkpoint.Find(name + ".weight");
  const tensor::View* bias = checkpoint.Find(name + ".bias");
  CRIA_CHECK(weight != nullptr && bias != nullptr);  // Checkpoint::FromParts has seen to it
  const int64_t hidden = checkpoint.config().hidden;
  return {DecodeFirst(*weight, hidden), DecodeFirst(*bias, hidden)};
}

// The pages hold the keys and values of one layer at a time; all layers are alike in that.
KvLayout OneLayer(const checkpoint::ModelConfig& config) {
  checkpoint::ModelConfig one;
  one.head_dim = config.head_dim;
  one.layers.assign(1, config.layers.front());
  return KvLayout(one, kernels::KvType::kF32);
}

// Some queries of one text, for one head.
struct AttentionTask {
  size_t text;
  int64_t first_row;  // of the queries in the step's buffers
  int64_t num_queries;
  int64_t head;
};

}  // namespace

// What a batch is computed in; all matrices [T, ...] row-major.
struct Encoder::Step {
  int64_t tokens = 0;                // T
  std::vector<float> x;              // [T, H] the residual stream
  std::vector<float> q, k, v;        // [T, H]
  std::vector<float> attention;      // [T, H]
  std::vector<float> up;             // [T, F]
  std::vector<KvCache> caches;       // of each text
  std::vector<int64_t> lengths;      // of each text
  std::vector<size_t> text_of;       // [T]
  std::vector<int64_t> position_of;  // [T] within its text
  std::vector<AttentionTask> tasks;
  base::AlignedBuffer scratch;  // of each thread: the attention kernel's, then queries and results
  size_t scratch_floats = 0;    // of one thread
  PreparedActivations prepared;

  LinearInput Input(const std::vector<float>& rows) const { return {rows.data(), tokens, nullptr}; }
};

Encoder::Encoder(std::shared_ptr<const Checkpoint> checkpoint, const kernels::Kernels& kernels)
    : checkpoint_(std::move(checkpoint)),
      kernels_(&kernels),
      kv_layout_(OneLayer(checkpoint_->config())) {}

absl::StatusOr<std::shared_ptr<const Encoder>> Encoder::Load(
    std::shared_ptr<const Checkpoint> checkpoint, const ModelOptions& options,
    base::ThreadPool& pool) {
  if (!checkpoint->config().encoder)
    return absl::UnimplementedError(absl::StrCat(checkpoint->path(), ": the architecture '",
                                                 checkpoint->config().architecture,
                                                 "' is no encoder"));
  const kernels::Kernels& kernels =
      options.kernels != nullptr ? *options.kernels : kernels::BestKernels(base::DetectCpu());
  std::shared_ptr<Encoder> encoder(new Encoder(std::move(checkpoint), kernels));
  CRIA_RETURN_IF_ERROR(
      base::Annotate(encoder->LoadLayers(options, pool), encoder->checkpoint_->path()));
  return std::shared_ptr<const Encoder>(std::move(encoder));
}

absl::Status Encoder::LoadLayers(const ModelOptions& options, base::ThreadPool& pool) {
  const Checkpoint& source = *checkpoint_;
  words_ = *source.Find("embeddings.word_embeddings.weight");
  positions_ = *source.Find("embeddings.position_embeddings.weight");
  first_type_ =
      DecodeFirst(*source.Find("embeddings.token_type_embeddings.weight"), config().hidden);
  embedding_norm_ = LoadNorm(source, "embeddings.LayerNorm");
  // Packed in less time than reading a file of packed weights would take.
  WeightPacker packer(source, /*path=*/"", pool);
  const auto load = [&](const std::string& name) {
    return Linear::Load(source, name, *kernels_, /*f32_activations=*/true, packer);
  };
  const size_t count = config().layers.size();
  for (size_t i = 0; i < count; ++i) {
    const std::string prefix = absl::StrCat("encoder.layer.", i, ".");
    EncoderLayer layer;
    layer.num_heads = config().layers[i].num_heads;
    CRIA_ASSIGN_OR_RETURN(layer.q, load(prefix + "attention.self.query"));
    CRIA_ASSIGN_OR_RETURN(layer.k, load(prefix + "attention.self.key"));
    CRIA_ASSIGN_OR_RETURN(layer.v, load(prefix + "attention.self.value"));
    CRIA_ASSIGN_OR_RETURN(layer.o, load(prefix + "attention.output.dense"));
    CRIA_ASSIGN_OR_RETURN(layer.up, load(prefix + "intermediate.dense"));
    CRIA_ASSIGN_OR_RETURN(layer.down, load(prefix + "output.dense"));
    layer.attention_norm = LoadNorm(source, prefix + "attention.output.LayerNorm");
    layer.ffn_norm = LoadNorm(source, prefix + "output.LayerNorm");
    layers_.push_back(std::move(layer));
    if (options.progress) options.progress(static_cast<double>(i + 1) / static_cast<double>(count));
  }
  return packer.Finish();
}

uint64_t Encoder::packed_bytes() const {
  uint64_t bytes = 0;
  for (const EncoderLayer& layer : layers_)
    for (const Linear* linear : {&layer.q, &layer.k, &layer.v, &layer.o, &layer.up, &layer.down})
      bytes += linear->bytes();
  return bytes;
}

absl::Status Encoder::CheckTexts(std::span<const std::span<const int32_t>> texts) const {
  for (const std::span<const int32_t> text : texts) {
    if (static_cast<int64_t>(text.size()) > config().max_context)
      return absl::ResourceExhaustedError(absl::StrCat("a text of ", text.size(),
                                                       " tokens: the model has ",
                                                       config().max_context, " positions"));
    for (const int32_t token : text)
      if (token < 0 || token >= config().vocab)
        return absl::InvalidArgumentError(absl::StrCat(
            "token id ", token, " is outside the model's vocabulary [0, ", config().vocab, ")"));
  }
  return absl::OkStatus();
}

// The sum of what word, position and type stand for.
void Encoder::Embed(int32_t token, int64_t position, float* out) const {
  const int64_t hidden = config().hidden;
  std::vector<float> row(static_cast<size_t>(hidden));
  const auto decode = [&](const tensor::View& table, int64_t index, float* target) {
    tensor::Decode(table.dtype, table.bytes.data() + static_cast<size_t>(index) * table.row_bytes(),
                   hidden, target);
  };
  decode(words_, token, out);
  decode(positions_, position, row.data());
  for (int64_t i = 0; i < hidden; ++i)
    out[i] += first_type_[static_cast<size_t>(i)] + row[static_cast<size_t>(i)];
}

absl::Status Encoder::Start(std::span<const std::span<const int32_t>> texts, Step* step,
                            base::ThreadPool& pool) const {
  const int64_t hidden = config().hidden, heads = layers_.front().num_heads;
  std::vector<int32_t> ids;
  step->caches.reserve(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto count = static_cast<int64_t>(texts[i].size());
    step->caches.emplace_back(kv_layout_, config().max_context);
    CRIA_RETURN_IF_ERROR(step->caches.back().Reserve(count));
    step->lengths.push_back(count);
    const auto first = static_cast<int64_t>(ids.size());
    for (int64_t query = 0; query < count; query += kQueries)
      for (int64_t head = 0; head < heads; ++head)
        step->tasks.push_back({i, first + query, std::min(count - query, kQueries), head});
    for (int64_t position = 0; position < count; ++position) {
      step->text_of.push_back(i);
      step->position_of.push_back(position);
    }
    ids.insert(ids.end(), texts[i].begin(), texts[i].end());
  }
  step->tokens = static_cast<int64_t>(ids.size());
  const auto floats = static_cast<size_t>(step->tokens * hidden);
  for (std::vector<float>* buffer : {&step->x, &step->q, &step->k, &step->v, &step->attention})
    buffer->resize(floats);
  constexpr int64_t kAlignFloats = 16;
  const auto kernel_floats = static_cast<int64_t>(kernels::AttentionScratchFloats(
      /*num_queries=*/1, /*group=*/kQueries, config().head_dim));
  step->scratch_floats =
      static_cast<size_t>(base::RoundUp(kernel_floats, kAlignFloats) +
                          base::RoundUp(2 * kQueries * config().head_dim, kAlignFloats));
  const size_t bytes =
      step->scratch_floats * sizeof(float) * static_cast<size_t>(pool.num_threads());
  if (!base::AlignedBuffer::Allocate(bytes, &step->scratch))
    return absl::ResourceExhaustedError(
        absl::StrCat("no memory for the attention of a step: ", bytes, " bytes"));
  pool.ParallelFor(step->tokens, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t)
      Embed(ids[static_cast<size_t>(t)], step->position_of[static_cast<size_t>(t)],
            step->x.data() + t * hidden);
  });
  Normalize(embedding_norm_, step, pool);
  return absl::OkStatus();
}

void Encoder::Normalize(const LayerNormWeights& norm, Step* step, base::ThreadPool& pool) const {
  const int64_t hidden = config().hidden;
  pool.ParallelFor(step->tokens, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t)
      LayerNorm(norm.weight.data(), norm.bias.data(), config().norm_eps, hidden,
                step->x.data() + t * hidden);
  });
}

void Encoder::Attend(Step* step, base::ThreadPool& pool) const {
  const int64_t hidden = config().hidden, d = config().head_dim;
  std::atomic<size_t> next{0};
  pool.Run([&](int thread) {
    float* scratch = step->scratch.as<float>() + static_cast<size_t>(thread) * step->scratch_floats;
    float* result = scratch + step->scratch_floats - kQueries * d;  // [queries, D]
    float* queries = result - kQueries * d;                         // [queries, D]
    for (size_t i = next.fetch_add(1); i < step->tasks.size(); i = next.fetch_add(1)) {
      const AttentionTask& task = step->tasks[i];
      const KvCache& cache = step->caches[task.text];
      const int64_t at = task.first_row * hidden + task.head * d;
      const size_t row_bytes = static_cast<size_t>(d) * sizeof(float);
      for (int64_t row = 0; row < task.num_queries; ++row)
        std::memcpy(queries + row * d, step->q.data() + at + row * hidden, row_bytes);
      // The kernel is causal by position. As the heads of one query at the text's last position,
      // the queries see the whole text.
      kernels::AttentionArgs args;
      args.q = queries;
      args.out = result;
      args.num_queries = 1;
      args.group = task.num_queries;
      args.head_dim = d;
      args.scale = 1.0f / std::sqrt(static_cast<float>(d));
      args.first_position = step->lengths[task.text] - 1;
      args.kv_type = kv_layout_.type();
      args.pages = cache.pages();
      args.page_tokens = KvLayout::kPageTokens;
      args.k_offset = kv_layout_.KOffset(0, task.head);
      args.v_offset = kv_layout_.VOffset(0, task.head);
      args.scratch = scratch;
      kernels_->attention(args);
      for (int64_t row = 0; row < task.num_queries; ++row)
        std::memcpy(step->attention.data() + at + row * hidden, result + row * d, row_bytes);
    }
  });
}

absl::Status Encoder::SelfAttention(const EncoderLayer& layer, Step* step,
                                    base::ThreadPool& pool) const {
  const int64_t hidden = config().hidden, d = config().head_dim;
  const std::array<LinearOutput, 3> qkv = {{{&layer.q, step->q.data(), hidden},
                                            {&layer.k, step->k.data(), hidden},
                                            {&layer.v, step->v.data(), hidden}}};
  CRIA_RETURN_IF_ERROR(
      Multiply(*kernels_, qkv, step->Input(step->x), /*accumulate=*/false, &step->prepared, pool));
  pool.ParallelFor(step->tokens, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t position = step->position_of[static_cast<size_t>(t)];
      uint8_t* page = step->caches[step->text_of[static_cast<size_t>(t)]].page_of(position);
      const int64_t slot = position % KvLayout::kPageTokens;
      for (int64_t head = 0; head < layer.num_heads; ++head) {
        const int64_t at = t * hidden + head * d;
        kernels::StoreKvRow(kv_layout_.type(), step->k.data() + at, d, KvLayout::kPageTokens, slot,
                            page + kv_layout_.KOffset(0, head));
        kernels::StoreKvRow(kv_layout_.type(), step->v.data() + at, d, KvLayout::kPageTokens, slot,
                            page + kv_layout_.VOffset(0, head));
      }
    }
  });
  Attend(step, pool);
  const LinearOutput out{&layer.o, step->x.data(), hidden};
  CRIA_RETURN_IF_ERROR(Multiply(*kernels_, {&out, 1}, step->Input(step->attention),
                                /*accumulate=*/true, &step->prepared, pool));
  Normalize(layer.attention_norm, step, pool);
  return absl::OkStatus();
}

absl::Status Encoder::FeedForward(const EncoderLayer& layer, Step* step,
                                  base::ThreadPool& pool) const {
  const int64_t f = layer.up.rows();
  step->up.resize(static_cast<size_t>(step->tokens * f));
  const LinearOutput up{&layer.up, step->up.data(), f};
  CRIA_RETURN_IF_ERROR(Multiply(*kernels_, {&up, 1}, step->Input(step->x), /*accumulate=*/false,
                                &step->prepared, pool));
  pool.ParallelFor(step->tokens, 1, [&](int64_t begin, int64_t end) {
    Gelu((end - begin) * f, step->up.data() + begin * f);
  });
  const LinearOutput down{&layer.down, step->x.data(), config().hidden};
  CRIA_RETURN_IF_ERROR(Multiply(*kernels_, {&down, 1}, step->Input(step->up), /*accumulate=*/true,
                                &step->prepared, pool));
  Normalize(layer.ffn_norm, step, pool);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<float>> Encoder::Hidden(std::span<const std::span<const int32_t>> texts,
                                                   base::ThreadPool& pool) const {
  CRIA_RETURN_IF_ERROR(CheckTexts(texts));
  Step step;
  CRIA_RETURN_IF_ERROR(Start(texts, &step, pool));
  if (step.tokens == 0) return std::vector<float>();
  for (const EncoderLayer& layer : layers_) {
    CRIA_RETURN_IF_ERROR(SelfAttention(layer, &step, pool));
    CRIA_RETURN_IF_ERROR(FeedForward(layer, &step, pool));
  }
  return std::move(step.x);
}

}  // namespace cria::model
