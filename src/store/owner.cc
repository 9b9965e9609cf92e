#include "store/owner.h"

#include <utility>

#include "base/json.h"

namespace cria::store {
namespace {

namespace json = base::json;

absl::Status Unexpected() {
  return absl::DataLossError(
      "the owner of a stored row: expected a principal and lists of strings as attributes");
}

}  // namespace

std::string OwnerText(const Owner& owner) {
  if (owner.principal.empty() && owner.attributes.empty()) return "";
  json::object attributes;
  for (const auto& [name, values] : owner.attributes)
    attributes[name] = json::array(values.begin(), values.end());
  return json::serialize(
      json::object{{"principal", owner.principal}, {"attributes", std::move(attributes)}});
}

absl::StatusOr<Owner> ParseOwner(std::string_view text) {
  Owner owner;
  if (text.empty()) return owner;
  CRIA_ASSIGN_OR_RETURN(const json::value value,
                        base::ParseJson(text, "the owner of a stored row"));
  if (!value.is_object()) return Unexpected();
  const json::value* principal = base::Find(value.get_object(), "principal");
  const json::object* attributes = base::FindObject(value.get_object(), "attributes");
  if (principal == nullptr || !principal->is_string() || attributes == nullptr) return Unexpected();
  owner.principal = std::string(principal->get_string().data(), principal->get_string().size());
  for (const auto& [name, values] : *attributes) {
    if (!values.is_array()) return Unexpected();
    std::vector<std::string>& list = owner.attributes[std::string(name)];
    for (const json::value& one : values.get_array()) {
      if (!one.is_string()) return Unexpected();
      list.emplace_back(one.get_string().data(), one.get_string().size());
    }
  }
  return owner;
}

}  // namespace cria::store
