#include "checkpoint/llama2c_reader.h"

#include <array>
#include <bit>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/checked_math.h"
#include "base/file.h"

namespace cria::checkpoint {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

using Bytes = std::span<const uint8_t>;

constexpr size_t kHeaderInts = 7;
constexpr size_t kHeaderBytes = kHeaderInts * sizeof(int32_t);
constexpr int32_t kMagic = 0x616b3432;  // "ak42": versions 1 and 2
constexpr int64_t kFirstByteToken = 3, kLastByteToken = 258;

struct Header {
  int64_t dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, seq_len;
  bool has_head;
  int64_t head_dim() const { return dim / n_heads; }
};

absl::Status NotAModel(std::string_view why) {
  return absl::DataLossError(absl::StrCat(
      "not a model of a known format: no GGUF or safetensors file, and as a llama2.c file ",
      absl::string_view(why.data(), why.size())));
}

absl::StatusOr<Header> ParseHeader(Bytes bytes) {
  if (bytes.size() < kHeaderBytes) return NotAModel("it is too short");
  std::array<int32_t, kHeaderInts> v;
  std::memcpy(v.data(), bytes.data(), kHeaderBytes);
  if (v[0] == kMagic)
    return absl::UnimplementedError(
        absl::StrCat("llama2.c version ", v[1], " is not supported, only version 0 is"));
  const int64_t vocab = v[5];
  const Header header = {v[0], v[1], v[2], v[3], v[4], std::abs(vocab), v[6], vocab < 0};
  const bool plausible =
      header.dim > 0 && header.dim <= kMaxWidth && header.hidden_dim > 0 &&
      header.hidden_dim <= kMaxWidth && header.n_layers > 0 && header.n_layers <= kMaxLayers &&
      header.n_heads > 0 && header.n_kv_heads > 0 && header.n_heads % header.n_kv_heads == 0 &&
      header.dim % header.n_heads == 0 && header.head_dim() % 2 == 0 && header.vocab_size > 0 &&
      header.vocab_size <= kMaxVocab && header.seq_len > 0 && header.seq_len <= kMaxContext;
  if (!plausible) return NotAModel("its header is not plausible");
  return header;
}

// Hands out the tensors in the order of the file. Sizes can't overflow: the header is bounded.
class Layout {
 public:
  explicit Layout(Bytes bytes) : bytes_(bytes), position_(kHeaderBytes) {}

  // One tensor outside the layers.
  void Take(const std::string& name, const std::string& source, tensor::Shape shape) {
    Add(name, source, std::move(shape));
  }

  // One tensor a layer, the layers behind each other.
  void TakeLayers(const std::string& name, const std::string& source, int64_t layers,
                  const tensor::Shape& shape) {
    for (int64_t i = 0; i < layers; ++i)
      Add(absl::StrCat("model.layers.", i, ".", name, ".weight"), absl::StrCat(source, "[", i, "]"),
          shape);
  }

  void Skip(int64_t floats) { position_ += static_cast<uint64_t>(floats) * sizeof(float); }

  uint64_t end() const { return position_; }

  // The views, once end() is known to be the size of the file.
  std::vector<TensorEntry> Finish() {
    for (size_t i = 0; i < entries_.size(); ++i)
      entries_[i].view.bytes = bytes_.subspan(
          offsets_[i], *tensor::ByteSize(tensor::DType::kF32, entries_[i].view.shape));
    return std::move(entries_);
  }

 private:
  void Add(std::string name, std::string source, tensor::Shape shape) {
    offsets_.push_back(position_);
    position_ += *tensor::ByteSize(tensor::DType::kF32, shape);
    entries_.push_back(
        {std::move(name), std::move(source), {tensor::DType::kF32, std::move(shape), {}}});
  }

