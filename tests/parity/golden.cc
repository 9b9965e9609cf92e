#include "golden.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/file.h"

namespace cria::parity {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{16} << 20;

absl::StatusOr<std::vector<float>> ReadFloats(const std::string& path, size_t count) {
  CRIA_ASSIGN_OR_RETURN(const std::string bytes, base::ReadFile(path, kMaxFileBytes));
  if (bytes.size() != count * sizeof(float)) {
    return absl::DataLossError(
        absl::StrCat(path, ": ", bytes.size(), " bytes, expected ", count * sizeof(float)));
  }
  std::vector<float> values(count);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

std::string Text(const base::json::object& object, std::string_view key) {
  return std::string(object.at(key).as_string());
}

absl::StatusOr<std::vector<float>> ReadLogits(const base::json::object& entry, std::string_view key,
                                              const Golden& golden) {
  if (!entry.contains(key)) return std::vector<float>();
  return ReadFloats(absl::StrCat(kGoldenFolder, "/", Text(entry, key)),
                    golden.tokens.size() * static_cast<size_t>(golden.vocab));
}

absl::StatusOr<Golden> ReadGolden(const base::json::object& entry) {
  Golden golden;
  golden.name = Text(entry, "name");
  golden.covers = Text(entry, "covers");
  golden.path = absl::StrCat(kGoldenFolder, "/", Text(entry, "path"));
  golden.vocab = entry.at("vocab").as_int64();
  golden.tokens = Integers(entry.at("tokens").as_array());
  golden.tolerance = entry.at("tolerance").as_double();
  CRIA_ASSIGN_OR_RETURN(golden.logits, ReadLogits(entry, "logits", golden));
  CRIA_ASSIGN_OR_RETURN(golden.bf16_logits, ReadLogits(entry, "bf16_logits", golden));
  CRIA_ASSIGN_OR_RETURN(golden.int8_logits, ReadLogits(entry, "int8_logits", golden));
  if (entry.contains("bf16_error")) golden.bf16_error = entry.at("bf16_error").as_double();
  return golden;
}

int32_t Argmax(std::span<const float> row) {
  return static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

// One sequence of a greedy batch.
struct Answer {
  std::vector<int32_t> next;  // tokens of the coming step
  std::vector<int32_t> made;
  std::unique_ptr<model::KvCache> cache;
  bool done = false;
};

}  // namespace

absl::StatusOr<base::json::object> LoadObject(const std::string& path) {
  CRIA_ASSIGN_OR_RETURN(const std::string text, base::ReadFile(path, kMaxFileBytes));
  CRIA_ASSIGN_OR_RETURN(const base::json::value value, base::ParseJson(text, path));
  if (!value.is_object()) return absl::DataLossError(absl::StrCat(path, ": not an object"));
  return value.as_object();
}

std::vector<int32_t> Integers(const base::json::array& array) {
  std::vector<int32_t> values;
  for (const base::json::value& value : array) {
    values.push_back(static_cast<int32_t>(value.as_int64()));
  }
  return values;
}

std::vector<double> Numbers(const base::json::array& array) {
  std::vector<double> values;
  for (const base::json::value& value : array) values.push_back(value.to_number<double>());
  return values;
}

absl::StatusOr<std::vector<Golden>> LoadGoldens() {
  CRIA_ASSIGN_OR_RETURN(const base::json::object index,
                        LoadObject(absl::StrCat(kGoldenFolder, "/index.json")));
  std::vector<Golden> goldens;
  for (const base::json::value& entry : index.at("models").as_array()) {
    CRIA_ASSIGN_OR_RETURN(Golden golden, ReadGolden(entry.as_object()));
    goldens.push_back(std::move(golden));
  }
  return goldens;
}

double RelativeError(std::span<const float> a, std::span<const float> b) {
  double difference = 0, largest = 0;
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i])) return std::numeric_limits<double>::infinity();
    difference = std::max(difference, std::abs(static_cast<double>(a[i]) - b[i]));
    largest = std::max(largest, std::abs(static_cast<double>(b[i])));
  }
  return difference / largest;
}

double NormalizedSquareError(std::span<const float> a, std::span<const float> b) {
  double difference = 0, power = 0;
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i])) return std::numeric_limits<double>::infinity();
    difference += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
    power += static_cast<double>(b[i]) * b[i];
  }
  return difference / power;
}

absl::StatusOr<std::shared_ptr<const model::Model>> LoadModel(const std::string& path,
                                                              const Arithmetic& arithmetic,
                                                              base::ThreadPool& pool) {
  CRIA_ASSIGN_OR_RETURN(auto checkpoint, checkpoint::Checkpoint::Open(path));
  model::ModelOptions options;
  options.kernels = arithmetic.kernels;
  options.kv_type = arithmetic.kv_type;
  options.f32_activations = arithmetic.f32_activations;
  return model::Model::Load(checkpoint, options, pool);
}

absl::StatusOr<std::vector<float>> AllLogits(const model::Model& model,
                                             std::span<const int32_t> tokens, size_t chunk,
                                             base::ThreadPool& pool) {
  model::KvCache cache(model.kv_layout(), static_cast<int64_t>(tokens.size()));
  model::Workspace workspace;
  std::vector<float> all;
  for (size_t begin = 0; begin < tokens.size(); begin += chunk) {
    const auto part = tokens.subspan(begin, std::min(chunk, tokens.size() - begin));
    const model::SequenceStep step{&cache, part, model::LogitsWanted::kAll};
    CRIA_ASSIGN_OR_RETURN(const model::StepLogits logits,
                          model.Forward({&step, 1}, workspace, pool));
    all.insert(all.end(), logits.data, logits.data + logits.rows * logits.vocab);
  }
  return all;
}

absl::StatusOr<std::vector<std::vector<int32_t>>> Greedy(
    const model::Model& model, const std::vector<std::vector<int32_t>>& prompts, size_t count,
    std::span<const int32_t> stop, base::ThreadPool& pool) {
  std::vector<Answer> answers(prompts.size());
  for (size_t i = 0; i < prompts.size(); ++i) {
    answers[i].next = prompts[i];
    answers[i].cache = std::make_unique<model::KvCache>(
        model.kv_layout(), static_cast<int64_t>(prompts[i].size() + count));
  }
  model::Workspace workspace;
  for (;;) {
    std::vector<model::SequenceStep> steps;
    std::vector<Answer*> running;
    int64_t tokens = 0;
    for (Answer& answer : answers) {  // prompts that don't fit the step wait for the next one
      tokens += answer.done ? 0 : static_cast<int64_t>(answer.next.size());
      if (answer.done || tokens > model::Model::kMaxStepTokens) continue;
      steps.push_back({answer.cache.get(), answer.next, model::LogitsWanted::kLast});
      running.push_back(&answer);
    }
    if (steps.empty()) break;
    CRIA_ASSIGN_OR_RETURN(const model::StepLogits logits, model.Forward(steps, workspace, pool));
    for (size_t i = 0; i < running.size(); ++i) {
      Answer& answer = *running[i];
      const int32_t token = Argmax(logits.row(static_cast<int64_t>(i)));
      answer.made.push_back(token);
      answer.next = {token};
      answer.done = answer.made.size() == count || std::ranges::find(stop, token) != stop.end();
    }
  }
  std::vector<std::vector<int32_t>> made;
  for (Answer& answer : answers) made.push_back(std::move(answer.made));
  return made;
}

}  // namespace cria::parity
