#include "provider/openai_embeddings.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/json.h"

namespace cria::provider {
namespace {

namespace json = base::json;

constexpr base::JsonLimits kLimits{.max_bytes = size_t{256} << 20, .max_depth = 16};

absl::Status Unexpected(const std::string& what) {
  return absl::UnavailableError(absl::StrCat("the embeddings that came: ", what));
}

absl::StatusOr<std::vector<float>> ReadVector(const json::array& numbers) {
  std::vector<float> vector;
  vector.reserve(numbers.size());
  double squares = 0;
  for (const json::value& number : numbers) {
    if (!number.is_number()) return Unexpected("a vector has what is no number");
    const double value = number.to_number<double>();
    squares += value * value;
    vector.push_back(static_cast<float>(value));
  }
  if (squares == 0) return vector;
  if (!std::isfinite(squares)) return Unexpected("a vector has no finite length");
  const double scale = 1 / std::sqrt(squares);
  for (float& value : vector) value = static_cast<float>(value * scale);
  return vector;
}

absl::Status Place(const json::value& item, size_t at, std::vector<std::vector<float>>* vectors) {
  const json::object* object = item.if_object();
  const json::array* numbers = object == nullptr ? nullptr : base::FindArray(*object, "embedding");
  if (numbers == nullptr || numbers->empty()) return Unexpected("one has no list \"embedding\"");
  CRIA_ASSIGN_OR_RETURN(const auto index, base::GetInt(*object, "index"));
  const int64_t place = index.value_or(static_cast<int64_t>(at));
  if (place < 0 || place >= static_cast<int64_t>(vectors->size()))
    return Unexpected(absl::StrCat("index ", place, " of ", vectors->size(), " inputs"));
  CRIA_ASSIGN_OR_RETURN((*vectors)[static_cast<size_t>(place)], ReadVector(*numbers));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<chat::Embeddings> ReadEmbeddings(std::string_view body, size_t inputs) {
  const absl::StatusOr<json::value> value = base::ParseJson(body, "the embeddings", kLimits);
  if (!value.ok()) return absl::UnavailableError(value.status().message());
  const json::object* object = value->if_object();
  const json::array* data = object == nullptr ? nullptr : base::FindArray(*object, "data");
  if (data == nullptr || data->size() != inputs)
    return Unexpected(absl::StrCat("expected a list \"data\" of ", inputs, ", found ",
                                   data == nullptr ? "none" : absl::StrCat(data->size())));
  chat::Embeddings embeddings;
  embeddings.vectors.resize(inputs);
  for (size_t i = 0; i < inputs; ++i)
    CRIA_RETURN_IF_ERROR(Place((*data)[i], i, &embeddings.vectors));
  for (const std::vector<float>& vector : embeddings.vectors)
    if (vector.empty() || vector.size() != embeddings.vectors.front().size())
      return Unexpected("some are missing, or not of one size");
  if (const json::object* usage = base::FindObject(*object, "usage")) {
    const auto tokens = base::GetInt(*usage, "prompt_tokens");
    if (tokens.ok()) embeddings.prompt_tokens = tokens->value_or(0);
  }
  return embeddings;
}

}  // namespace cria::provider
