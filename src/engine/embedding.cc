#include "engine/embedding.h"

#include <algorithm>
#include <cmath>

#include "model/encoder.h"

namespace cria::engine {
namespace {

using text::TokenId;
using Ids = std::vector<TokenId>;

absl::Status LongerThan(int64_t limit, size_t tokens) {
  return absl::ResourceExhaustedError(absl::StrCat(
      "the text has ", tokens, " tokens, the model takes ", limit, ": shorten it or have it cut"));
}

// Leaves `room` tokens, of the beginning or of the end.
void Cut(size_t room, TooLong too_long, Ids* ids) {
  if (ids->size() <= room) return;
  const auto excess = static_cast<ptrdiff_t>(ids->size() - room);
  if (too_long == TooLong::kCutStart) {
    ids->erase(ids->begin(), ids->begin() + excess);
  } else {
    ids->resize(room);
  }
}

absl::Status CheckInput(std::span<const TokenId> input, int64_t max_tokens) {
  if (input.empty())
    return absl::InvalidArgumentError("the text has no tokens: expected at least one");
  if (static_cast<int64_t>(input.size()) > max_tokens) return LongerThan(max_tokens, input.size());
  return absl::OkStatus();
}

absl::Status CheckInputs(std::span<const Ids> inputs, int64_t max_tokens) {
  for (const Ids& input : inputs) CRIA_RETURN_IF_ERROR(CheckInput(input, max_tokens));
  return absl::OkStatus();
}

std::vector<float> WithLengthOne(std::span<const double> sum) {
  double squares = 0;
  for (const double value : sum) squares += value * value;
  const double scale = squares > 0 ? 1.0 / std::sqrt(squares) : 0.0;
  std::vector<float> vector;
  vector.reserve(sum.size());
  for (const double value : sum) vector.push_back(static_cast<float>(value * scale));
  return vector;
}

// The direction of the mean of `count` rows of `width`, which is that of their sum.
std::vector<float> MeanDirection(const float* rows, int64_t count, int64_t width) {
  std::vector<double> sum(static_cast<size_t>(width), 0.0);
  for (int64_t row = 0; row < count; ++row)
    for (int64_t i = 0; i < width; ++i)
      sum[static_cast<size_t>(i)] += static_cast<double>(rows[row * width + i]);
  return WithLengthOne(sum);
}

class EncoderEmbedder final : public TextEmbedder {
 public:
  EncoderEmbedder(std::shared_ptr<const model::Encoder> encoder,
                  std::unique_ptr<const text::Tokenizer> tokenizer)
      : encoder_(std::move(encoder)), tokenizer_(std::move(tokenizer)) {}

  int64_t dimension() const override { return config().hidden; }
  int64_t max_tokens() const override { return config().encoder->max_tokens; }
  int64_t vocab_size() const override { return config().vocab; }
  uint64_t bytes() const override { return encoder_->packed_bytes(); }

  absl::StatusOr<std::vector<std::vector<float>>> Embed(std::span<const Ids> inputs,
                                                        base::ThreadPool& pool) const override {
    CRIA_RETURN_IF_ERROR(CheckInputs(inputs, max_tokens()));
    std::vector<std::vector<float>> vectors;
    vectors.reserve(inputs.size());
    for (size_t begin = 0; begin < inputs.size();) {
      std::vector<std::span<const int32_t>> batch;
      int64_t tokens = 0;
      while (begin + batch.size() < inputs.size()) {
        const Ids& input = inputs[begin + batch.size()];
        tokens += static_cast<int64_t>(input.size());
        if (!batch.empty() && tokens > model::Encoder::kStepTokens) break;
        batch.emplace_back(input);
      }
      CRIA_ASSIGN_OR_RETURN(const std::vector<float> hidden, encoder_->Hidden(batch, pool));
      const float* rows = hidden.data();
      for (const std::span<const int32_t> text : batch) {
        const auto count = static_cast<int64_t>(text.size());
        const bool mean = config().encoder->pooling == checkpoint::EncoderConfig::Pooling::kMean;
        vectors.push_back(MeanDirection(rows, mean ? count : 1, dimension()));
        rows += count * dimension();
      }
      begin += batch.size();
    }
    return vectors;
  }

 private:
  const checkpoint::ModelConfig& config() const { return encoder_->config(); }
  const text::Tokenizer* tokenizer() const override { return tokenizer_.get(); }
  Ids before() const override { return tokenizer_->add_bos() ? Ids{*tokenizer_->bos()} : Ids(); }
  Ids behind() const override { return tokenizer_->add_eos() ? Ids{*tokenizer_->eos()} : Ids(); }
  text::SpecialText special_text() const override { return text::SpecialText::kParse; }

  const std::shared_ptr<const model::Encoder> encoder_;
  const std::unique_ptr<const text::Tokenizer> tokenizer_;
};

class TextModelEmbedder final : public TextEmbedder {
 public:
  explicit TextModelEmbedder(std::shared_ptr<const LoadedModel> model) : model_(std::move(model)) {}

  int64_t dimension() const override { return model_->config().hidden; }
  int64_t max_tokens() const override { return model_->config().max_context; }
  int64_t vocab_size() const override { return model_->config().vocab; }
  uint64_t bytes() const override { return model_->model().packed_bytes(); }

