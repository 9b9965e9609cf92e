#include "model/linear.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>

#include "base/check.h"
#include "base/checked_math.h"
#include "tensor/block_codec.h"

namespace cria::model {
namespace {

using kernels::Activations;

std::vector<float> DecodeVector(const tensor::View& view) {
  std::vector<float> values(static_cast<size_t>(*view.shape.Elements()));
  tensor::Decode(view.dtype, view.bytes.data(), static_cast<int64_t>(values.size()), values.data());
  return values;
}

}  // namespace

absl::StatusOr<Linear> Linear::Load(const checkpoint::Checkpoint& checkpoint,
                                    const std::string& name, const kernels::Kernels& kernels,
                                    bool f32_activations, WeightPacker& packer) {
  Linear linear;
  CRIA_ASSIGN_OR_RETURN(linear.weights_, packer.Pack(name));
  const kernels::WeightKind kind = linear.weights().kind;
  if (!f32_activations) {
    linear.prompt_activations_ = kernels.prompt_activations(kind);
    linear.answer_activations_ = kernels.answer_activations(kind);
  }
  if (const tensor::View* bias = checkpoint.Find(name + ".bias"))
    linear.bias_ = DecodeVector(*bias);
  if (checkpoint.Find(name + ".adaptor.A.weight") != nullptr) {
    CRIA_ASSIGN_OR_RETURN(Linear a, Load(checkpoint, name + ".adaptor.A", kernels, true, packer));
    CRIA_ASSIGN_OR_RETURN(Linear b, Load(checkpoint, name + ".adaptor.B", kernels, true, packer));
    linear.lora_a_ = std::make_unique<Linear>(std::move(a));
    linear.lora_b_ = std::make_unique<Linear>(std::move(b));
    linear.lora_scale_ = static_cast<float>(checkpoint.config().lora_scale);
  }
  return linear;
}

uint64_t Linear::bytes() const {
  return weights_.bytes + (has_lora() ? lora_a_->bytes() + lora_b_->bytes() : 0);
}

namespace {

// Both forms of int8 blocks are one to a product (kernels/activation_layout.h): they share a slot.
Activations SlotOf(Activations activations) {
  return activations == Activations::kInt8Pair ? Activations::kInt8Block : activations;
}

bool IsAnswer(const LinearInput& input, int64_t token) {
  return input.answers == nullptr || input.answers[token] != 0;
}

}  // namespace

const uint8_t* PreparedActivations::Get(Activations activations, int64_t cols,
                                        int64_t token) const {
  const Activations slot = SlotOf(activations);
  return slots_[static_cast<size_t>(slot)].data() +
         static_cast<size_t>(token) * kernels::PreparedBytes(slot, cols);
}

absl::Status PreparedActivations::Prepare(const kernels::Kernels& kernels,
                                          std::span<const Linear* const> linears,
                                          const LinearInput& input, base::ThreadPool& pool) {
  // needed[answer][kind]
  std::array<std::array<bool, std::tuple_size_v<decltype(slots_)>>, 2> needed{};
  const int64_t cols = linears[0]->cols(), tokens = input.tokens;
  for (const Linear* linear : linears) {
    for (const bool answer : {false, true}) {
      const Activations activations = linear->activations(answer);
      needed[answer][static_cast<size_t>(activations)] = true;
      base::AlignedBuffer& slot = slots_[static_cast<size_t>(SlotOf(activations))];
      const size_t bytes = kernels::PreparedBytes(activations, cols) * static_cast<size_t>(tokens);
      if (slot.size() < bytes && !base::AlignedBuffer::Allocate(bytes, &slot))
        return absl::ResourceExhaustedError(
            absl::StrCat("no memory for the activations of ", tokens, " tokens"));
    }
  }
  pool.ParallelFor(tokens, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const auto& kinds = needed[IsAnswer(input, t)];
      for (size_t kind = 0; kind < kinds.size(); ++kind) {
        const auto activations = static_cast<Activations>(kind);
        if (kinds[kind])
          kernels.prepare(activations, input.x + t * cols, cols,
                          const_cast<uint8_t*>(Get(activations, cols, t)));
      }
    }
  });
  return absl::OkStatus();
}

