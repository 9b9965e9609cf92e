#include "checkpoint/config_fields.h"

#include <string>

#include "base/quote.h"

namespace cria::checkpoint {

using base::json::object;
using base::json::value;

absl::StatusOr<object> ParseObject(std::string_view json) {
  CRIA_ASSIGN_OR_RETURN(value document, base::ParseJson(json, "JSON"));
  if (!document.is_object())
    return absl::DataLossError(
        absl::StrCat("expected an object, found ", std::string(base::JsonTypeName(document))));
  return std::move(document.get_object());
}

absl::Status MissingField(std::string_view key) {
  return absl::DataLossError(absl::StrCat("'", std::string(key), "' is missing"));
}

absl::Status WrongFieldType(std::string_view key, std::string_view expected, const value& found) {
  return absl::DataLossError(absl::StrCat("'", std::string(key), "': expected ",
                                          std::string(expected), ", found ",
                                          std::string(base::JsonTypeName(found))));
}

absl::StatusOr<int64_t> RequireInt(const object& fields, std::string_view key) {
  CRIA_ASSIGN_OR_RETURN(const auto field, FromFile(base::GetInt(fields, key)));
  if (!field) return MissingField(key);
  return *field;
}

absl::StatusOr<double> RequireDouble(const object& fields, std::string_view key) {
  CRIA_ASSIGN_OR_RETURN(const auto field, FromFile(base::GetDouble(fields, key)));
  if (!field) return MissingField(key);
  return *field;
}

absl::StatusOr<bool> BoolOr(const object& fields, std::string_view key, bool absent) {
  CRIA_ASSIGN_OR_RETURN(const auto field, FromFile(base::GetBool(fields, key)));
  return field.value_or(absent);
}

absl::Status CheckNotQuantized(const object& fields) {
  const value* quantization = base::Find(fields, "quantization_config");
  if (quantization == nullptr) return absl::OkStatus();
  const object* scheme = quantization->if_object();
  const value* method = scheme == nullptr ? nullptr : base::Find(*scheme, "quant_method");
  const bool named = method != nullptr && method->is_string();
  const std::string name =
      named ? std::string(method->get_string().data(), method->get_string().size()) : "unnamed";
  return absl::UnimplementedError(
      absl::StrCat("quantization_config: method ", base::Quote(name),
                   " is not supported; use the unquantised model or a GGUF file"));
}

}  // namespace cria::checkpoint
