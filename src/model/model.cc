#include "model/model.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "tensor/block_codec.h"

namespace cria::model {
namespace {

using checkpoint::Checkpoint;

std::vector<float> LoadVector(const Checkpoint& checkpoint, const std::string& name) {
  const tensor::View* view = checkpoint.Find(name);
  CRIA_CHECK(view != nullptr);  // Checkpoint::FromParts has seen to it
  std::vector<float> values(static_cast<size_t>(*view->shape.Elements()));
  tensor::Decode(view->dtype, view->bytes.data(), static_cast<int64_t>(values.size()),
                 values.data());
  return values;
}

kernels::RopePairing PairingOf(checkpoint::RopePairing pairing) {
  return pairing == checkpoint::RopePairing::kAdjacent ? kernels::RopePairing::kAdjacent
                                                       : kernels::RopePairing::kHalves;
}

}  // namespace

Model::Model(std::shared_ptr<const Checkpoint> checkpoint, const kernels::Kernels& kernels,
             kernels::KvType kv_type)
    : checkpoint_(std::move(checkpoint)),
      kernels_(&kernels),
      kv_layout_(checkpoint_->config(), kv_type),
      rope_(checkpoint_->config()),
      pairing_(PairingOf(checkpoint_->config().rope_pairing)) {}

absl::StatusOr<std::shared_ptr<const Model>> Model::Load(
    std::shared_ptr<const Checkpoint> checkpoint, const ModelOptions& options,
    base::ThreadPool& pool) {
  CRIA_RETURN_IF_ERROR(
      base::Annotate(checkpoint::CheckMakesText(checkpoint->config()), checkpoint->path()));
  const kernels::Kernels& kernels =
      options.kernels != nullptr ? *options.kernels : kernels::BestKernels(base::DetectCpu());
  const checkpoint::ModelConfig& config = checkpoint->config();
  if (config.ffn_hadamard) {
    for (const checkpoint::LayerConfig& layer : config.layers)
      if ((layer.ffn & (layer.ffn - 1)) != 0)
        return absl::UnimplementedError(absl::StrCat(checkpoint->path(),
                                                     ": online Hadamard transform of width ",
                                                     layer.ffn, ": only powers of two are run"));
  }
  std::shared_ptr<Model> model(new Model(std::move(checkpoint), kernels, options.kv_type));
  CRIA_RETURN_IF_ERROR(
      base::Annotate(model->LoadLayers(options, pool), model->checkpoint_->path()));
  return std::shared_ptr<const Model>(std::move(model));
}

absl::Status Model::LoadLayers(const ModelOptions& options, base::ThreadPool& pool) {
  const Checkpoint& source = *checkpoint_;
  WeightPacker packer(source, options.packed_path, pool);
  const auto load = [&](const std::string& name) {
    return Linear::Load(source, name, *kernels_, options.f32_activations, packer);
  };
  const size_t count = config().layers.size();
  const auto report = [&](size_t done) {
    if (options.progress)
      options.progress(static_cast<double>(done) / static_cast<double>(count + 1));
  };
  for (size_t i = 0; i < count; ++i) {
    const std::string prefix = absl::StrCat("model.layers.", i, ".");
    DecoderLayer layer;
    layer.config = config().layers[i];
    layer.attention_norm = LoadVector(source, prefix + "input_layernorm.weight");
    layer.ffn_norm = LoadVector(source, prefix + "post_attention_layernorm.weight");
    CRIA_ASSIGN_OR_RETURN(layer.q, load(prefix + "self_attn.q_proj"));
    CRIA_ASSIGN_OR_RETURN(layer.k, load(prefix + "self_attn.k_proj"));
    CRIA_ASSIGN_OR_RETURN(layer.v, load(prefix + "self_attn.v_proj"));
    CRIA_ASSIGN_OR_RETURN(layer.o, load(prefix + "self_attn.o_proj"));
    CRIA_ASSIGN_OR_RETURN(layer.gate, load(prefix + "mlp.gate_proj"));
    CRIA_ASSIGN_OR_RETURN(layer.up, load(prefix + "mlp.up_proj"));
    CRIA_ASSIGN_OR_RETURN(layer.down, load(prefix + "mlp.down_proj"));
    layers_.push_back(std::move(layer));
    report(i + 1);
  }
  final_norm_ = LoadVector(source, "model.norm.weight");
  embedding_ = *source.Find("model.embed_tokens.weight");
  if (source.Find("model.embed_tokens.scales") != nullptr)
    embedding_scales_ = LoadVector(source, "model.embed_tokens.scales");
  CRIA_ASSIGN_OR_RETURN(head_, load(config().tied_embeddings ? "model.embed_tokens" : "lm_head"));
  packed_file_status_ = packer.Finish();
  report(count + 1);
  return absl::OkStatus();
}

uint64_t Model::packed_bytes() const {
  uint64_t bytes = head_.bytes();
  for (const DecoderLayer& layer : layers_) {
    for (const Linear* linear :
         {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down})
      bytes += linear->bytes();
  }
  return bytes;
}

void Model::Embed(int32_t token, float* out) const {
  const int64_t hidden = config().hidden;
  const size_t row_bytes = embedding_.row_bytes();
  tensor::Decode(embedding_.dtype, embedding_.bytes.data() + static_cast<size_t>(token) * row_bytes,
                 hidden, out);
  if (embedding_scales_.empty()) return;
  const auto groups = static_cast<int64_t>(embedding_scales_.size()) / embedding_.rows();
  const float* scales = embedding_scales_.data() + token * groups;
  for (int64_t i = 0; i < hidden; ++i) out[i] *= scales[i / (hidden / groups)];
}

}  // namespace cria::model