namespace {

void AddBias(const std::vector<float>& bias, const LinearOutput& output, int64_t tokens,
             const kernels::Kernels& kernels) {
  for (int64_t t = 0; t < tokens; ++t)
    kernels.add(bias.data(), static_cast<int64_t>(bias.size()), output.out + t * output.out_stride);
}

// out += scale * B (A x), with its own preparation: the branch takes unrounded activations.
absl::Status AddLora(const kernels::Kernels& kernels, const LinearOutput& output,
                     const LinearInput& input, base::ThreadPool& pool) {
  const Linear& a = output.linear->lora_a();
  PreparedActivations prepared;
  std::vector<float> low_rank(static_cast<size_t>(input.tokens * a.rows()));  // [T, rank]
  const LinearOutput down{&a, low_rank.data(), a.rows()};
  CRIA_RETURN_IF_ERROR(Multiply(kernels, {&down, 1}, input, /*accumulate=*/false, &prepared, pool));
  for (float& value : low_rank) value *= output.linear->lora_scale();
  const LinearOutput up{&output.linear->lora_b(), output.out, output.out_stride};
  return Multiply(kernels, {&up, 1}, {low_rank.data(), input.tokens, nullptr}, /*accumulate=*/true,
                  &prepared, pool);
}

// Tokens [begin, end) that are multiplied alike.
struct TokenRun {
  int64_t begin, end;
  bool answer;
};

std::vector<TokenRun> TokenRuns(const LinearInput& input) {
  std::vector<TokenRun> runs;
  for (int64_t t = 0; t < input.tokens; ++t) {
    if (runs.empty() || runs.back().answer != IsAnswer(input, t))
      runs.push_back({t, t, IsAnswer(input, t)});
    runs.back().end = t + 1;
  }
  return runs;
}

// Panels that several runs of tokens take one after another: at most these bytes, so that they
// come from the cache again.
constexpr size_t kSharedPanelBytes = size_t{256} << 10;

// Panels [begin, end) of one output.
void MultiplyRuns(const kernels::Kernels& kernels, const LinearOutput& output,
                  const std::vector<TokenRun>& runs, kernels::MatMulArgs args,
                  const PreparedActivations& prepared) {
  const Linear& linear = *output.linear;
  const kernels::PackedMatrix& weights = linear.weights();
  args.weights = &weights;
  const auto multiply = [&](int64_t begin, int64_t end, Activations activations) {
    args.activations = SlotOf(activations);
    args.prepared = prepared.Get(activations, weights.cols, begin);
    args.tokens = end - begin;
    args.out = output.out + begin * output.out_stride;
    args.out_stride = output.out_stride;
    kernels.matmul(args);
  };
  if (SlotOf(linear.activations(true)) == SlotOf(linear.activations(false)) || runs.size() == 1)
    return multiply(runs.front().begin, runs.back().end, linear.activations(runs[0].answer));
  const auto panel_bytes = kernels::PanelBytes(weights.kind, weights.cols, weights.group);
  const int64_t last = args.panel_end,
                at_once =
                    std::max<int64_t>(1, static_cast<int64_t>(kSharedPanelBytes / panel_bytes));
  for (; args.panel_begin < last; args.panel_begin = args.panel_end) {
    args.panel_end = std::min(last, args.panel_begin + at_once);
    for (const TokenRun& run : runs) multiply(run.begin, run.end, linear.activations(run.answer));
  }
}

// Runs task(begin, end) over [0, count) on all threads: each has a range of its own, which it takes
// in parts, and who is done early takes parts of the others' ranges. On a machine that others use
// too, one core is often slower than the next.
void ShareOut(int64_t count, base::ThreadPool& pool,
              const std::function<void(int64_t, int64_t)>& task) {
  constexpr int64_t kParts = 8;   // of a range
  constexpr int64_t kGrain = 12;  // a multiple of the panels that any kernel takes at once
  struct alignas(64) Range {
    std::atomic<int64_t> next;
    int64_t end;
  };
  const int threads = pool.num_threads();
  if (threads == 1 || count <= kGrain) return task(0, count);
  const int64_t part = base::RoundUp(base::CeilDiv(count, threads * kParts), kGrain);
  const auto ranges = std::make_unique<Range[]>(static_cast<size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    const auto [begin, end] = base::SplitRange(count, kGrain, i, threads);
    ranges[static_cast<size_t>(i)].next = begin;
    ranges[static_cast<size_t>(i)].end = end;
  }
  pool.Run([&](int thread) {
    for (int i = 0; i < threads; ++i) {
      Range& range = ranges[static_cast<size_t>((thread + i) % threads)];
      for (int64_t begin = range.next.fetch_add(part); begin < range.end;
           begin = range.next.fetch_add(part))
        task(begin, std::min(begin + part, range.end));
    }
  });
}

// The panels of all outputs, laid end to end and shared out to the threads.
void MultiplyPanels(const kernels::Kernels& kernels, std::span<const LinearOutput> outputs,
                    const LinearInput& input, bool accumulate, const PreparedActivations& prepared,
                    base::ThreadPool& pool) {
  const std::vector<TokenRun> runs = TokenRuns(input);
  if (runs.empty()) return;
  int64_t total = 0;
  for (const LinearOutput& output : outputs) total += output.linear->weights().panels();
  ShareOut(total, pool, [&](int64_t begin, int64_t end) {
    int64_t first = 0;  // number of this output's first panel
    for (const LinearOutput& output : outputs) {
      const int64_t panels = output.linear->weights().panels();
      kernels::MatMulArgs args;
      args.panel_begin = std::max(begin - first, int64_t{0});
      args.panel_end = std::min(end - first, panels);
      first += panels;
      if (args.panel_begin >= args.panel_end) continue;
      args.accumulate = accumulate;
      MultiplyRuns(kernels, output, runs, args, prepared);
    }
  });
}

}  // namespace

absl::Status Multiply(const kernels::Kernels& kernels, std::span<const LinearOutput> outputs,
                      const LinearInput& input, bool accumulate, PreparedActivations* prepared,
                      base::ThreadPool& pool) {
  std::vector<const Linear*> linears;
  for (const LinearOutput& output : outputs) linears.push_back(output.linear);
  CRIA_RETURN_IF_ERROR(prepared->Prepare(kernels, linears, input, pool));
  MultiplyPanels(kernels, outputs, input, accumulate, *prepared, pool);
  for (const LinearOutput& output : outputs) {
    if (!output.linear->bias().empty())
      AddBias(output.linear->bias(), output, input.tokens, kernels);
    if (output.linear->has_lora()) CRIA_RETURN_IF_ERROR(AddLora(kernels, output, input, pool));
  }
  return absl::OkStatus();
}

}  // namespace cria::model
