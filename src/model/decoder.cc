// The forward step of Model: embed, decoder layers, final norm, output head.
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>

#include "base/check.h"
#include "base/checked_math.h"
#include "model/model.h"

namespace cria::model {

// Activations of one step, all [T, ...] row-major float32 unless noted.
struct Workspace::Buffers {
  base::AlignedBuffer memory;       // everything below up to `scratch`
  int64_t tokens = 0;               // T of this step
  float* x = nullptr;               // [T, H] residual stream
  float* normed = nullptr;          // [T, H]
  float* q = nullptr;               // [T, heads * D]
  float* k = nullptr;               // [T, kv_heads * D]
  float* v = nullptr;               // [T, kv_heads * D]
  float* attention = nullptr;       // [T, heads * D]
  float* gate = nullptr;            // [T, F]
  float* up = nullptr;              // [T, F]
  float* cos = nullptr;             // [T, rotary / 2]
  float* sin = nullptr;             // [T, rotary / 2]
  std::vector<int64_t> positions;   // [T]
  std::vector<size_t> sequence_of;  // [T] index of the step that a token belongs to
  std::vector<uint8_t> answers;     // [T] see LinearInput
  base::AlignedBuffer scratch;      // attention scratch of each thread
  size_t scratch_floats = 0;        // of one thread
  base::AlignedBuffer logits;       // [rows, V]
  base::AlignedBuffer selected;     // [rows, H] the rows that need logits
  PreparedActivations prepared;

  LinearInput Input(const float* rows) const { return {rows, tokens, answers.data()}; }
  absl::Status Resize(const checkpoint::ModelConfig& config, int64_t new_tokens, int threads);
};

Workspace::Workspace() : buffers_(std::make_unique<Buffers>()) {}
Workspace::~Workspace() = default;

namespace {

struct Widths {
  int64_t q = 0, kv = 0, ffn = 0, group = 0;  // the largest over the layers
};

Widths LargestWidths(const checkpoint::ModelConfig& config) {
  Widths widths;
  for (const checkpoint::LayerConfig& layer : config.layers) {
    widths.q = std::max(widths.q, layer.num_heads * config.head_dim);
    widths.kv = std::max(widths.kv, layer.num_kv_heads * config.head_dim);
    widths.ffn = std::max(widths.ffn, layer.ffn);
    widths.group = std::max(widths.group, layer.num_heads / layer.num_kv_heads);
  }
  return widths;
}

absl::Status Grow(base::AlignedBuffer* buffer, size_t bytes) {
  if (buffer->size() >= bytes) return absl::OkStatus();
  if (base::AlignedBuffer::Allocate(bytes, buffer)) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("no memory for the activations of a step: ", bytes, " bytes"));
}

}  // namespace

absl::Status Workspace::Buffers::Resize(const checkpoint::ModelConfig& config, int64_t new_tokens,
                                        int threads) {
  tokens = new_tokens;
  const Widths widths = LargestWidths(config);
  const int64_t half = config.rotary_dim / 2;
  const std::array<std::pair<float**, int64_t>, 10> parts = {{{&x, config.hidden},
                                                              {&normed, config.hidden},
                                                              {&q, widths.q},
                                                              {&k, widths.kv},
                                                              {&v, widths.kv},
                                                              {&attention, widths.q},
                                                              {&gate, widths.ffn},
                                                              {&up, widths.ffn},
                                                              {&cos, half},
                                                              {&sin, half}}};
  constexpr int64_t kAlignFloats = 16;
  int64_t floats = 0;
  for (const auto& [pointer, width] : parts) floats += base::RoundUp(width * tokens, kAlignFloats);
  CRIA_RETURN_IF_ERROR(Grow(&memory, static_cast<size_t>(floats) * sizeof(float)));
  float* next = memory.as<float>();
  for (const auto& [pointer, width] : parts) {
    *pointer = next;
    next += base::RoundUp(width * tokens, kAlignFloats);
  }
  scratch_floats = static_cast<size_t>(
      base::RoundUp(static_cast<int64_t>(kernels::AttentionScratchFloats(
                        kernels::kMaxAttentionQueries, widths.group, config.head_dim)),
                    kAlignFloats));
  CRIA_RETURN_IF_ERROR(
      Grow(&scratch, scratch_floats * sizeof(float) * static_cast<size_t>(threads)));
  positions.resize(static_cast<size_t>(tokens));
  sequence_of.resize(static_cast<size_t>(tokens));
  answers.resize(static_cast<size_t>(tokens));
  return absl::OkStatus();
}

