// A model as it lies on disk: opened, validated and mapped. One type for every format:
//
//   Hugging Face directory   config.json, model*.safetensors, tokenizer.json, ...; of a llama
//   model,
//                            or of a BERT encoder with what sentence-transformers adds
//   GGUF file                *.gguf, architecture llama
//   Meta directory           consolidated.*.pth, params.json, tokenizer.model; also the
//                            int4 releases by SpinQuant and QLoRA
//   llama2.c file            *.bin version 0, with tokenizer.bin beside it
//
// Tensors go by canonical names, those of Hugging Face's llama layout, whatever the format calls
// them:
//   model.embed_tokens.weight  model.norm.weight  lm_head.weight
//   model.layers.N.{input_layernorm,post_attention_layernorm}.weight
//   model.layers.N.self_attn.{q,k,v,o}_proj.weight  model.layers.N.mlp.{gate,up,down}_proj.weight
// and for device-quantised checkpoints, beside an I8 `X.weight`: `X.scales` F32 [rows, cols /
// group], and for LoRA `X.adaptor.A.weight` [rank, cols], `X.adaptor.B.weight` [rows, rank].
// Those of an encoder keep the names of Hugging Face's BertModel (embeddings.*, encoder.layer.N.*).
#ifndef CRIA_CHECKPOINT_CHECKPOINT_H_
#define CRIA_CHECKPOINT_CHECKPOINT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "checkpoint/config.h"
#include "tensor/tensor.h"

namespace cria::checkpoint {

// Beside the files of a model may lie its weights in the form in which they run (model/
// packed_file.h): they end in this, and are no part of it.
inline constexpr char kPackedSuffix[] = ".packed";

enum class Format : uint8_t { kHuggingFace, kGguf, kMeta, kLlama2c };
std::string_view Name(Format format);

// A vocabulary that comes as a list rather than as a tokenizer file (GGUF, llama2.c).
struct Vocabulary {
  std::string model;  // "gpt2" (byte-level BPE) or "llama" (SentencePiece BPE with byte fallback)
  std::string pre;    // GGUF tokenizer.ggml.pre
  std::vector<std::string> tokens;  // as stored
  std::vector<float> scores;        // "llama": one per token
  std::vector<int32_t>
      types;  // GGUF token types: 1 normal, 2 unknown, 3 control, 4 user, 5 unused, 6 byte
  std::vector<std::string> merges;  // "gpt2": "left right"
  bool add_space_prefix = true;     // "llama"
};

// The raw material of a tokenizer; text/ makes one of it.
struct TokenizerData {
  enum class Kind : uint8_t { kNone, kTiktoken, kHuggingFace, kWordPiece, kVocabulary };
  Kind kind = Kind::kNone;
  // The content: kTiktoken: tokenizer.model; kHuggingFace: tokenizer.json; kWordPiece: vocab.txt.
  std::string file;
  std::string config;         // kHuggingFace, kWordPiece: tokenizer_config.json, or empty
  Vocabulary vocabulary;      // kVocabulary
  std::string chat_template;  // Jinja source, or empty
};

struct TensorEntry {
  std::string name;    // canonical
  std::string source;  // what the file calls it
  tensor::View view;
};

// Immutable after Open; share freely between threads. Owns the mappings that the views point into.
class Checkpoint {
 public:
  struct Parts {  // what a format's reader delivers
    Format format = Format::kHuggingFace;
    std::string path;
    ModelConfig config;
    TokenizerData tokenizer;
    std::vector<TensorEntry> tensors;
    // What the views point into: mapped files, and memory that a reader has filled.
    std::vector<std::shared_ptr<const base::MappedFile>> files;
    std::vector<std::shared_ptr<const void>> owners;
  };

  // Opens whatever `path` is (directory or file) by looking at its content. Errors name the file,
  // the tensor, the expected and the actual: kNotFound, kDataLoss (damaged), kUnimplemented (a
  // known thing Cria doesn't run).
  static absl::StatusOr<std::shared_ptr<const Checkpoint>> Open(const std::string& path);

  // Validates that tensors and config agree (every tensor of the architecture there, once, with the
  // right shape; none that would be ignored silently) and builds the index. Open calls it; writers
  // and tests may too.
  static absl::StatusOr<std::shared_ptr<const Checkpoint>> FromParts(Parts parts);

  Format format() const { return parts_.format; }
  const std::string& path() const { return parts_.path; }
  const ModelConfig& config() const { return parts_.config; }
  const TokenizerData& tokenizer() const { return parts_.tokenizer; }
  const std::vector<TensorEntry>& tensors() const { return parts_.tensors; }

  // The tensor of that canonical name, or nullptr.
  const tensor::View* Find(std::string_view name) const;

  // The mapped files that tensors lie in.
  const std::vector<std::shared_ptr<const base::MappedFile>>& files() const { return parts_.files; }
  // Gives back the memory in which mapped bytes of a tensor were read; they are read from their
  // file again when they are used again. Does nothing for bytes that lie in no file.
  void DropPages(std::span<const uint8_t> bytes) const;

  int64_t parameters()
      const;  // weights that the model has (a tied head counts once; scales and LoRA don't count)
  uint64_t bytes() const;  // bytes of all tensors

 private:
  explicit Checkpoint(Parts parts) : parts_(std::move(parts)) {}

  Parts parts_;
  std::map<std::string, size_t, std::less<>> index_;
};

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_CHECKPOINT_H_
