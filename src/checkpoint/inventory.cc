#include "checkpoint/inventory.h"

#include <charconv>
#include <cstring>
#include <optional>

#include "base/quote.h"
#include "checkpoint/gguf_names.h"
#include "checkpoint/meta_names.h"
#include "checkpoint/weight_table.h"

namespace cria::checkpoint {
namespace {

using tensor::DType;
using tensor::Shape;
using tensor::View;

std::string DTypeName(const View& view) { return std::string(tensor::Name(view.dtype)); }

bool IsPlainFloat(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBf16;
}

// What a matrix may be stored as: plain floats, the block formats, and int8 values with scales
// beside them.
bool IsMatrixType(DType dtype) {
  return IsPlainFloat(dtype) || dtype == DType::kI8 || tensor::Info(dtype).is_block_format();
}

// The layer number in "model.layers.N.…" or "encoder.layer.N.…", or -1.
int64_t LayerOf(const std::string& name) {
  for (const std::string_view prefix : {"model.layers.", "encoder.layer."}) {
    if (!std::string_view(name).starts_with(prefix)) continue;
    int64_t layer = -1;
    const char* end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + prefix.size(), end, layer);
    return error == std::errc() && stop != end && *stop == '.' ? layer : -1;
  }
  return -1;
}

bool SameBytes(const tensor::View& a, const tensor::View& b) {
  if (a.dtype != b.dtype || !(a.shape == b.shape) || a.bytes.size() != b.bytes.size()) return false;
  return a.bytes.empty() || a.bytes.data() == b.bytes.data() ||
         std::memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()) == 0;
}

class Inventory {
 public:
  Inventory(Format format, const ModelConfig& config, const std::vector<TensorEntry>& tensors,
            const TensorIndex& index)
      : format_(format),
        config_(config),
        tensors_(tensors),
        index_(index),
        table_(WeightTable(config)),
        known_(tensors.size(), false) {}

  absl::Status Check() {
    for (const WeightSpec& spec : table_) MarkKnown(spec);
    for (size_t i = 0; i < tensors_.size(); ++i)
      if (!known_[i]) return Unknown(tensors_[i]);
    for (const WeightSpec& spec : table_) CRIA_RETURN_IF_ERROR(CheckWeight(spec));
    return CheckLoraDeclared();
  }

 private:
  const View* Find(const std::string& name) const {
    const auto found = index_.find(name);
    return found == index_.end() ? nullptr : &tensors_[found->second].view;
  }

  // "tensor 'X'", by the name in the file.
  std::string Called(const std::string& name) const {
    const auto found = index_.find(name);
    return absl::StrCat("tensor ",
                        base::Quote(found == index_.end() ? NameInFile(format_, name)
                                                          : tensors_[found->second].source));
  }

  void Mark(const std::string& name) {
    const auto found = index_.find(name);
    if (found != index_.end()) known_[found->second] = true;
  }

  void MarkKnown(const WeightSpec& spec) {
    Mark(spec.name);
    if (spec.role == WeightRole::kNorm || spec.role == WeightRole::kBias || config_.encoder) return;
    const std::string stem = WeightStem(spec.name);
    Mark(stem + ".scales");
    if (!IsBlockLinear(spec.role)) return;
    Mark(stem + ".adaptor.A.weight");
    Mark(stem + ".adaptor.B.weight");
  }

  absl::Status Unknown(const TensorEntry& entry) const {
    if (LayerOf(entry.name) >= static_cast<int64_t>(config_.layers.size()))
      return absl::DataLossError(absl::StrCat("tensor ", base::Quote(entry.source),
                                              ": the config has only ", config_.layers.size(),
                                              " layers: weights and config are not of one model"));
    return absl::UnimplementedError(absl::StrCat(
        "tensor ", base::Quote(entry.source), ": not a tensor of the ", config_.architecture,
        " architecture; running the model without it would be wrong"));
  }

