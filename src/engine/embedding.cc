#include "engine/embedding.h"

#include <algorithm>
#include <cmath>

namespace cria::engine {

absl::StatusOr<std::vector<float>> Embed(const LoadedModel& model,
                                         std::span<const text::TokenId> ids,
                                         base::ThreadPool& pool) {
  if (ids.empty())
    return absl::InvalidArgumentError("the text has no tokens: expected at least one");
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
  double squares = 0;
  for (const double value : sum) squares += value * value;
  const double scale = squares > 0 ? 1.0 / std::sqrt(squares) : 0.0;
  std::vector<float> embedding;
  for (const double value : sum) embedding.push_back(static_cast<float>(value * scale));
  return embedding;
}

}  // namespace cria::engine
