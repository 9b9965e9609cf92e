// What each weight format costs in quality: a model's weights are decoded to float32, stored in
// every format that Cria runs, and the perplexity of a text is measured with each.
//
//   quantization_quality MODEL TEXTFILE [WINDOW]
//
// Prints a table in Markdown. Norms stay float32. As in the files that llama.cpp makes, the
// embedding and the output head don't go below 8 bits, and matrices whose rows are no multiple of
// 256 can't be K-quants and take the format named beside them.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/cpu_features.h"
#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "engine/loaded_model.h"
#include "engine/scoring.h"
#include "tensor/block_codec.h"

namespace {

using cria::base::ThreadPool;
using cria::checkpoint::Checkpoint;
using cria::checkpoint::TensorEntry;
using cria::tensor::DType;
using cria::tensor::Tensor;
using cria::tensor::View;

constexpr uint64_t kMaxTextBytes = uint64_t{64} << 20;

// How the matrices are stored.
struct Variant {
  const char* name;
  DType dtype;
  DType fallback;     // for rows that the format's blocks don't divide
  int64_t group = 0;  // I8: columns a scale; 0: the row
  int bits = 0;       // I8: of the values
};

const Variant kVariants[] = {
    {"F32", DType::kF32, DType::kF32},
    {"F16", DType::kF16, DType::kF16},
    {"BF16", DType::kBf16, DType::kBf16},
    {"Q8_0", DType::kQ8_0, DType::kQ8_0},
    {"Q6_K (Q8_0 where not a multiple of 256)", DType::kQ6K, DType::kQ8_0},
    {"Q5_K (Q5_1)", DType::kQ5K, DType::kQ5_1},
    {"Q5_1", DType::kQ5_1, DType::kQ5_1},
    {"Q5_0", DType::kQ5_0, DType::kQ5_0},
    {"Q4_K (Q5_0)", DType::kQ4K, DType::kQ5_0},
    {"Q4_1", DType::kQ4_1, DType::kQ4_1},
    {"Q4_0", DType::kQ4_0, DType::kQ4_0},
    {"int8 rows, int8 activations", DType::kI8, DType::kI8, 0, 8},
    {"int4 groups of 32, int8 activations", DType::kI8, DType::kI8, 32, 4},
};

class Requantised {
 public:
  Requantised(const Checkpoint& source, const Variant& variant) : source_(source), v_(variant) {}

  absl::StatusOr<std::shared_ptr<const Checkpoint>> Make() {
    Checkpoint::Parts parts;
    parts.format = source_.format();
    parts.path = source_.path();
    parts.config = source_.config();
    parts.config.int8_token_activations = v_.dtype == DType::kI8;
    parts.tokenizer = source_.tokenizer();
    auto owned = std::make_shared<std::vector<Tensor>>();
    for (const TensorEntry& entry : source_.tensors()) {
      const bool matrix = entry.view.shape.rank() == 2;
      const bool int8 = matrix && v_.dtype == DType::kI8;
      if (int8) {
        CRIA_RETURN_IF_ERROR(AddInt8(entry, &parts.tensors, *owned));
      } else {
        CRIA_RETURN_IF_ERROR(AddEncoded(entry, matrix, &parts.tensors, *owned));
      }
    }
    parts.owners.push_back(owned);
    return Checkpoint::FromParts(std::move(parts));
  }

 private:
  static absl::StatusOr<Tensor> Allocate(DType dtype, const cria::tensor::Shape& shape) {
    auto tensor = Tensor::Allocate(dtype, shape);
    if (!tensor) return absl::ResourceExhaustedError("no memory for the decoded weights");
    return *std::move(tensor);
  }

  DType MatrixType(const TensorEntry& entry) const {
    const bool table = entry.name == "model.embed_tokens.weight" || entry.name == "lm_head.weight";
    if (table && cria::tensor::Info(v_.dtype).is_block_format()) return DType::kQ8_0;
    const bool divides = entry.view.cols() % cria::tensor::Info(v_.dtype).block_elements == 0;
    return divides ? v_.dtype : v_.fallback;
  }

  absl::Status AddEncoded(const TensorEntry& entry, bool matrix, std::vector<TensorEntry>* tensors,
                          std::vector<Tensor>& owned) const {
    const int64_t count = *entry.view.shape.Elements();
    std::vector<float> values(static_cast<size_t>(count));
    cria::tensor::Decode(entry.view.dtype, entry.view.bytes.data(), count, values.data());
    const DType dtype = !matrix ? DType::kF32 : MatrixType(entry);
    CRIA_ASSIGN_OR_RETURN(Tensor tensor, Allocate(dtype, entry.view.shape));
    cria::tensor::Encode(dtype, values.data(), count, tensor.data());
    tensors->push_back({entry.name, entry.source, tensor.view()});
    owned.push_back(std::move(tensor));
    return absl::OkStatus();
  }

