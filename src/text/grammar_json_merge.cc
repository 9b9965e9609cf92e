#include "text/grammar_json_merge.h"

#include <algorithm>

namespace cria::text {
namespace {

using base::json::array;
using base::json::object;
using base::json::value;

constexpr int kMaxNesting = 50;

bool Contains(const array& list, const value& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

array AsList(const value& types) {
  if (const array* list = types.if_array()) return *list;
  return array{types};
}

absl::Status Nothing(const std::string& path) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": nothing is allowed by both schemas that must hold"));
}

class Merger {
 public:
  absl::StatusOr<object> Merge(const object& a, const object& b, const std::string& path) {
    if (++nesting_ > kMaxNesting)
      return absl::ResourceExhaustedError(
          absl::StrCat(path, ": more than ", kMaxNesting, " schemas inside each other"));
    object merged = a;
    for (const auto& [key, theirs] : b) {
      value* ours = merged.if_contains(key);
      if (ours == nullptr) {
        merged[key] = theirs;
      } else if (!IsJsonAnnotation(key) && *ours != theirs) {
        CRIA_RETURN_IF_ERROR(MergeKeyword(std::string(key), theirs, path, ours));
      }
    }
    // Members that only one side names must be allowed by the other's additionalProperties.
    CRIA_RETURN_IF_ERROR(CloseProperties(a, b, path, &merged));
    --nesting_;
    return merged;
  }

 private:
  absl::Status MergeKeyword(const std::string& key, const value& theirs, const std::string& path,
                            value* ours) {
    const std::string here = absl::StrCat(path, "/", key);
    if (key == "type" || key == "enum") return Intersect(key, theirs, here, ours);
    if (key == "required") {
      if (!ours->is_array() || !theirs.is_array()) return Unsupported(here);
      for (const value& name : theirs.get_array())
        if (!Contains(ours->get_array(), name)) ours->get_array().push_back(name);
      return absl::OkStatus();
    }
    if (key == "properties") return MergeProperties(theirs, here, ours);
    if (key == "items" || key == "additionalProperties") return MergeValue(theirs, here, ours);
    if (key.starts_with("min") || key == "exclusiveMinimum")
      return TakeBound(theirs, true, here, ours);
    if (key.starts_with("max") || key == "exclusiveMaximum")
      return TakeBound(theirs, false, here, ours);
    return Unsupported(here);
  }

  static absl::Status Unsupported(const std::string& path) {
    return absl::UnimplementedError(
        absl::StrCat(path, ": two different values that must both hold can't be merged"));
  }

  static absl::Status Intersect(const std::string& key, const value& theirs,
                                const std::string& path, value* ours) {
    const array left = AsList(*ours), right = AsList(theirs);
    array both;
    for (const value& item : left) {
      if (Contains(right, item)) both.push_back(item);
      if (key == "type" && item == "number" && Contains(right, "integer") &&
          !Contains(left, "integer"))
        both.push_back("integer");
      if (key == "type" && item == "integer" && Contains(right, "number") &&
          !Contains(right, "integer"))
        both.push_back("integer");
    }
    if (both.empty()) return Nothing(path);
    *ours = std::move(both);
    return absl::OkStatus();
  }

  absl::Status MergeProperties(const value& theirs, const std::string& path, value* ours) {
    if (!ours->is_object() || !theirs.is_object()) return Unsupported(path);
    for (const auto& [name, schema] : theirs.get_object()) {
      value* mine = ours->get_object().if_contains(name);
      if (mine == nullptr)
        ours->get_object()[name] = schema;
      else
        CRIA_RETURN_IF_ERROR(MergeValue(schema, absl::StrCat(path, "/", std::string(name)), mine));
    }
    return absl::OkStatus();
  }

  // Schemas: true, false or an object.
  absl::Status MergeValue(const value& theirs, const std::string& path, value* ours) {
    if (*ours == theirs || theirs == true || *ours == false) return absl::OkStatus();
    if (*ours == true || theirs == false) {
      *ours = theirs;
      return absl::OkStatus();
    }
    if (!ours->is_object() || !theirs.is_object()) return Unsupported(path);
    CRIA_ASSIGN_OR_RETURN(*ours, Merge(ours->get_object(), theirs.get_object(), path));
    return absl::OkStatus();
  }

  static absl::Status TakeBound(const value& theirs, bool larger, const std::string& path,
                                value* ours) {
    if (!ours->is_number() || !theirs.is_number()) return Unsupported(path);
    const bool take = larger ? theirs.to_number<double>() > ours->to_number<double>()
                             : theirs.to_number<double>() < ours->to_number<double>();
    if (take) *ours = theirs;
    return absl::OkStatus();
  }

  static absl::Status CloseProperties(const object& a, const object& b, const std::string& path,
                                      object* merged) {
    for (const auto& [closed, open] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
      const value* additional = closed->if_contains("additionalProperties");
      const object* others = base::FindObject(*open, "properties");
      if (additional == nullptr || *additional == true || others == nullptr) continue;
      const object* named = base::FindObject(*closed, "properties");
      for (const auto& [name, schema] : *others) {
        if (named != nullptr && named->contains(name)) continue;
        if (*additional != false) return Unsupported(absl::StrCat(path, "/additionalProperties"));
        if (const array* required = base::FindArray(*open, "required"))
          if (Contains(*required, value(name))) return Nothing(path);
        merged->at("properties").get_object().erase(name);
      }
    }
    return absl::OkStatus();
  }

  int nesting_ = 0;
};

}  // namespace

bool IsJsonAnnotation(std::string_view keyword) {
  constexpr std::string_view kAnnotations[] = {
      "$schema",  "$id",           "$comment",        "$anchor",
      "$defs",    "definitions",   "title",           "description",
      "default",  "examples",      "example",         "deprecated",
      "readOnly", "writeOnly",     "contentEncoding", "contentMediaType",
      "strict",   "discriminator", "$vocabulary",     "externalDocs",
      "xml"};
  return std::find(std::begin(kAnnotations), std::end(kAnnotations), keyword) !=
             std::end(kAnnotations) ||
         keyword.starts_with("x-");
}

absl::StatusOr<object> MergeJsonSchemas(const object& a, const object& b, const std::string& path) {
  return Merger().Merge(a, b, path);
}

}  // namespace cria::text
