#include "checkpoint/meta_reader.h"

#include <cmath>
#include <filesystem>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/file.h"
#include "base/quote.h"
#include "checkpoint/inventory.h"
#include "checkpoint/meta_config.h"
#include "checkpoint/meta_shards.h"
#include "checkpoint/rope_scaling.h"
#include "tensor/block_codec.h"

namespace cria::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxParamsBytes = uint64_t{1} << 20;
constexpr uint64_t kMaxTokenizerBytes = uint64_t{256} << 20;
constexpr int kMaxShards = 100;  // two digits
constexpr int64_t kOriginalContext = 8192, kScaledContext = 131072;
constexpr char kOnlyShard[] = "consolidated.pth";

std::string Join(const std::string& directory, std::string_view name) {
  return (fs::path(directory) / name).string();
}

std::string ShardName(int rank) { return absl::StrFormat("consolidated.%02d.pth", rank); }

// consolidated.pth, or consolidated.00.pth and its successors without a gap.
absl::StatusOr<std::vector<std::string>> ShardPaths(const std::string& directory) {
  std::vector<std::string> paths;
  int found = 0;
  for (int rank = 0; rank < kMaxShards; ++rank) {
    const std::string path = Join(directory, ShardName(rank));
    if (!base::PathExists(path)) continue;
    if (found++ != rank)
      return absl::NotFoundError(absl::StrCat(directory, ": there is ", ShardName(rank),
                                              ", but not ", ShardName(found - 1)));
    paths.push_back(path);
  }
  const std::string only = Join(directory, kOnlyShard);
  if (base::PathExists(only)) {
    if (!paths.empty())
      return absl::InvalidArgumentError(absl::StrCat(directory, ": holds both ", kOnlyShard,
                                                     " and ", ShardName(0), "; remove one"));
    paths.push_back(only);
  }
  if (paths.empty())
    return absl::NotFoundError(
        absl::StrCat(directory, ": there is no ", ShardName(0), " beside params.json"));
  return paths;
}

absl::StatusOr<MetaShard> OpenShard(const std::string& path) {
  CRIA_ASSIGN_OR_RETURN(const auto file, base::MappedFile::Open(path));
  MetaShard shard{path, file, file->bytes().size(), {}};
  CRIA_ASSIGN_OR_RETURN(shard.tensors, ParseTorchArchive(file->bytes(), path));
  return shard;
}

// The numbers that follow from the tensors.
class ConfigMaker {
 public:
  ConfigMaker(const MetaParams& params, const std::vector<TensorEntry>& tensors,
              const TensorIndex& index)
      : params_(params), tensors_(tensors), index_(index) {}

  absl::StatusOr<ModelConfig> Make() {
    ModelConfig config;
    config.architecture = "llama";
    config.hidden = params_.dim;
    config.norm_eps = params_.norm_eps;
    config.rope_theta = params_.rope_theta;
    config.rope_pairing = RopePairing::kAdjacent;
    config.max_context =
        params_.scaled_rope && !params_.quantized ? kScaledContext : kOriginalContext;
    config.tied_embeddings = true;  // unless a head of its own is there: FromParts sees to it
    config.int8_token_activations = params_.quantized;
    config.ffn_hadamard = params_.spinquant;
    config.lora_scale = params_.lora_scale;
    if (params_.scaled_rope)
      config.rope_scaling = {RopeScaling::Type::kLlama3, MetaRopeFactor(params_, HeadIsEmbedding()),
                             1, params_.high_freq_factor, kOriginalContext};
    CRIA_ASSIGN_OR_RETURN(const int64_t rows, Rows("model.embed_tokens.weight"));
    config.vocab = params_.vocab.value_or(rows);
    CRIA_ASSIGN_OR_RETURN(config.head_dim, HeadDim());
    config.rotary_dim = config.head_dim;
    for (int64_t i = 0; i < params_.layers; ++i) {
      CRIA_ASSIGN_OR_RETURN(const int64_t ffn,
                            Rows(absl::StrCat("model.layers.", i, ".mlp.gate_proj.weight")));
      config.layers.push_back({params_.heads, params_.kv_heads, ffn});
    }
    return config;
  }

 private:
  bool HeadIsEmbedding() const {
    return !index_.contains("lm_head.weight") ||
           SameTensor(tensors_, index_, "lm_head.weight", "model.embed_tokens.weight");
  }

  absl::StatusOr<int64_t> Rows(const std::string& name) const {
    const auto found = index_.find(name);
    if (found == index_.end()) return absl::DataLossError(MissingTensor(Format::kMeta, name));
    const TensorEntry& entry = tensors_[found->second];
    if (entry.view.shape.rank() == 2) return entry.view.shape[0];
    return absl::DataLossError(absl::StrCat("tensor ", base::Quote(entry.source), ": shape ",
                                            entry.view.shape.ToString(), ", expected a matrix"));
  }