  Bytes bytes_;
  uint64_t position_;
  std::vector<uint64_t> offsets_;
  std::vector<TensorEntry> entries_;
};

// The order of legacy_export in export.py.
absl::StatusOr<std::vector<TensorEntry>> ReadTensors(const Header& h, Bytes bytes) {
  const int64_t kv_dim = h.n_kv_heads * h.head_dim();
  Layout layout(bytes);
  layout.Take("model.embed_tokens.weight", "token_embedding_table", {h.vocab_size, h.dim});
  layout.TakeLayers("input_layernorm", "rms_att_weight", h.n_layers, {h.dim});
  layout.TakeLayers("self_attn.q_proj", "wq", h.n_layers, {h.dim, h.dim});
  layout.TakeLayers("self_attn.k_proj", "wk", h.n_layers, {kv_dim, h.dim});
  layout.TakeLayers("self_attn.v_proj", "wv", h.n_layers, {kv_dim, h.dim});
  layout.TakeLayers("self_attn.o_proj", "wo", h.n_layers, {h.dim, h.dim});
  layout.TakeLayers("post_attention_layernorm", "rms_ffn_weight", h.n_layers, {h.dim});
  layout.TakeLayers("mlp.gate_proj", "w1", h.n_layers, {h.hidden_dim, h.dim});
  layout.TakeLayers("mlp.down_proj", "w2", h.n_layers, {h.dim, h.hidden_dim});
  layout.TakeLayers("mlp.up_proj", "w3", h.n_layers, {h.hidden_dim, h.dim});
  layout.Take("model.norm.weight", "rms_final_weight", {h.dim});
  layout.Skip(h.seq_len * h.head_dim());  // freq_cis_real and freq_cis_imag: computed anew
  if (h.has_head) layout.Take("lm_head.weight", "wcls", {h.vocab_size, h.dim});
  if (layout.end() != bytes.size())
    return NotAModel(
        absl::StrCat("its header calls for ", layout.end(), " bytes, it has ", bytes.size()));
  return layout.Finish();
}

ModelConfig ConfigOf(const Header& header) {
  ModelConfig config;
  config.architecture = "llama";
  config.hidden = header.dim;
  config.vocab = header.vocab_size;
  config.head_dim = header.head_dim();
  config.max_context = header.seq_len;
  config.layers.assign(static_cast<size_t>(header.n_layers),
                       {header.n_heads, header.n_kv_heads, header.hidden_dim});
  config.norm_eps = 1e-5;
  config.rope_theta = 10000;
  config.rotary_dim = config.head_dim;
  config.rope_pairing = RopePairing::kAdjacent;
  config.tied_embeddings = !header.has_head;
  config.bos_id = 1;
  config.eos_ids = {2, 1};  // run.c stops at BOS too: it delimits the training texts
  config.add_bos = true;
  return config;
}

absl::StatusOr<TokenizerData> ReadTokenizer(const std::string& model_path, int64_t vocab,
                                            const std::string& tokenizer_path) {
  const std::filesystem::path directory = std::filesystem::path(model_path).parent_path();
  std::string path = tokenizer_path;
  for (const std::string& name :
       {absl::StrCat("tok", vocab, ".bin"), std::string("tokenizer.bin")}) {
    const std::string candidate = (directory / name).string();
    if (path.empty() && candidate != model_path && base::FileExists(candidate)) path = candidate;
  }
  TokenizerData data;
  if (path.empty()) return data;
  CRIA_ASSIGN_OR_RETURN(const auto file, base::MappedFile::Open(path));
  data.kind = TokenizerData::Kind::kVocabulary;
  CRIA_ASSIGN_OR_RETURN(data.vocabulary, ParseLlama2cTokenizer(file->bytes(), vocab, path));
  return data;
}

// As stored the spaces are plain; SentencePiece, and with it every other vocabulary, writes U+2581.
std::string SentencePieceSpelling(std::string_view token) {
  std::string spelled;
  for (const char c : token) {
    if (c == ' ')
      spelled += "\u2581";
    else
      spelled += c;
  }
  return spelled;
}

}  // namespace

absl::StatusOr<Vocabulary> ParseLlama2cTokenizer(Bytes bytes, int64_t vocab,
                                                 const std::string& what) {
  constexpr uint64_t kEntryHeader = sizeof(float) + sizeof(int32_t);
  const auto damaged = [&](std::string_view why) {
    return absl::DataLossError(
        absl::StrCat(what, ": llama2.c tokenizer: ", absl::string_view(why.data(), why.size())));
  };
  Vocabulary result;
  result.model = "llama";
  uint64_t position = sizeof(int32_t);  // the length of the longest token: not needed
  for (int64_t id = 0; id < vocab; ++id) {
    if (!base::RangeFits(position, kEntryHeader, bytes.size()))
      return damaged(absl::StrCat("ends at token ", id, " of ", vocab));
    float score = 0;
    int32_t length = 0;
    std::memcpy(&score, bytes.data() + position, sizeof score);
    std::memcpy(&length, bytes.data() + position + sizeof score, sizeof length);
    position += kEntryHeader;
    if (length < 0 || !base::RangeFits(position, static_cast<uint64_t>(length), bytes.size()))
      return damaged(absl::StrCat("token ", id, " has ", length, " bytes, ",
                                  bytes.size() - position, " are left"));
    const auto* text = reinterpret_cast<const char*>(bytes.data() + position);
    result.tokens.push_back(SentencePieceSpelling({text, static_cast<size_t>(length)}));
    result.scores.push_back(score);
    const bool is_byte = id >= kFirstByteToken && id <= kLastByteToken;
    result.types.push_back(id == 0 ? 2 : id < kFirstByteToken ? 3 : is_byte ? 6 : 1);
    position += static_cast<uint64_t>(length);
  }
  if (position != bytes.size())
    return damaged(absl::StrCat(bytes.size() - position, " bytes after the model's ", vocab,
                                " tokens: not this model's tokenizer"));
  const char* const kNames[] = {"<unk>", "<s>", "</s>"};  // stored as "\n<s>\n" to be seen
  for (size_t i = 0; i < std::min<size_t>(3, result.tokens.size()); ++i)
    result.tokens[i] = kNames[i];
  return result;
}

absl::StatusOr<Checkpoint::Parts> ParseLlama2c(Bytes bytes, const std::string& path) {
  Checkpoint::Parts parts;
  parts.format = Format::kLlama2c;
  parts.path = path;
  const absl::StatusOr<Header> header = ParseHeader(bytes);
  if (!header.ok()) return base::Annotate(header.status(), path);
  auto tensors = ReadTensors(*header, bytes);
  if (!tensors.ok()) return base::Annotate(tensors.status(), path);
  parts.tensors = *std::move(tensors);
  parts.config = ConfigOf(*header);
  return parts;
}

absl::StatusOr<Checkpoint::Parts> ReadLlama2c(const std::string& path,
                                              const std::string& tokenizer_path) {
  CRIA_ASSIGN_OR_RETURN(const auto file, base::MappedFile::Open(path));
  CRIA_ASSIGN_OR_RETURN(Checkpoint::Parts parts, ParseLlama2c(file->bytes(), path));
  parts.files.push_back(file);
  CRIA_ASSIGN_OR_RETURN(parts.tokenizer, ReadTokenizer(path, parts.config.vocab, tokenizer_path));
  return parts;
}

}  // namespace cria::checkpoint