namespace {

absl::Status CheckSteps(std::span<const SequenceStep> steps,
                        const checkpoint::ModelConfig& config) {
  int64_t total = 0;
  for (const SequenceStep& step : steps) {
    total += static_cast<int64_t>(step.tokens.size());
    for (const int32_t token : step.tokens) {
      if (token < 0 || token >= config.vocab)
        return absl::InvalidArgumentError(absl::StrCat(
            "token id ", token, " is outside the model's vocabulary [0, ", config.vocab, ")"));
    }
  }
  if (total > Model::kMaxStepTokens)
    return absl::InvalidArgumentError(absl::StrCat("a step of ", total, " tokens: at most ",
                                                   Model::kMaxStepTokens, " go at once"));
  return absl::OkStatus();
}

// Makes room in every cache first, so that a full one is found before any has changed.
absl::Status ReserveAll(std::span<const SequenceStep> steps) {
  for (const SequenceStep& step : steps)
    CRIA_RETURN_IF_ERROR(step.cache->Reserve(static_cast<int64_t>(step.tokens.size())));
  return absl::OkStatus();
}

// One task of attention: some queries of one sequence for one KV head.
struct AttentionTask {
  const SequenceStep* step;
  int64_t first_row;    // of the queries in the step's buffers
  int64_t first_query;  // within the sequence's tokens
  int64_t num_queries;
  int64_t kv_head;
};

std::vector<AttentionTask> AttentionTasks(std::span<const SequenceStep> steps,
                                          int64_t num_kv_heads) {
  std::vector<AttentionTask> tasks;
  int64_t row = 0;
  for (const SequenceStep& step : steps) {
    const auto count = static_cast<int64_t>(step.tokens.size());
    for (int64_t query = 0; query < count; query += kernels::kMaxAttentionQueries) {
      const int64_t num_queries = std::min(count - query, kernels::kMaxAttentionQueries);
      for (int64_t head = 0; head < num_kv_heads; ++head)
        tasks.push_back({&step, row + query, query, num_queries, head});
    }
    row += count;
  }
  return tasks;
}

}  // namespace

