// A model ready to serve: weights, tokenizer, chat format, stop tokens, as one immutable unit.
#ifndef CRIA_ENGINE_LOADED_MODEL_H_
#define CRIA_ENGINE_LOADED_MODEL_H_

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "checkpoint/checkpoint.h"
#include "model/model.h"
#include "text/chat_format.h"
#include "text/grammar.h"
#include "text/tokenizer.h"

namespace cria::engine {

// Makes the tokenizer that a checkpoint carries; nullptr if it carries none.
absl::StatusOr<std::unique_ptr<const text::Tokenizer>> MakeTokenizer(
    const checkpoint::TokenizerData& data, const checkpoint::ModelConfig& config);

// Immutable after Load (but for the token trie, made on first use under a lock): share freely
// between threads.
class LoadedModel {
 public:
  // kUnimplemented for an encoder, which makes no text (see embedding.h); else the errors of
  // MakeTokenizer and model::Model::Load.
  static absl::StatusOr<std::shared_ptr<const LoadedModel>> Load(
      std::shared_ptr<const checkpoint::Checkpoint> checkpoint, const model::ModelOptions& options,
      base::ThreadPool& pool);

  const model::Model& model() const { return *model_; }
  const checkpoint::ModelConfig& config() const { return model_->config(); }

  // nullptr for a checkpoint without tokenizer files: it runs on token ids alone.
  const text::Tokenizer* tokenizer() const { return tokenizer_.get(); }

  // The chat format, or why there is none: kNotFound for base models, kUnimplemented for an unknown
  // template.
  absl::StatusOr<const text::ChatFormat*> chat_format() const;

  // Every id that ends an answer: the checkpoint's, the tokenizer's and the chat format's. Sorted.
  const std::vector<text::TokenId>& stop_ids() const { return stop_ids_; }
  text::StopReason StopReasonOf(text::TokenId id) const;

  // BOS, if texts of this model begin with it.
  std::optional<text::TokenId> leading_bos() const;

  std::shared_ptr<const text::TokenTrie> token_trie() const;

 private:
  LoadedModel() = default;
  void CollectStopIds();

  std::shared_ptr<const model::Model> model_;
  std::unique_ptr<const text::Tokenizer> tokenizer_;
  std::unique_ptr<const text::ChatFormat> chat_format_;
  absl::Status no_chat_format_;
  std::vector<text::TokenId> stop_ids_;
  mutable std::once_flag trie_once_;
  mutable std::shared_ptr<const text::TokenTrie> trie_;
};

}  // namespace cria::engine

#endif  // CRIA_ENGINE_LOADED_MODEL_H_
