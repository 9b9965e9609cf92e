#include "checkpoint/hugging_face_writer.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "base/quote.h"
#include "checkpoint/rope_rows.h"
#include "checkpoint/safetensors_writer.h"
#include "checkpoint/weight_table.h"

namespace cria::checkpoint {
namespace {

namespace fs = std::filesystem;
using base::json::array;
using base::json::object;
using base::json::value;

std::string Join(const std::string& directory, std::string_view name) {
  return (fs::path(directory) / name).string();
}

absl::Status CheckExpressible(const ModelConfig& config) {
  CRIA_RETURN_IF_ERROR(CheckMakesText(config));
  if (!config.rope_divisors.empty())
    return absl::UnimplementedError(
        "a table of rope divisors can't be written to config.json; start from a checkpoint whose "
        "config names its rope scaling");
  if (config.rotary_dim != config.head_dim)
    return absl::UnimplementedError(absl::StrCat(
        "a model that rotates ", config.rotary_dim, " of the ", config.head_dim,
        " elements of a head can't be written to config.json: transformers rotates whole heads; "
        "write GGUF"));
  if (config.int8_token_activations || config.ffn_hadamard || config.lora_scale != 0)
    return absl::UnimplementedError(
        "a device-quantised model can't be written as a Hugging Face directory");
  return absl::OkStatus();
}

// One number if all layers agree, else the list.
value PerLayer(const std::vector<LayerConfig>& layers, int64_t LayerConfig::*field) {
  array list;
  for (const LayerConfig& layer : layers) list.push_back(layer.*field);
  const bool equal = std::all_of(layers.begin(), layers.end(), [&](const LayerConfig& layer) {
    return layer.*field == layers[0].*field;
  });
  return equal ? list[0] : value(std::move(list));
}

value RopeScalingJson(const RopeScaling& scaling) {
  switch (scaling.type) {
    case RopeScaling::Type::kNone:
      return nullptr;
    case RopeScaling::Type::kLinear:
      return {{"rope_type", "linear"}, {"factor", scaling.factor}};
    case RopeScaling::Type::kLlama3:
      return {{"rope_type", "llama3"},
              {"factor", scaling.factor},
              {"low_freq_factor", scaling.low_freq_factor},
              {"high_freq_factor", scaling.high_freq_factor},
              {"original_max_position_embeddings", scaling.original_context}};
  }
  return nullptr;
}

const char* TorchType(const Checkpoint& checkpoint) {
  switch (checkpoint.Find("model.embed_tokens.weight")->dtype) {
    case tensor::DType::kF16:
      return "float16";
    case tensor::DType::kBf16:
      return "bfloat16";
    default:
      return "float32";
  }
}

value EosJson(const std::vector<int64_t>& ids) {
  if (ids.empty()) return nullptr;
  if (ids.size() == 1) return ids[0];
  return array(ids.begin(), ids.end());
}

void AddTokens(const ModelConfig& config, object* fields) {
  if (config.bos_id) (*fields)["bos_token_id"] = *config.bos_id;
  (*fields)["eos_token_id"] = EosJson(config.eos_ids);
}

std::string GenerationConfigJson(const ModelConfig& config) {
  object fields;
  AddTokens(config, &fields);
  if (config.temperature) fields["temperature"] = *config.temperature;
  if (config.top_p) fields["top_p"] = *config.top_p;
  if (config.top_k) fields["top_k"] = *config.top_k;
  if (config.temperature || config.top_p || config.top_k) fields["do_sample"] = true;
  return base::json::serialize(fields);
}

class ModelWriter {
 public:
  ModelWriter(const Checkpoint& checkpoint, std::string directory)
      : checkpoint_(checkpoint), config_(checkpoint.config()), directory_(std::move(directory)) {}

  absl::Status Write() {
    CRIA_ASSIGN_OR_RETURN(const std::string config, HuggingFaceConfigJson(checkpoint_));
    CRIA_RETURN_IF_ERROR(WriteFile("config.json", config));
    CRIA_RETURN_IF_ERROR(WriteFile("generation_config.json", GenerationConfigJson(config_)));
    CRIA_RETURN_IF_ERROR(WriteTokenizer());
    return WriteTensors();
  }

 private:
  absl::Status WriteFile(std::string_view name, std::string_view content) {
    return base::WriteFileAtomically(Join(directory_, name), content);
  }

  absl::Status WriteTokenizer() {
    const TokenizerData& tokenizer = checkpoint_.tokenizer();
    if (!tokenizer.config.empty())
      CRIA_RETURN_IF_ERROR(WriteFile("tokenizer_config.json", tokenizer.config));
    if (!tokenizer.chat_template.empty())
      CRIA_RETURN_IF_ERROR(WriteFile("chat_template.jinja", tokenizer.chat_template));
    switch (tokenizer.kind) {
      case TokenizerData::Kind::kNone:
        return absl::OkStatus();
      case TokenizerData::Kind::kTiktoken:
        return WriteFile("tokenizer.model", tokenizer.file);
      case TokenizerData::Kind::kHuggingFace:
        return WriteFile("tokenizer.json", tokenizer.file);
      case TokenizerData::Kind::kWordPiece:
        return WriteFile("vocab.txt", tokenizer.file);
      case TokenizerData::Kind::kVocabulary:
        break;
    }
    return absl::UnimplementedError(
        "the vocabulary of a GGUF or llama2.c file can't be written as tokenizer.json");
  }