  absl::StatusOr<std::vector<std::vector<float>>> Embed(std::span<const Ids> inputs,
                                                        base::ThreadPool& pool) const override {
    CRIA_RETURN_IF_ERROR(CheckInputs(inputs, max_tokens()));
    std::vector<std::vector<float>> vectors;
    vectors.reserve(inputs.size());
    for (size_t begin = 0; begin < inputs.size();) {
      size_t count = 1, tokens = inputs[begin].size();
      while (begin + count < inputs.size() &&
             tokens + inputs[begin + count].size() <= model::Model::kMaxStepTokens)
        tokens += inputs[begin + count++].size();
      const auto batch = inputs.subspan(begin, count);
      if (count == 1) {
        CRIA_ASSIGN_OR_RETURN(std::vector<float> vector,
                              engine::Embed(*model_, batch.front(), pool));
        vectors.push_back(std::move(vector));
      } else {
        CRIA_RETURN_IF_ERROR(EmbedTogether(batch, pool, &vectors));
      }
      begin += count;
    }
    return vectors;
  }

 private:
  const text::Tokenizer* tokenizer() const override { return model_->tokenizer(); }
  Ids before() const override {
    const auto bos = model_->leading_bos();
    return bos ? Ids{*bos} : Ids();
  }
  Ids behind() const override { return {}; }
  text::SpecialText special_text() const override { return text::SpecialText::kPlain; }

  // Several texts that fit one step.
  absl::Status EmbedTogether(std::span<const Ids> batch, base::ThreadPool& pool,
                             std::vector<std::vector<float>>* vectors) const {
    std::vector<model::KvCache> caches;
    caches.reserve(batch.size());
    std::vector<model::SequenceStep> steps;
    for (const Ids& ids : batch) {
      caches.emplace_back(model_->model().kv_layout(), max_tokens());
      steps.push_back({&caches.back(), ids, model::LogitsWanted::kAll});
    }
    model::Workspace workspace;
    CRIA_ASSIGN_OR_RETURN(const model::StepLogits hidden,
                          model_->model().Hidden(steps, workspace, pool));
    const float* rows = hidden.data;
    for (const Ids& ids : batch) {
      const auto count = static_cast<int64_t>(ids.size());
      vectors->push_back(MeanDirection(rows, count, dimension()));
      rows += count * dimension();
    }
    return absl::OkStatus();
  }

  const std::shared_ptr<const LoadedModel> model_;
};

}  // namespace

absl::StatusOr<Ids> TextEmbedder::Prepare(const std::variant<std::string, Ids>& input,
                                          TooLong too_long) const {
  const auto limit = static_cast<size_t>(max_tokens());
  if (const Ids* given = std::get_if<Ids>(&input)) {
    if (too_long == TooLong::kRefuse && given->size() > limit)
      return LongerThan(max_tokens(), given->size());
    Ids ids = *given;
    Cut(limit, too_long, &ids);
    return ids;
  }
  if (tokenizer() == nullptr)
    return absl::InvalidArgumentError("the model has no tokenizer: give token ids");
  Ids ids;
  CRIA_RETURN_IF_ERROR(tokenizer()->Encode(std::get<std::string>(input), special_text(), &ids));
  const Ids first = before(), last = behind();
  const size_t around = first.size() + last.size();
  if (too_long == TooLong::kRefuse && ids.size() + around > limit)
    return LongerThan(max_tokens(), ids.size() + around);
  Cut(limit - std::min(limit, around), too_long, &ids);
  ids.insert(ids.begin(), first.begin(), first.end());
  ids.insert(ids.end(), last.begin(), last.end());
  return ids;
}

absl::StatusOr<std::shared_ptr<const TextEmbedder>> OpenEmbedder(
    std::shared_ptr<const checkpoint::Checkpoint> checkpoint, const model::ModelOptions& options,
    base::ThreadPool& pool) {
  if (!checkpoint->config().encoder) {
    CRIA_ASSIGN_OR_RETURN(auto model, LoadedModel::Load(std::move(checkpoint), options, pool));
    return EmbedderOf(std::move(model));
  }
  auto tokenizer = MakeTokenizer(checkpoint->tokenizer(), checkpoint->config());
  if (!tokenizer.ok()) return base::Annotate(tokenizer.status(), checkpoint->path());
  CRIA_ASSIGN_OR_RETURN(auto encoder, model::Encoder::Load(std::move(checkpoint), options, pool));
  return std::make_shared<EncoderEmbedder>(std::move(encoder), *std::move(tokenizer));
}

absl::StatusOr<std::vector<float>> Embed(const LoadedModel& model, std::span<const TokenId> ids,
                                         base::ThreadPool& pool) {
  CRIA_RETURN_IF_ERROR(CheckInput(ids, model.config().max_context));
  model::KvCache cache(model.model().kv_layout(), model.config().max_context);
  model::Workspace workspace;
  std::vector<double> sum(static_cast<size_t>(model.config().hidden), 0.0);
  for (size_t begin = 0; begin < ids.size(); begin += model::Model::kMaxStepTokens) {
    const size_t count = std::min<size_t>(model::Model::kMaxStepTokens, ids.size() - begin);
    const model::SequenceStep step{&cache, ids.subspan(begin, count), model::LogitsWanted::kAll,
                                   static_cast<int64_t>(ids.size())};
    CRIA_ASSIGN_OR_RETURN(const model::StepLogits hidden,
                          model.model().Hidden({&step, 1}, workspace, pool));
    for (int64_t row = 0; row < hidden.rows; ++row)
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>(hidden.row(row)[i]);
  }
  return WithLengthOne(sum);
}

std::shared_ptr<const TextEmbedder> EmbedderOf(std::shared_ptr<const LoadedModel> model) {
  return std::make_shared<TextModelEmbedder>(std::move(model));
}

}  // namespace cria::engine
