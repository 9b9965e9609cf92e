// Fields of a model's JSON files: a wrong one is damage of the file (kDataLoss), and the message
// names it.
#ifndef CRIA_CHECKPOINT_CONFIG_FIELDS_H_
#define CRIA_CHECKPOINT_CONFIG_FIELDS_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/json.h"
#include "base/status.h"

namespace cria::checkpoint {

absl::StatusOr<base::json::object> ParseObject(std::string_view json);

absl::Status MissingField(std::string_view key);
absl::Status WrongFieldType(std::string_view key, std::string_view expected,
                            const base::json::value& found);

// What base/json.h answers about a field, with kDataLoss for a wrong type.
template <typename T>
absl::StatusOr<std::optional<T>> FromFile(absl::StatusOr<std::optional<T>> field) {
  if (field.ok()) return field;
  return absl::DataLossError(field.status().message());
}

absl::StatusOr<int64_t> RequireInt(const base::json::object& fields, std::string_view key);
absl::StatusOr<double> RequireDouble(const base::json::object& fields, std::string_view key);
absl::StatusOr<bool> BoolOr(const base::json::object& fields, std::string_view key, bool absent);

// kUnimplemented if the config says that the weights are quantised.
absl::Status CheckNotQuantized(const base::json::object& fields);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_CONFIG_FIELDS_H_