  absl::Status CheckWeight(const WeightSpec& spec) {
    const View* view = Find(spec.name);
    if (view == nullptr) return spec.optional ? CheckAbsent(spec) : Missing(spec.name, spec.shape);
    CRIA_RETURN_IF_ERROR(CheckView(spec.name, *view, spec.shape));
    const bool is_matrix = spec.role != WeightRole::kNorm && spec.role != WeightRole::kBias &&
                           !config_.encoder;  // whose weights are plain floats throughout
    if (is_matrix ? !IsMatrixType(view->dtype) : !IsPlainFloat(view->dtype))
      return absl::UnimplementedError(absl::StrCat(
          Called(spec.name), ": stored as ", DTypeName(*view), ", expected ",
          is_matrix ? "F32, F16, BF16, a block format, or I8 with scales" : "F32, F16 or BF16"));
    if (!is_matrix) return absl::OkStatus();
    CRIA_RETURN_IF_ERROR(CheckScales(spec, *view));
    return IsBlockLinear(spec.role) ? CheckLora(spec) : absl::OkStatus();
  }

  absl::Status Missing(const std::string& name, const Shape& shape) const {
    if (name == "lm_head.weight")
      return absl::DataLossError(absl::StrCat(
          Called(name), " ", shape.ToString(),
          " is missing and the config doesn't tie it to the embedding: if the model's head is its "
          "embedding, set tie_word_embeddings to true"));
    return absl::DataLossError(MissingTensor(format_, name, &shape));
  }

  absl::Status CheckAbsent(const WeightSpec& spec) const {
    if (spec.role == WeightRole::kHead && Find("lm_head.scales") != nullptr)
      return absl::DataLossError(absl::StrCat(
          Called("lm_head.scales"), " is there without its weight: is the download complete?"));
    return absl::OkStatus();
  }

  absl::Status CheckView(const std::string& name, const View& view, const Shape& shape) const {
    if (!(view.shape == shape))
      return absl::DataLossError(absl::StrCat(Called(name), ": shape ", view.shape.ToString(),
                                              ", the config calls for ", shape.ToString(),
                                              ": weights and config are not of one model"));
    const auto bytes = tensor::ByteSize(view.dtype, shape);
    if (!bytes)
      return absl::DataLossError(
          absl::StrCat(Called(name), ": rows of ", view.cols(), " elements don't divide into ",
                       DTypeName(view), " blocks of ", tensor::Info(view.dtype).block_elements));
    if (*bytes != view.bytes.size())
      return absl::DataLossError(absl::StrCat(Called(name), ": ", view.bytes.size(), " bytes, ",
                                              shape.ToString(), " ", DTypeName(view), " needs ",
                                              *bytes));
    return absl::OkStatus();
  }

  // I8: beside it scales F32 [rows, cols / group]; the group follows from the shape.
  absl::Status CheckScales(const WeightSpec& spec, const View& weight) const {
    const std::string name = WeightStem(spec.name) + ".scales";
    const View* scales = Find(name);
    if (weight.dtype != DType::kI8) {
      if (scales == nullptr) return absl::OkStatus();
      return absl::DataLossError(absl::StrCat("tensor '", name,
                                              "': scales beside a weight of type ",
                                              DTypeName(weight), ", expected I8"));
    }
    if (scales == nullptr)
      return absl::DataLossError(absl::StrCat(Called(name), " is missing: ", Called(spec.name),
                                              " is I8 and needs scales"));
    if (scales->dtype != DType::kF32)
      return absl::UnimplementedError(
          absl::StrCat(Called(name), ": stored as ", DTypeName(*scales), ", expected F32"));
    const Shape& shape = scales->shape;
    if (shape.rank() != 2 || shape[0] != weight.rows() || shape[1] < 1 ||
        weight.cols() % shape[1] != 0)
      return absl::DataLossError(absl::StrCat(
          Called(name), ": shape ", shape.ToString(), ", expected [", weight.rows(),
          ", groups] with groups dividing the ", weight.cols(), " columns of the weight"));
    return CheckView(name, *scales, shape);
  }

