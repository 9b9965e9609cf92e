#include "model/linear.h"

#include <algorithm>

#include "base/check.h"
#include "tensor/block_codec.h"

namespace cria::model {
namespace {

using kernels::Activations;
using kernels::WeightKind;
using tensor::DType;

// Integer weights that all fit in four bits are packed in four: nothing is lost, half the bytes are
// read.
bool FitsInt4(const tensor::View& view) {
  return std::all_of(view.bytes.begin(), view.bytes.end(), [](uint8_t byte) {
    const auto value = static_cast<int8_t>(byte);
    return value >= -8 && value <= 7;
  });
}

absl::StatusOr<WeightKind> KindOf(const tensor::View& view, bool has_scales,
                                  const std::string& name) {
  switch (view.dtype) {
    case DType::kF32:
      return WeightKind::kF32;
    case DType::kF16:
      return WeightKind::kF16;
    case DType::kBf16:
      return WeightKind::kBf16;
    case DType::kQ8_0:
      return WeightKind::kQ8_0;
    case DType::kQ4_0:
      return WeightKind::kQ4_0;
    case DType::kQ4_1:
      return WeightKind::kQ4_1;
    case DType::kQ5_0:
      return WeightKind::kQ5_0;
    case DType::kQ5_1:
      return WeightKind::kQ5_1;
    case DType::kQ4K:
      return WeightKind::kQ4K;
    case DType::kQ5K:
      return WeightKind::kQ5K;
    case DType::kQ6K:
      return WeightKind::kQ6K;
    case DType::kI8:
      if (has_scales) return FitsInt4(view) ? WeightKind::kInt4Group : WeightKind::kInt8Group;
      break;
    default:
      break;
  }
  return absl::UnimplementedError(absl::StrCat("tensor '", name, "': weights of type ",
                                               std::string(tensor::Name(view.dtype)),
                                               " can't be run"));
}

std::vector<float> DecodeVector(const tensor::View& view) {
  std::vector<float> values(static_cast<size_t>(*view.shape.Elements()));
  tensor::Decode(view.dtype, view.bytes.data(), static_cast<int64_t>(values.size()), values.data());
  return values;
}

absl::Status PackInto(const kernels::WeightSource& source, base::AlignedBuffer* packed,
                      kernels::PackedMatrix* matrix, const std::string& name,
                      base::ThreadPool& pool) {
  const int64_t panels = (source.rows + kernels::kPanelRows - 1) / kernels::kPanelRows;
  const size_t bytes =
      static_cast<size_t>(panels) * kernels::PanelBytes(source.kind, source.cols, source.group);
  if (!base::AlignedBuffer::Allocate(bytes, packed))
    return absl::ResourceExhaustedError(
        absl::StrCat("no memory to pack tensor '", name, "': ", bytes, " bytes"));
  pool.ParallelFor(panels, 1, [&](int64_t begin, int64_t end) {
    kernels::PackPanels(source, begin, end, packed->data());
  });
  *matrix = {source.kind, source.rows, source.cols, source.group, packed->data()};
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Linear> Linear::Load(const checkpoint::Checkpoint& checkpoint,
                                    const std::string& name, const kernels::Kernels& kernels,
                                    bool f32_activations, base::ThreadPool& pool) {
  const tensor::View* weight = checkpoint.Find(name + ".weight");
  CRIA_CHECK(weight != nullptr);  // Checkpoint::FromParts has seen to it
  const tensor::View* scales = checkpoint.Find(name + ".scales");
  Linear linear;
  kernels::WeightSource source;
  CRIA_ASSIGN_OR_RETURN(source.kind, KindOf(*weight, scales != nullptr, name + ".weight"));
  source.rows = weight->rows();
  source.cols = weight->cols();
  source.data = weight->bytes.data();
  std::vector<float> scale_values;  // F32, whatever the file holds
  if (scales != nullptr) {
    source.group = source.cols / scales->cols();
    scale_values = DecodeVector(*scales);
    source.scales = reinterpret_cast<const uint8_t*>(scale_values.data());
  }
  CRIA_RETURN_IF_ERROR(PackInto(source, &linear.packed_, &linear.weights_, name, pool));
  linear.activations_ =
      f32_activations ? Activations::kF32 : kernels.default_activations(source.kind);
  if (!kernels::Supports(source.kind, linear.activations_)) linear.activations_ = Activations::kF32;
  if (const tensor::View* bias = checkpoint.Find(name + ".bias"))
    linear.bias_ = DecodeVector(*bias);
  if (checkpoint.Find(name + ".adaptor.A.weight") != nullptr) {
    CRIA_ASSIGN_OR_RETURN(Linear a, Load(checkpoint, name + ".adaptor.A", kernels, true, pool));
    CRIA_ASSIGN_OR_RETURN(Linear b, Load(checkpoint, name + ".adaptor.B", kernels, true, pool));
    linear.lora_a_ = std::make_unique<Linear>(std::move(a));
    linear.lora_b_ = std::make_unique<Linear>(std::move(b));
    linear.lora_scale_ = static_cast<float>(checkpoint.config().lora_scale);
  }
  return linear;
}

uint64_t Linear::bytes() const {
  return packed_.size() + (has_lora() ? lora_a_->bytes() + lora_b_->bytes() : 0);
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