absl::Status Model::SelfAttention(size_t index, std::span<const SequenceStep> steps,
                                  Workspace::Buffers& b, base::ThreadPool& pool) const {
  const DecoderLayer& layer = layers_[index];
  const int64_t d = config().head_dim, heads = layer.config.num_heads,
                kv_heads = layer.config.num_kv_heads;
  const int64_t q_width = heads * d, kv_width = kv_heads * d, half = rope_.half();
  const std::array<LinearOutput, 3> qkv = {
      {{&layer.q, b.q, q_width}, {&layer.k, b.k, kv_width}, {&layer.v, b.v, kv_width}}};
  CRIA_RETURN_IF_ERROR(
      Multiply(*kernels_, qkv, b.Input(b.normed), /*accumulate=*/false, &b.prepared, pool));

  pool.ParallelFor(b.tokens, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const float *cos = b.cos + t * half, *sin = b.sin + t * half;
      kernels_->rope(b.q + t * q_width, heads, d, config().rotary_dim, cos, sin, pairing_);
      kernels_->rope(b.k + t * kv_width, kv_heads, d, config().rotary_dim, cos, sin, pairing_);
      const int64_t position = b.positions[static_cast<size_t>(t)];
      uint8_t* page = steps[b.sequence_of[static_cast<size_t>(t)]].cache->page_of(position);
      for (int64_t head = 0; head < kv_heads; ++head) {
        const int64_t slot = position % KvLayout::kPageTokens;
        kernels::StoreKvRow(kv_layout_.type(), b.k + t * kv_width + head * d, d,
                            KvLayout::kPageTokens, slot, page + kv_layout_.KOffset(index, head));
        kernels::StoreKvRow(kv_layout_.type(), b.v + t * kv_width + head * d, d,
                            KvLayout::kPageTokens, slot, page + kv_layout_.VOffset(index, head));
      }
    }
  });

  const int64_t group = heads / kv_heads;
  const std::vector<AttentionTask> tasks = AttentionTasks(steps, kv_heads);
  std::atomic<size_t> next{0};
  const auto work = [&](int thread) {
    for (size_t i = next.fetch_add(1); i < tasks.size(); i = next.fetch_add(1)) {
      const AttentionTask& task = tasks[i];
      kernels::AttentionArgs args;
      args.q = b.q + task.first_row * q_width + task.kv_head * group * d;
      args.q_stride = args.out_stride = q_width;
      args.out = b.attention + task.first_row * q_width + task.kv_head * group * d;
      args.num_queries = task.num_queries;
      args.group = group;
      args.head_dim = d;
      args.scale = 1.0f / std::sqrt(static_cast<float>(d));
      args.first_position = task.step->cache->length() + task.first_query;
      args.kv_type = kv_layout_.type();
      args.pages = task.step->cache->pages();
      args.page_tokens = KvLayout::kPageTokens;
      args.k_offset = kv_layout_.KOffset(index, task.kv_head);
      args.v_offset = kv_layout_.VOffset(index, task.kv_head);
      args.scratch = b.scratch.as<float>() + static_cast<size_t>(thread) * b.scratch_floats;
      kernels_->attention(args);
    }
  };
  if (tasks.size() == 1) {
    work(0);
  } else {
    pool.Run(work);
  }
  const LinearOutput out{&layer.o, b.x, config().hidden};
  return Multiply(*kernels_, {&out, 1}, b.Input(b.attention), /*accumulate=*/true, &b.prepared,
                  pool);
}

absl::Status Model::FeedForward(const DecoderLayer& layer, Workspace::Buffers& b,
                                base::ThreadPool& pool) const {
  const int64_t f = layer.config.ffn;
  const std::array<LinearOutput, 2> gate_up = {{{&layer.gate, b.gate, f}, {&layer.up, b.up, f}}};
  CRIA_RETURN_IF_ERROR(
      Multiply(*kernels_, gate_up, b.Input(b.normed), /*accumulate=*/false, &b.prepared, pool));
  pool.ParallelFor(b.tokens, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      kernels_->swiglu(b.gate + t * f, b.up + t * f, f, b.gate + t * f);
      if (config().ffn_hadamard) kernels_->hadamard(b.gate + t * f, f);
    }
  });
  const LinearOutput down{&layer.down, b.x, config().hidden};
  return Multiply(*kernels_, {&down, 1}, b.Input(b.gate), /*accumulate=*/true, &b.prepared, pool);
}

absl::Status Model::RunLayer(size_t index, std::span<const SequenceStep> steps,
                             Workspace::Buffers& b, base::ThreadPool& pool) const {
  const DecoderLayer& layer = layers_[index];
  const int64_t h = config().hidden;
  const auto normalize = [&](const std::vector<float>& weight) {
    pool.ParallelFor(b.tokens, 1, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t)
        kernels_->rms_norm(b.x + t * h, weight.data(), static_cast<float>(config().norm_eps), h,
                           b.normed + t * h);
    });
  };
  normalize(layer.attention_norm);
  CRIA_RETURN_IF_ERROR(SelfAttention(index, steps, b, pool));
  normalize(layer.ffn_norm);
  return FeedForward(layer, b, pool);
}

