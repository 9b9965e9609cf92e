#include "server/identity.h"

#include <algorithm>

#include "absl/strings/str_split.h"

namespace cria::server {
namespace {

namespace json = base::json;

// "groups", else "a.b": the member b of the object a.
const json::value* FindClaim(const json::object& claims, std::string_view name) {
  const json::value* whole = base::Find(claims, name);
  const size_t dot = name.find('.');
  if (whole != nullptr || dot == std::string_view::npos) return whole;
  const json::object* inner = base::FindObject(claims, name.substr(0, dot));
  return inner == nullptr ? nullptr : FindClaim(*inner, name.substr(dot + 1));
}

void AppendValues(const json::value& value, std::vector<std::string>* values) {
  const auto add = [&](std::string text) {
    if (std::find(values->begin(), values->end(), text) == values->end())
      values->push_back(std::move(text));
  };
  if (value.is_string()) {
    const std::vector<std::string> words = absl::StrSplit(
        std::string(value.get_string()), absl::ByAnyChar(" \t\r\n"), absl::SkipEmpty());
    for (const std::string& word : words) add(word);
  } else if (value.is_array()) {
    for (const json::value& one : value.get_array())
      if (one.is_string()) add(std::string(one.get_string()));
  } else if (value.is_number()) {
    add(json::serialize(value));
  }
}

}  // namespace

Attributes AttributesFromClaims(const json::object& claims, const ClaimsMapping& mapping) {
  Attributes attributes;
  for (const auto& [claim, attribute] : mapping) {
    const json::value* value = FindClaim(claims, claim);
    if (value != nullptr) AppendValues(*value, &attributes[attribute]);
  }
  return attributes;
}

Attributes AttributesFromJson(const json::object& object) {
  Attributes attributes;
  for (const auto& [key, value] : object) AppendValues(value, &attributes[std::string(key)]);
  return attributes;
}

}  // namespace cria::server
