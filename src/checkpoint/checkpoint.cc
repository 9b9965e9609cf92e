#include "checkpoint/checkpoint.h"

#include <utility>

#include "checkpoint/inventory.h"
#include "checkpoint/weight_table.h"

namespace cria::checkpoint {
namespace {

// A model that declares its head tied may store one all the same. Equal to the embedding, it is
// dropped; different, it is what the model computes with (as in transformers 5), so the model isn't
// tied.
bool ResolveTiedHead(const TensorIndex& index, Checkpoint::Parts* parts) {
  if (!parts->config.tied_embeddings || !index.contains("lm_head.weight")) return false;
  if (!SameTensor(parts->tensors, index, "lm_head.weight", "model.embed_tokens.weight") ||
      !SameTensor(parts->tensors, index, "lm_head.scales", "model.embed_tokens.scales")) {
    parts->config.tied_embeddings = false;
    return false;
  }
  std::erase_if(parts->tensors, [](const TensorEntry& entry) {
    return entry.name == "lm_head.weight" || entry.name == "lm_head.scales";
  });
  return true;
}

absl::StatusOr<TensorIndex> Settle(Checkpoint::Parts* parts) {
  CRIA_RETURN_IF_ERROR(Validate(parts->config));
  std::erase_if(parts->tensors, [](const TensorEntry& entry) { return IsIgnorable(entry.name); });
  CRIA_ASSIGN_OR_RETURN(TensorIndex index, IndexTensors(parts->tensors));
  if (ResolveTiedHead(index, parts)) {
    CRIA_ASSIGN_OR_RETURN(index, IndexTensors(parts->tensors));
  }
  CRIA_RETURN_IF_ERROR(CheckInventory(parts->format, parts->config, parts->tensors, index));
  return index;
}

}  // namespace

std::string_view Name(Format format) {
  switch (format) {
    case Format::kHuggingFace:
      return "huggingface";
    case Format::kGguf:
      return "gguf";
    case Format::kMeta:
      return "meta";
    case Format::kLlama2c:
      return "llama2.c";
  }
  return "unknown";
}

absl::StatusOr<std::shared_ptr<const Checkpoint>> Checkpoint::FromParts(Parts parts) {
  absl::StatusOr<TensorIndex> index = Settle(&parts);
  if (!index.ok()) return base::Annotate(index.status(), parts.path);
  std::shared_ptr<Checkpoint> checkpoint(new Checkpoint(std::move(parts)));
  checkpoint->index_ = *std::move(index);
  return std::shared_ptr<const Checkpoint>(std::move(checkpoint));
}

const tensor::View* Checkpoint::Find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &parts_.tensors[found->second].view;
}

void Checkpoint::DropPages(std::span<const uint8_t> bytes) const {
  for (const auto& file : parts_.files)
    if (file->DropPages(bytes)) return;
}

int64_t Checkpoint::parameters() const {
  int64_t sum = 0;
  for (const WeightSpec& spec : WeightTable(config()))
    if (Find(spec.name) != nullptr) sum += *spec.shape.Elements();
  return sum;
}

uint64_t Checkpoint::bytes() const {
  uint64_t sum = 0;
  for (const TensorEntry& entry : tensors()) sum += entry.view.bytes.size();
  return sum;
}

}  // namespace cria::checkpoint
