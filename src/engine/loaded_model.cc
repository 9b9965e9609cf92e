#include "engine/loaded_model.h"

#include <algorithm>

#include "text/tokenizer_factory.h"

namespace cria::engine {
namespace {

using checkpoint::TokenizerData;
using text::TokenId;

absl::StatusOr<std::unique_ptr<const text::Tokenizer>> FromVocabulary(
    const TokenizerData& data, const checkpoint::ModelConfig& config) {
  const checkpoint::Vocabulary& vocabulary = data.vocabulary;
  text::VocabularySpec spec;
  spec.model = vocabulary.model;
  spec.pre = vocabulary.pre;
  spec.tokens = &vocabulary.tokens;
  spec.scores = &vocabulary.scores;
  spec.types = &vocabulary.types;
  spec.merges = &vocabulary.merges;
  spec.add_space_prefix = vocabulary.add_space_prefix;
  if (config.bos_id) spec.bos = static_cast<TokenId>(*config.bos_id);
  if (!config.eos_ids.empty()) spec.eos = static_cast<TokenId>(config.eos_ids.front());
  spec.add_bos = config.add_bos;
  return text::TokenizerFromVocabulary(spec);
}

}  // namespace

absl::StatusOr<std::unique_ptr<const text::Tokenizer>> MakeTokenizer(
    const TokenizerData& data, const checkpoint::ModelConfig& config) {
  switch (data.kind) {
    case TokenizerData::Kind::kNone:
      return std::unique_ptr<const text::Tokenizer>();
    case TokenizerData::Kind::kTiktoken:
      return text::TokenizerFromTiktoken(data.file);
    case TokenizerData::Kind::kHuggingFace:
      return text::TokenizerFromHuggingFace(data.file, data.config);
    case TokenizerData::Kind::kWordPiece:
      return text::TokenizerFromWordPieceVocabulary(data.file, data.config);
    case TokenizerData::Kind::kVocabulary:
      return FromVocabulary(data, config);
  }
  return absl::InternalError("unknown tokenizer kind");
}

absl::StatusOr<std::shared_ptr<const LoadedModel>> LoadedModel::Load(
    std::shared_ptr<const checkpoint::Checkpoint> checkpoint, const model::ModelOptions& options,
    base::ThreadPool& pool) {
  CRIA_RETURN_IF_ERROR(
      base::Annotate(checkpoint::CheckMakesText(checkpoint->config()), checkpoint->path()));
  std::shared_ptr<LoadedModel> loaded(new LoadedModel());
  const TokenizerData& data = checkpoint->tokenizer();
  auto tokenizer = MakeTokenizer(data, checkpoint->config());
  if (!tokenizer.ok()) return base::Annotate(tokenizer.status(), checkpoint->path());
  loaded->tokenizer_ = std::move(tokenizer).value();
  if (loaded->tokenizer_ != nullptr) {
    auto format = text::MakeChatFormat(data.chat_template, *loaded->tokenizer_);
    loaded->no_chat_format_ = base::Annotate(format.status(), checkpoint->path());
    if (format.ok()) loaded->chat_format_ = std::move(format).value();
  } else {
    loaded->no_chat_format_ = absl::NotFoundError(
        absl::StrCat(checkpoint->path(), ": no tokenizer files beside the model; use --token-ids"));
  }
  CRIA_ASSIGN_OR_RETURN(loaded->model_, model::Model::Load(std::move(checkpoint), options, pool));
  loaded->CollectStopIds();
  return std::shared_ptr<const LoadedModel>(std::move(loaded));
}

void LoadedModel::CollectStopIds() {
  for (const int64_t id : config().eos_ids) stop_ids_.push_back(static_cast<TokenId>(id));
  if (tokenizer_ != nullptr && tokenizer_->eos()) stop_ids_.push_back(*tokenizer_->eos());
  if (chat_format_ != nullptr) {
    for (TokenId id = 0; id < tokenizer_->vocab_size(); ++id)
      if (tokenizer_->IsSpecial(id) && chat_format_->StopReasonOf(id)) stop_ids_.push_back(id);
  }
  std::sort(stop_ids_.begin(), stop_ids_.end());
  stop_ids_.erase(std::unique(stop_ids_.begin(), stop_ids_.end()), stop_ids_.end());
}

absl::StatusOr<const text::ChatFormat*> LoadedModel::chat_format() const {
  if (chat_format_ == nullptr) return no_chat_format_;
  return chat_format_.get();
}

text::StopReason LoadedModel::StopReasonOf(TokenId id) const {
  if (chat_format_ != nullptr)
    if (const auto reason = chat_format_->StopReasonOf(id)) return *reason;
  return text::StopReason::kEndOfText;
}

std::optional<TokenId> LoadedModel::leading_bos() const {
  if (tokenizer_ == nullptr || !tokenizer_->add_bos()) return std::nullopt;
  return tokenizer_->bos();
}

std::shared_ptr<const text::TokenTrie> LoadedModel::token_trie() const {
  std::call_once(trie_once_, [this] {
    if (tokenizer_ != nullptr) trie_ = text::BuildTokenTrie(*tokenizer_, config().vocab);
  });
  return trie_;
}

}  // namespace cria::engine