  absl::Status WriteTensors() {
    std::vector<SafetensorsSpec> specs;
    std::vector<WeightSpec> weights;
    for (WeightSpec& weight : WeightTable(config_)) {
      const tensor::View* view = checkpoint_.Find(weight.name);
      if (view == nullptr) continue;
      if (view->dtype == tensor::DType::kI8 || tensor::Info(view->dtype).is_block_format())
        return absl::UnimplementedError(
            absl::StrCat("tensor ", base::Quote(weight.name), " is stored as ",
                         std::string(tensor::Name(view->dtype)),
                         "; a Hugging Face directory holds F32, F16 and BF16"));
      specs.push_back({weight.name, view->dtype, view->shape});
      weights.push_back(std::move(weight));
    }
    CRIA_ASSIGN_OR_RETURN(const auto writer,
                          CreateSafetensors(Join(directory_, "model.safetensors"), std::move(specs),
                                            {{"format", "pt"}}));  // transformers asks for the key
    for (const WeightSpec& weight : weights)
      CRIA_RETURN_IF_ERROR(AppendWeight(weight, writer.get()));
    return writer->Finish();
  }

  absl::Status AppendWeight(const WeightSpec& weight, TensorFileWriter* writer) {
    const tensor::View& view = *checkpoint_.Find(weight.name);
    if (config_.rope_pairing == RopePairing::kHalves || !FollowsRopePairing(weight))
      return writer->Append(weight.name, view.bytes);
    return writer->Append(weight.name, SwapRopePairing(view, config_));
  }

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  const std::string directory_;
};

// A directory beside `path` that is removed again unless it is renamed to `path`.
absl::Status WriteDirectoryAtomically(
    const std::string& path, const std::function<absl::Status(const std::string&)>& write) {
  std::error_code error;
  if (fs::exists(path, error) && !(fs::is_directory(path, error) && fs::is_empty(path, error)))
    return absl::AlreadyExistsError(
        absl::StrCat(path, ": exists already; choose another directory or remove it"));
  fs::path target(path);
  if (!target.has_filename()) target = target.parent_path();  // "out/" means "out"
  std::string temporary = target.string() + ".XXXXXX";
  if (mkdtemp(temporary.data()) == nullptr)
    return base::FileError("cannot create a directory beside it", path);
  (void)chmod(temporary.c_str(), 0755);
  absl::Status status = write(temporary);
  if (status.ok()) {
    fs::rename(temporary, target, error);
    if (error)
      status = absl::InternalError(absl::StrCat(path, ": cannot rename: ", error.message()));
  }
  if (!status.ok()) fs::remove_all(temporary, error);
  return status;
}

}  // namespace

absl::StatusOr<std::string> HuggingFaceConfigJson(const Checkpoint& checkpoint) {
  const ModelConfig& config = checkpoint.config();
  CRIA_RETURN_IF_ERROR(CheckExpressible(config));
  object fields = {
      {"architectures", array{"LlamaForCausalLM"}},
      {"model_type", "llama"},
      {"hidden_act", "silu"},
      {"hidden_size", config.hidden},
      {"vocab_size", config.vocab},
      {"num_hidden_layers", config.layers.size()},
      {"num_attention_heads", PerLayer(config.layers, &LayerConfig::num_heads)},
      {"num_key_value_heads", PerLayer(config.layers, &LayerConfig::num_kv_heads)},
      {"intermediate_size", PerLayer(config.layers, &LayerConfig::ffn)},
      {"head_dim", config.head_dim},
      {"max_position_embeddings", config.max_context},
      {"rms_norm_eps", config.norm_eps},
      {"rope_theta", config.rope_theta},
      {"rope_scaling", RopeScalingJson(config.rope_scaling)},
      {"tie_word_embeddings", config.tied_embeddings},
      {"attention_bias", checkpoint.Find("model.layers.0.self_attn.q_proj.bias") != nullptr},
      {"mlp_bias", checkpoint.Find("model.layers.0.mlp.gate_proj.bias") != nullptr},
      {"torch_dtype", TorchType(checkpoint)}};
  if (!config.name.empty()) fields["_name_or_path"] = config.name;
  AddTokens(config, &fields);
  return base::json::serialize(fields);
}

absl::Status WriteHuggingFace(const Checkpoint& checkpoint, const std::string& directory) {
  return WriteDirectoryAtomically(directory, [&](const std::string& temporary) {
    return base::Annotate(ModelWriter(checkpoint, temporary).Write(), directory);
  });
}

}  // namespace cria::checkpoint
