// Vectors of texts: by an encoder, or by the hidden states of a text model, behind one interface.
#ifndef CRIA_ENGINE_EMBEDDING_H_
#define CRIA_ENGINE_EMBEDDING_H_

#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "engine/loaded_model.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace cria::engine {

// What becomes of a text that is longer than the model takes.
enum class TooLong : uint8_t {
  kRefuse,
  kCutStart,  // its end is kept
  kCutEnd,    // its beginning is kept
};

// Immutable: share freely between threads. The methods that compute take turns on `pool`.
class TextEmbedder {
 public:
  virtual ~TextEmbedder() = default;

  virtual int64_t dimension() const = 0;
  // Tokens of one text, with the special ones that the model wants around it.
  virtual int64_t max_tokens() const = 0;
  virtual int64_t vocab_size() const = 0;
  virtual uint64_t bytes() const = 0;  // memory of the weights

  // The ids of an input as Embed takes them: a text is encoded, with special tokens around it; ids
  // are as the caller wants them. At most max_tokens(), by cutting where that is allowed: of a text
  // the text is cut and not the special tokens. kResourceExhausted where it is longer and not to be
  // cut; kInvalidArgument for a text where the model has no tokenizer.
  absl::StatusOr<std::vector<text::TokenId>> Prepare(
      const std::variant<std::string, std::vector<text::TokenId>>& input, TooLong too_long) const;

  // One vector of Euclidean length 1 for each of `inputs`, [inputs][dimension()], computed
  // together; each is the same in any company. kInvalidArgument for an input without tokens or with
  // ids outside the vocabulary; kResourceExhausted for one longer than max_tokens().
  virtual absl::StatusOr<std::vector<std::vector<float>>> Embed(
      std::span<const std::vector<text::TokenId>> inputs, base::ThreadPool& pool) const = 0;

 protected:
  virtual const text::Tokenizer* tokenizer() const = 0;  // nullptr: there is none
  // What stands before and behind a text.
  virtual std::vector<text::TokenId> before() const = 0;
  virtual std::vector<text::TokenId> behind() const = 0;
  // An encoder has no conversation whose marks a text could forge: it reads "[MASK]" as its
  // authors' own software does.
  virtual text::SpecialText special_text() const = 0;
};

// Opens what `checkpoint` holds: a BERT encoder with the pooling that it declares (the mean of the
// last hidden states, or the first one), or a text model (the mean of the hidden states after the
// last norm). Errors are those of model::Encoder::Load and LoadedModel::Load.
absl::StatusOr<std::shared_ptr<const TextEmbedder>> OpenEmbedder(
    std::shared_ptr<const checkpoint::Checkpoint> checkpoint, const model::ModelOptions& options,
    base::ThreadPool& pool);

// The mean of a text model's hidden states after the last norm over all tokens, scaled to Euclidean
// length 1, [H]. Errors as of TextEmbedder::Embed.
absl::StatusOr<std::vector<float>> Embed(const LoadedModel& model,
                                         std::span<const text::TokenId> ids,
                                         base::ThreadPool& pool);

// A text model that is loaded already, which it shares.
std::shared_ptr<const TextEmbedder> EmbedderOf(std::shared_ptr<const LoadedModel> model);

}  // namespace cria::engine

#endif  // CRIA_ENGINE_EMBEDDING_H_