  // Symmetric integers with one scale a group of columns (the embedding: one a row, of 8 bits, as
  // the released device checkpoints have it).
  absl::Status AddInt8(const TensorEntry& entry, std::vector<TensorEntry>* tensors,
                       std::vector<Tensor>& owned) const {
    const bool embedding = entry.name == "model.embed_tokens.weight";
    const int64_t rows = entry.view.rows(), cols = entry.view.cols();
    const int64_t group = v_.group == 0 || embedding ? cols : v_.group;
    const auto top = static_cast<float>((1 << ((embedding ? 8 : v_.bits) - 1)) - 1);
    CRIA_ASSIGN_OR_RETURN(Tensor weight, Allocate(DType::kI8, entry.view.shape));
    CRIA_ASSIGN_OR_RETURN(Tensor scales, Allocate(DType::kF32, {rows, cols / group}));
    std::vector<float> row(static_cast<size_t>(cols));
    for (int64_t r = 0; r < rows; ++r) {
      cria::tensor::Decode(
          entry.view.dtype,
          entry.view.bytes.data() + static_cast<size_t>(r) * entry.view.row_bytes(), cols,
          row.data());
      for (int64_t g = 0; g < cols / group; ++g) {
        const float* x = row.data() + g * group;
        float largest = 0;
        for (int64_t i = 0; i < group; ++i) largest = std::max(largest, std::fabs(x[i]));
        const float scale = largest / top;
        scales.as<float>()[r * (cols / group) + g] = scale;
        for (int64_t i = 0; i < group; ++i)
          weight.as<int8_t>()[r * cols + g * group + i] =
              static_cast<int8_t>(std::lround(scale > 0 ? x[i] / scale : 0));
      }
    }
    const std::string stem =
        entry.name.substr(0, entry.name.size() - std::string(".weight").size());
    tensors->push_back({entry.name, entry.source, weight.view()});
    tensors->push_back({stem + ".scales", stem + ".scales", scales.view()});
    owned.push_back(std::move(weight));
    owned.push_back(std::move(scales));
    return absl::OkStatus();
  }

  const Checkpoint& source_;
  const Variant& v_;
};

absl::Status Run(const std::string& path, const std::string& text_file, int64_t window) {
  CRIA_ASSIGN_OR_RETURN(const std::string text, cria::base::ReadFile(text_file, kMaxTextBytes));
  CRIA_ASSIGN_OR_RETURN(const auto source, Checkpoint::Open(path));
  CRIA_ASSIGN_OR_RETURN(const auto tokenizer,
                        cria::engine::MakeTokenizer(source->tokenizer(), source->config()));
  if (tokenizer == nullptr) return absl::InvalidArgumentError("the model has no tokenizer");
  std::vector<cria::text::TokenId> ids;
  CRIA_RETURN_IF_ERROR(tokenizer->Encode(text, cria::text::SpecialText::kPlain, &ids));
  ThreadPool pool(cria::base::UsableCores());
  cria::engine::ScoringOptions options;
  options.window = options.stride = std::min(window, source->config().max_context);
  std::printf("%zu tokens in windows of %lld\n\n", ids.size(),
              static_cast<long long>(options.window));
  std::printf("| weights | MiB | perplexity | against F32 |\n|---|---|---|---|\n");
  double reference = 0;
  for (const Variant& variant : kVariants) {
    CRIA_ASSIGN_OR_RETURN(const auto checkpoint, Requantised(*source, variant).Make());
    CRIA_ASSIGN_OR_RETURN(const auto model, cria::engine::LoadedModel::Load(checkpoint, {}, pool));
    CRIA_ASSIGN_OR_RETURN(const auto score,
                          cria::engine::ScoreSequence(*model, ids, options, pool));
    if (reference == 0) reference = score.perplexity();
    std::printf("| %s | %.1f | %.4f | %+.2f%% |\n", variant.name,
                static_cast<double>(checkpoint->bytes()) / (1 << 20), score.perplexity(),
                100 * (score.perplexity() / reference - 1));
    std::fflush(stdout);
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::fprintf(stderr, "usage: quantization_quality MODEL TEXTFILE [WINDOW]\n");
    return 2;
  }
  const absl::Status status = Run(argv[1], argv[2], argc == 4 ? std::atoll(argv[3]) : 1024);
  if (!status.ok()) std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return status.ok() ? 0 : 1;
}