absl::Status Model::RunDecoder(std::span<const SequenceStep> steps, Workspace& workspace,
                               base::ThreadPool& pool) const {
  CRIA_RETURN_IF_ERROR(CheckSteps(steps, config()));
  CRIA_RETURN_IF_ERROR(ReserveAll(steps));
  int64_t tokens = 0;
  for (const SequenceStep& step : steps) tokens += static_cast<int64_t>(step.tokens.size());
  Workspace::Buffers& b = workspace.buffers();
  CRIA_RETURN_IF_ERROR(b.Resize(config(), tokens, pool.num_threads()));
  size_t row = 0;
  for (size_t s = 0; s < steps.size(); ++s) {
    int64_t position = steps[s].cache->length();
    const auto added = static_cast<int64_t>(steps[s].tokens.size());
    const bool answer = std::max(added, steps[s].prompt_tokens) <= SequenceStep::kShortPrompt;
    for (const int32_t token : steps[s].tokens) {
      Embed(token, b.x + static_cast<int64_t>(row) * config().hidden);
      rope_.Fill(position, b.cos + static_cast<int64_t>(row) * rope_.half(),
                 b.sin + static_cast<int64_t>(row) * rope_.half());
      b.positions[row] = position++;
      b.answers[row] = answer ? 1 : 0;
      b.sequence_of[row++] = s;
    }
  }
  for (size_t i = 0; i < layers_.size(); ++i) CRIA_RETURN_IF_ERROR(RunLayer(i, steps, b, pool));
  for (const SequenceStep& step : steps)
    step.cache->Commit(static_cast<int64_t>(step.tokens.size()));
  return absl::OkStatus();
}

absl::StatusOr<StepLogits> Model::Hidden(std::span<const SequenceStep> steps, Workspace& workspace,
                                         base::ThreadPool& pool) const {
  CRIA_RETURN_IF_ERROR(RunDecoder(steps, workspace, pool));
  Workspace::Buffers& b = workspace.buffers();
  std::vector<int64_t> rows;  // of the step that are wanted
  int64_t row = 0;
  for (const SequenceStep& step : steps) {
    const auto count = static_cast<int64_t>(step.tokens.size());
    for (int64_t i = 0; i < count; ++i, ++row) {
      const bool wanted = step.logits == LogitsWanted::kAll ||
                          (step.logits == LogitsWanted::kLast && i == count - 1);
      if (wanted) rows.push_back(row);
    }
  }
  const int64_t h = config().hidden;
  CRIA_RETURN_IF_ERROR(Grow(&b.selected, rows.size() * static_cast<size_t>(h) * sizeof(float)));
  float* selected = b.selected.as<float>();
  for (size_t i = 0; i < rows.size(); ++i)
    kernels_->rms_norm(b.x + rows[i] * h, final_norm_.data(), static_cast<float>(config().norm_eps),
                       h, selected + static_cast<int64_t>(i) * h);
  return StepLogits{selected, static_cast<int64_t>(rows.size()), h};
}

absl::StatusOr<StepLogits> Model::Forward(std::span<const SequenceStep> steps, Workspace& workspace,
                                          base::ThreadPool& pool) const {
  CRIA_ASSIGN_OR_RETURN(const StepLogits hidden, Hidden(steps, workspace, pool));
  Workspace::Buffers& b = workspace.buffers();
  const int64_t vocab = config().vocab;
  CRIA_RETURN_IF_ERROR(Grow(&b.logits, static_cast<size_t>(hidden.rows * vocab) * sizeof(float)));
  const LinearOutput out{&head_, b.logits.as<float>(), vocab};
  if (hidden.rows > 0)
    CRIA_RETURN_IF_ERROR(Multiply(*kernels_, {&out, 1}, {hidden.data, hidden.rows, nullptr},
                                  /*accumulate=*/false, &b.prepared, pool));
  return StepLogits{b.logits.as<float>(), hidden.rows, vocab};
}

}  // namespace cria::model
