#include "checkpoint/gguf_reader.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/file.h"
#include "base/quote.h"
#include "checkpoint/gguf_names.h"
#include "checkpoint/gguf_tokenizer.h"
#include "checkpoint/inventory.h"

namespace cria::checkpoint {
namespace {

constexpr std::string_view kArchitecture = "llama";
constexpr std::string_view kEmbedding = "token_embd.weight";
constexpr std::string_view kHead = "output.weight";
constexpr std::string_view kRopeDivisors = "rope_freqs.weight";

// Keys that change the arithmetic of the architecture; each with the value that changes nothing.
struct NeutralKey {
  std::string_view key;
  double neutral;
};
constexpr NeutralKey kNeutralKeys[] = {
    {"llama.expert_count", 0},
    {"llama.attention.scale", 0},
    {"llama.attention.clamp_kqv", 0},
    {"llama.attention.max_alibi_bias", 0},
    {"llama.attention.sliding_window", 0},
    {"llama.attn_logit_softcapping", 0},
    {"llama.final_logit_softcapping", 0},
    {"llama.logit_scale", 1},
    {"llama.embedding_scale", 1},
    {"llama.residual_scale", 1},
    {"llama.rope.scaling.attn_factor", 1},
};

// Reads the config of one file; the first error ends it.
class ConfigReader {
 public:
  explicit ConfigReader(const GgufFile& file) : file_(file) {}

  absl::StatusOr<ModelConfig> Read() {
    CRIA_RETURN_IF_ERROR(ReadGeneral());
    CRIA_RETURN_IF_ERROR(RefuseUnknownArithmetic());
    CRIA_RETURN_IF_ERROR(ReadWidths());
    CRIA_RETURN_IF_ERROR(ReadHeadDim());
    CRIA_RETURN_IF_ERROR(ReadRope());
    CRIA_RETURN_IF_ERROR(ReadRopeScaling());
    CRIA_RETURN_IF_ERROR(ReadRopeDivisors());
    CRIA_RETURN_IF_ERROR(ReadVocab());
    return std::move(config_);
  }

 private:
  template <typename... Text>
  absl::Status DataLoss(const Text&... text) const {
    return absl::DataLossError(absl::StrCat(file_.what(), ": ", text...));
  }
  template <typename... Text>
  absl::Status Unimplemented(const Text&... text) const {
    return absl::UnimplementedError(absl::StrCat(file_.what(), ": ", text...));
  }

  static std::string Key(std::string_view name) {
    return absl::StrCat("llama.", std::string(name));
  }

  absl::StatusOr<int64_t> Required(std::string_view name, int64_t limit) const {
    CRIA_ASSIGN_OR_RETURN(const std::optional<int64_t> value, file_.Int(Key(name)));
    if (!value) return DataLoss("key '", Key(name), "' is missing");
    return Bounded(name, *value, limit);
  }

  absl::StatusOr<int64_t> Bounded(std::string_view name, int64_t value, int64_t limit) const {
    if (value >= 1 && value <= limit) return value;
    return DataLoss("key '", Key(name), "' is ", value, ", expected 1 to ", limit);
  }

  // One number for all layers, or an array with one for each. Empty if the key is absent.
  absl::StatusOr<std::vector<int64_t>> PerLayer(std::string_view name, int64_t limit) const;

  absl::Status ReadGeneral();
  absl::Status RefuseUnknownArithmetic() const;
  absl::Status ReadWidths();
  absl::Status ReadHeadDim();
  absl::Status ReadRope();
  absl::Status ReadRopeScaling();
  absl::Status ReadRopeDivisors();
  absl::Status ReadVocab();