  // LoRA: A [rank, in] and B [out, rank], both or none.
  absl::Status CheckLora(const WeightSpec& spec) {
    const std::string stem = WeightStem(spec.name);
    const std::string name_a = stem + ".adaptor.A.weight";
    const std::string name_b = stem + ".adaptor.B.weight";
    const View* a = Find(name_a);
    const View* b = Find(name_b);
    if (a == nullptr && b == nullptr) return absl::OkStatus();
    if (a == nullptr || b == nullptr)
      return absl::DataLossError(absl::StrCat(Called(a == nullptr ? name_a : name_b),
                                              " is missing: a LoRA branch has both A and B"));
    const int64_t rank = a->shape.rank() == 2 ? a->shape[0] : 0;
    if (rank < 1)
      return absl::DataLossError(absl::StrCat(Called(name_a), ": shape ", a->shape.ToString(),
                                              ", expected [rank, ", spec.shape[1], "]"));
    CRIA_RETURN_IF_ERROR(CheckView(name_a, *a, {rank, spec.shape[1]}));
    CRIA_RETURN_IF_ERROR(CheckView(name_b, *b, {spec.shape[0], rank}));
    for (const auto& [name, view] : {std::pair(&name_a, a), std::pair(&name_b, b)})
      if (!IsPlainFloat(view->dtype))
        return absl::UnimplementedError(absl::StrCat(
            Called(*name), ": stored as ", DTypeName(*view), ", expected F32, F16 or BF16"));
    lora_name_ = name_a;
    return absl::OkStatus();
  }

  absl::Status CheckLoraDeclared() const {
    if (!lora_name_.empty() && config_.lora_scale == 0)
      return absl::DataLossError(
          absl::StrCat(Called(lora_name_), ": the config declares no LoRA scale"));
    if (lora_name_.empty() && config_.lora_scale != 0)
      return absl::DataLossError(
          "the config declares a LoRA branch, but there are no adaptor tensors");
    return absl::OkStatus();
  }

  const Format format_;
  const ModelConfig& config_;
  const std::vector<TensorEntry>& tensors_;
  const TensorIndex& index_;
  const std::vector<WeightSpec> table_;
  std::vector<bool> known_;
  std::string lora_name_;  // one of the adaptors, if there is any
};

}  // namespace

absl::StatusOr<TensorIndex> IndexTensors(const std::vector<TensorEntry>& tensors) {
  TensorIndex index;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto [position, is_new] = index.emplace(tensors[i].name, i);
    if (!is_new)
      return absl::DataLossError(absl::StrCat("tensor ", base::Quote(tensors[i].name),
                                              " is there twice, as ",
                                              base::Quote(tensors[position->second].source),
                                              " and as ", base::Quote(tensors[i].source)));
  }
  return index;
}

std::string NameInFile(Format format, const std::string& canonical) {
  std::optional<std::string> name;
  if (format == Format::kGguf) name = GgufFromCanonical(canonical);
  if (format == Format::kMeta) name = MetaFromCanonical(canonical);
  return name.value_or(canonical);
}

std::string MissingTensor(Format format, const std::string& canonical, const Shape* shape) {
  return absl::StrCat("tensor ", base::Quote(NameInFile(format, canonical)),
                      shape == nullptr ? "" : absl::StrCat(" ", shape->ToString()),
                      " is missing: an incomplete download, or not the weights of this config");
}

bool IsIgnorable(const std::string& name) {
  const std::string_view view = name;
  return view.ends_with("rotary_emb.inv_freq") || view == "rope.freqs" ||
         view == "embeddings.position_ids";
}

bool SameTensor(const std::vector<TensorEntry>& tensors, const TensorIndex& index,
                std::string_view a, std::string_view b) {
  const auto at = index.find(a), bt = index.find(b);
  if (at == index.end() || bt == index.end()) return (at == index.end()) == (bt == index.end());
  return SameBytes(tensors[at->second].view, tensors[bt->second].view);
}

absl::Status CheckInventory(Format format, const ModelConfig& config,
                            const std::vector<TensorEntry>& tensors, const TensorIndex& index) {
  return Inventory(format, config, tensors, index).Check();
}

}  // namespace cria::checkpoint