  absl::StatusOr<int64_t> HeadDim() const {
    if (params_.head_dim) return *params_.head_dim;
    CRIA_ASSIGN_OR_RETURN(const int64_t rows, Rows("model.layers.0.self_attn.q_proj.weight"));
    if (rows % params_.heads == 0) return rows / params_.heads;
    return absl::DataLossError(absl::StrCat("tensor 'layers.0.attention.wq.weight' has ", rows,
                                            " rows, params.json says n_heads ", params_.heads,
                                            ": expected a multiple"));
  }

  const MetaParams& params_;
  const std::vector<TensorEntry>& tensors_;
  const TensorIndex& index_;
};

bool IsPlainFloat(tensor::DType dtype) {
  return dtype == tensor::DType::kF32 || dtype == tensor::DType::kF16 ||
         dtype == tensor::DType::kBf16;
}

// Llama 2's files store the rotary frequencies; those of params.json are computed with. bfloat16
// holds them to 1/512, and another theta in use differs by more than a tenth somewhere.
absl::Status CheckRopeFreqs(const ModelConfig& config, const std::vector<TensorEntry>& tensors,
                            const TensorIndex& index) {
  constexpr double kTolerance = 1.0 / 128, kTiny = 1e-7;  // the step of small float16
  const auto found = index.find("rope.freqs");
  if (found == index.end()) return absl::OkStatus();
  const tensor::View& view = tensors[found->second].view;
  const int64_t pairs = config.rotary_dim / 2;
  if (!(view.shape == tensor::Shape{pairs}) || !IsPlainFloat(view.dtype))
    return absl::DataLossError(
        absl::StrCat("tensor 'rope.freqs' is ", std::string(tensor::Name(view.dtype)), " ",
                     view.shape.ToString(), ", expected floats [", pairs, "]"));
  std::vector<float> stored(static_cast<size_t>(pairs));
  tensor::Decode(view.dtype, view.bytes.data(), pairs, stored.data());
  for (int64_t i = 0; i < pairs; ++i) {
    const double plain = RopeFrequency(config, i);
    const double value = static_cast<double>(stored[static_cast<size_t>(i)]);
    const auto agrees = [&](double expected) {
      return std::abs(value - expected) <= kTolerance * expected + kTiny;
    };
    if (agrees(plain)) continue;
    if (config.rope_scaling.type == RopeScaling::Type::kLlama3 &&
        agrees(ScaleLlama3(plain, config.rope_scaling)))
      continue;
    return absl::DataLossError(absl::StrCat(
        "tensor 'rope.freqs': element ", i, " is ", value, ", rope_theta ", config.rope_theta,
        " means ", plain, ": set 'rope_theta' in params.json to what the model was trained with"));
  }
  return absl::OkStatus();
}

absl::StatusOr<ModelConfig> MakeConfig(const MetaParams& params,
                                       const std::vector<TensorEntry>& tensors) {
  CRIA_ASSIGN_OR_RETURN(const TensorIndex index, IndexTensors(tensors));
  CRIA_ASSIGN_OR_RETURN(ModelConfig config, ConfigMaker(params, tensors, index).Make());
  CRIA_RETURN_IF_ERROR(Validate(config));  // before its numbers are computed with
  CRIA_RETURN_IF_ERROR(CheckRopeFreqs(config, tensors, index));
  return config;
}

}  // namespace

absl::StatusOr<Checkpoint::Parts> ReadMeta(const std::string& directory) {
  Checkpoint::Parts parts;
  parts.format = Format::kMeta;
  parts.path = directory;
  const std::string params_path = Join(directory, "params.json");
  CRIA_ASSIGN_OR_RETURN(const std::string json,
                        base::ReadRegularFile(params_path, kMaxParamsBytes));
  CRIA_ASSIGN_OR_RETURN(const MetaParams params, ParseMetaParams(json, params_path));
  CRIA_ASSIGN_OR_RETURN(const std::vector<std::string> paths, ShardPaths(directory));
  std::vector<MetaShard> shards;
  for (const std::string& path : paths) {
    CRIA_ASSIGN_OR_RETURN(MetaShard shard, OpenShard(path));
    shards.push_back(std::move(shard));
  }
  CRIA_RETURN_IF_ERROR(MergeMetaShards(shards, params.dim, &parts));
  absl::StatusOr<ModelConfig> config = MakeConfig(params, parts.tensors);
  if (!config.ok()) return base::Annotate(config.status(), directory);
  parts.config = *std::move(config);
  const std::string tokenizer_path = Join(directory, "tokenizer.model");
  if (base::PathExists(tokenizer_path)) {
    parts.tokenizer.kind = TokenizerData::Kind::kTiktoken;
    CRIA_ASSIGN_OR_RETURN(parts.tokenizer.file,
                          base::ReadRegularFile(tokenizer_path, kMaxTokenizerBytes));
  }
  return parts;
}

}  // namespace cria::checkpoint