  const GgufFile& file_;
  ModelConfig config_;
};

absl::StatusOr<std::vector<int64_t>> ConfigReader::PerLayer(std::string_view name,
                                                            int64_t limit) const {
  const size_t count = config_.layers.size();
  const std::string key = Key(name);
  const GgufValue* value = file_.Find(key);
  if (value == nullptr) return std::vector<int64_t>();
  if (value->type != GgufType::kArray) {
    CRIA_ASSIGN_OR_RETURN(const int64_t number, Required(name, limit));
    return std::vector<int64_t>(count, number);
  }
  CRIA_ASSIGN_OR_RETURN(const GgufArray* array, file_.Ints(key));
  if (array->count != count)
    return DataLoss("key '", key, "' has ", array->count,
                    " elements, expected one for each of the ", count, " layers");
  std::vector<int64_t> numbers(count);
  for (size_t i = 0; i < count; ++i) {
    CRIA_ASSIGN_OR_RETURN(numbers[i], Bounded(name, array->IntAt(i), limit));
  }
  return numbers;
}

absl::Status ConfigReader::ReadGeneral() {
  CRIA_ASSIGN_OR_RETURN(const auto architecture, file_.String("general.architecture"));
  if (!architecture) return DataLoss("key 'general.architecture' is missing");
  if (*architecture != kArchitecture)
    return Unimplemented("architecture ", base::Quote(*architecture),
                         " is not supported, only 'llama' is");
  CRIA_ASSIGN_OR_RETURN(const auto type, file_.String("general.type"));
  if (type && *type != "model")
    return Unimplemented("holds ", base::Quote(*type), " (general.type), expected 'model'");
  CRIA_ASSIGN_OR_RETURN(const auto parts, file_.Int("split.count"));
  if (parts && *parts > 1)
    return Unimplemented("is one of ", *parts,
                         " parts of a split model; merge them into one file first");
  CRIA_ASSIGN_OR_RETURN(const auto name, file_.String("general.name"));
  config_.architecture = std::string(kArchitecture);
  if (name) config_.name = std::string(*name);
  config_.rope_pairing = RopePairing::kAdjacent;
  return absl::OkStatus();
}

absl::Status ConfigReader::RefuseUnknownArithmetic() const {
  for (const NeutralKey& entry : kNeutralKeys) {
    CRIA_ASSIGN_OR_RETURN(const std::optional<double> value, file_.Float(entry.key));
    if (value && *value != entry.neutral && *value != 0)
      return Unimplemented("key ", base::Quote(entry.key), " is ", *value,
                           ": such models are not supported");
  }
  return absl::OkStatus();
}

absl::Status ConfigReader::ReadWidths() {
  CRIA_ASSIGN_OR_RETURN(const int64_t layers, Required("block_count", kMaxLayers));
  CRIA_ASSIGN_OR_RETURN(config_.hidden, Required("embedding_length", kMaxWidth));
  CRIA_ASSIGN_OR_RETURN(config_.max_context, Required("context_length", kMaxContext));
  config_.layers.resize(static_cast<size_t>(layers));
  CRIA_ASSIGN_OR_RETURN(const auto heads, PerLayer("attention.head_count", kMaxHeads));
  CRIA_ASSIGN_OR_RETURN(auto kv_heads, PerLayer("attention.head_count_kv", kMaxHeads));
  CRIA_ASSIGN_OR_RETURN(const auto ffn, PerLayer("feed_forward_length", kMaxWidth));
  if (heads.empty()) return DataLoss("key 'llama.attention.head_count' is missing");
  if (ffn.empty()) return DataLoss("key 'llama.feed_forward_length' is missing");
  if (kv_heads.empty()) kv_heads = heads;
  for (size_t i = 0; i < config_.layers.size(); ++i)
    config_.layers[i] = {heads[i], kv_heads[i], ffn[i]};
  const std::string epsilon = Key("attention.layer_norm_rms_epsilon");
  CRIA_ASSIGN_OR_RETURN(const std::optional<double> eps, file_.Float(epsilon));
  if (!eps) return DataLoss("key '", epsilon, "' is missing");
  config_.norm_eps = *eps;
  return absl::OkStatus();
}

absl::Status ConfigReader::ReadHeadDim() {
  CRIA_ASSIGN_OR_RETURN(const auto key_length, file_.Int(Key("attention.key_length")));
  CRIA_ASSIGN_OR_RETURN(const auto value_length, file_.Int(Key("attention.value_length")));
  const int64_t heads = config_.layers[0].num_heads;
  if ((!key_length || !value_length) && config_.hidden % heads != 0)
    return DataLoss(
        "embedding length ", config_.hidden, " is not a multiple of the ", heads,
        " heads, and the keys 'llama.attention.key_length' and 'value_length' are missing");
  const int64_t length = key_length.value_or(config_.hidden / heads);
  if (value_length.value_or(config_.hidden / heads) != length)
    return Unimplemented("attention.key_length is ", length, ", attention.value_length is ",
                         value_length.value_or(config_.hidden / heads),
                         ": models where they differ are not supported");
  CRIA_ASSIGN_OR_RETURN(config_.head_dim, Bounded("attention.key_length", length, kMaxHeadDim));
  return absl::OkStatus();
}

absl::Status ConfigReader::ReadRope() {
  CRIA_ASSIGN_OR_RETURN(const auto base, file_.Float(Key("rope.freq_base")));
  config_.rope_theta = base.value_or(10000);
  CRIA_ASSIGN_OR_RETURN(const auto rotary, file_.Int(Key("rope.dimension_count")));
  config_.rotary_dim = rotary.value_or(config_.head_dim);
  if (config_.rotary_dim < 2 || config_.rotary_dim > config_.head_dim ||
      config_.rotary_dim % 2 != 0)
    return DataLoss("key 'llama.rope.dimension_count' is ", config_.rotary_dim,
                    ", expected an even number up to the head dimension ", config_.head_dim);
  return absl::OkStatus();
}

// llama.cpp: without a type a factor means linear scaling, under its present or its old key; factor
// 0 means none.
absl::Status ConfigReader::ReadRopeScaling() {
  CRIA_ASSIGN_OR_RETURN(const auto type, file_.String(Key("rope.scaling.type")));
  CRIA_ASSIGN_OR_RETURN(auto factor, file_.Float(Key("rope.scaling.factor")));
  if (!factor) {
    CRIA_ASSIGN_OR_RETURN(factor, file_.Float(Key("rope.scale_linear")));
  }
  if (type && *type != "none" && *type != "linear")
    return Unimplemented("rope scaling ", base::Quote(*type),
                         " is not supported, only 'none' and 'linear' are");
  if ((type && *type == "none") || !factor || *factor == 0 || *factor == 1) return absl::OkStatus();
  if (!std::isfinite(*factor) || *factor < 0)
    return DataLoss("rope scaling factor is ", *factor, ", expected a positive number");
  config_.rope_scaling.type = RopeScaling::Type::kLinear;
  config_.rope_scaling.factor = *factor;
  return absl::OkStatus();
}

absl::Status ConfigReader::ReadRopeDivisors() {
  const GgufTensor* tensor = file_.FindTensor(kRopeDivisors);
  if (tensor == nullptr) return absl::OkStatus();
  const tensor::Shape expected{config_.rotary_dim / 2};
  if (tensor->view.dtype != tensor::DType::kF32 || !(tensor->view.shape == expected))
    return DataLoss("tensor '", std::string(kRopeDivisors), "' is ",
                    std::string(tensor::Name(tensor->view.dtype)), " ",
                    tensor->view.shape.ToString(), ", expected F32 ", expected.ToString());
  const GgufArray floats{
      GgufType::kF32, static_cast<uint64_t>(expected[0]), tensor->view.bytes, {}};
  for (uint64_t i = 0; i < floats.count; ++i) {
    const double divisor = floats.FloatAt(i);
    if (!std::isfinite(divisor) || divisor <= 0)
      return DataLoss("tensor '", std::string(kRopeDivisors), "': element ", i, " is ", divisor,
                      ", expected a positive number");
    config_.rope_divisors.push_back(static_cast<float>(divisor));
  }
  return absl::OkStatus();
}

absl::Status ConfigReader::ReadVocab() {
  const GgufTensor* embedding = file_.FindTensor(kEmbedding);
  if (embedding == nullptr)
    return DataLoss(MissingTensor(Format::kGguf, "model.embed_tokens.weight"));
  if (embedding->view.shape.rank() != 2)
    return DataLoss("tensor '", std::string(kEmbedding), "' has shape ",
                    embedding->view.shape.ToString(), ", expected [vocabulary, ", config_.hidden,
                    "]");
  config_.vocab = embedding->view.rows();
  CRIA_ASSIGN_OR_RETURN(const auto claimed, file_.Int(Key("vocab_size")));
  if (claimed && *claimed != config_.vocab)
    return DataLoss("key 'llama.vocab_size' is ", *claimed, ", tensor '", std::string(kEmbedding),
                    "' has ", config_.vocab, " rows");
  config_.tied_embeddings = file_.FindTensor(kHead) == nullptr;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Checkpoint::Parts> PartsFromGguf(const GgufFile& file) {
  Checkpoint::Parts parts;
  parts.format = Format::kGguf;
  parts.path = file.what();
  CRIA_ASSIGN_OR_RETURN(parts.config, ConfigReader(file).Read());
  CRIA_ASSIGN_OR_RETURN(parts.tokenizer, ReadGgufTokenizer(file, &parts.config));
  parts.tensors.reserve(file.tensors().size());
  for (const GgufTensor& tensor : file.tensors()) {
    if (tensor.name == kRopeDivisors) continue;
    std::string source(tensor.name);
    std::string name = CanonicalFromGguf(source).value_or(source);
    parts.tensors.push_back({std::move(name), std::move(source), tensor.view});
  }
  return parts;
}

absl::StatusOr<Checkpoint::Parts> ReadGguf(const std::string& path) {
  CRIA_ASSIGN_OR_RETURN(const auto mapping, base::MappedFile::Open(path));
  CRIA_ASSIGN_OR_RETURN(const GgufFile file, GgufFile::Parse(mapping->bytes(), path));
  CRIA_ASSIGN_OR_RETURN(Checkpoint::Parts parts, PartsFromGguf(file));
  parts.files.push_back(mapping);
  return parts;
}

}  // namespace cria::checkpoint
