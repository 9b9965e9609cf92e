#include "model/linear.h"

#include <algorithm>

#include "base/check.h"
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
  linear.activations_ = f32_activations ? Activations::kF32 : kernels.default_activations(kind);
  if (!kernels::Supports(kind, linear.activations_)) linear.activations_ = Activations::kF32;
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

absl::Status PreparedActivations::Prepare(const kernels::Kernels& kernels,
                                          std::span<const Linear* const> linears,
                                          const LinearInput& input, base::ThreadPool& pool) {
  std::array<bool, 5> needed{};
  for (const Linear* linear : linears) needed[static_cast<size_t>(linear->activations())] = true;
  const int64_t cols = linears[0]->cols(), tokens = input.tokens;
  for (size_t kind = 0; kind < needed.size(); ++kind) {
    if (!needed[kind]) continue;
    const auto activations = static_cast<Activations>(kind);
    const size_t bytes = kernels::PreparedBytes(activations, cols);
    base::AlignedBuffer& slot = slots_[kind];
    if (slot.size() < bytes * static_cast<size_t>(tokens) &&
        !base::AlignedBuffer::Allocate(bytes * static_cast<size_t>(tokens), &slot))
      return absl::ResourceExhaustedError(
          absl::StrCat("no memory for the activations of ", tokens, " tokens"));
    pool.ParallelFor(tokens, 1, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        const bool pair = activations == Activations::kInt8Block &&
                          (input.paired == nullptr || input.paired[t] != 0);
        kernels.prepare(pair ? Activations::kInt8Pair : activations, input.x + t * cols, cols,
                        slot.data() + static_cast<size_t>(t) * bytes);
      }
    });
  }
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

// The panels of all outputs, laid end to end and split over the threads; each thread multiplies its
// part of each.
void MultiplyPanels(const kernels::Kernels& kernels, std::span<const LinearOutput> outputs,
                    int64_t tokens, bool accumulate, const PreparedActivations& prepared,
                    base::ThreadPool& pool) {
  int64_t total = 0;
  for (const LinearOutput& output : outputs) total += output.linear->weights().panels();
  pool.ParallelFor(total, 1, [&](int64_t begin, int64_t end) {
    int64_t first = 0;  // number of this output's first panel
    for (const LinearOutput& output : outputs) {
      const Linear& linear = *output.linear;
      const int64_t panels = linear.weights().panels();
      kernels::MatMulArgs args;
      args.panel_begin = std::max(begin - first, int64_t{0});
      args.panel_end = std::min(end - first, panels);
      first += panels;
      if (args.panel_begin >= args.panel_end) continue;
      args.weights = &linear.weights();
      args.activations = linear.activations();
      args.prepared = prepared.Get(args.activations);
      args.tokens = tokens;
      args.out = output.out;
      args.out_stride = output.out_stride;
      args.accumulate = accumulate;
      kernels.matmul(args);
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
  MultiplyPanels(kernels, outputs, input.tokens, accumulate, *prepared, pool);
  for (const LinearOutput& output : outputs) {
    if (!output.linear->bias().empty())
      AddBias(output.linear->bias(), output, input.tokens, kernels);
    if (output.linear->has_lora()) CRIA_RETURN_IF_ERROR(AddLora(kernels, output, input, pool));
  }
  return absl::OkStatus();
}

}  // namespace cria::model
