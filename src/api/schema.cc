#include "api/schema.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "api/schema_type.h"
#include "base/check.h"

namespace cria::api {
namespace {

using Kind = SchemaType::Kind;

constexpr size_t kMaxErrors = 8;
constexpr int kMaxDepth = 64;  // schemas may refer to themselves

absl::Status CheckReferences(const SchemaType& type, const SchemaSet& set) {
  if (type.kind == Kind::kReference && !set.Has(type.name))
    return absl::InvalidArgumentError(absl::StrCat("there is no schema '", type.name, "'"));
  for (const SchemaType& part : type.parts) CRIA_RETURN_IF_ERROR(CheckReferences(part, set));
  for (const SchemaType::Field& field : type.fields)
    CRIA_RETURN_IF_ERROR(CheckReferences(field.type, set));
  return absl::OkStatus();
}

std::string TypeName(const base::json::value& value) {
  return std::string(base::JsonTypeName(value));
}

std::string Describe(const SchemaType& type) {
  switch (type.kind) {
    case Kind::kAny:
      return "a value";
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return "true or false";
    case Kind::kInt:
      return "a whole number";
    case Kind::kNumber:
      return "a number";
    case Kind::kString:
      return "a string";
    case Kind::kFreeObject:
    case Kind::kMap:
    case Kind::kObject:
      return "an object";
    case Kind::kArray:
      return "a list";
    case Kind::kReference:
      return type.name;
    case Kind::kEnum:
      return absl::StrJoin(type.values, ", ", [](std::string* out, const std::string& value) {
        absl::StrAppend(out, "'", value, "'");
      });
    case Kind::kUnion:
      break;
  }
  return "a value";
}

}  // namespace

// Walks a value along its schema.
class SchemaChecker {
 public:
  using Types = std::map<std::string, std::unique_ptr<const SchemaType>, std::less<>>;
  explicit SchemaChecker(const Types& types) : types_(types) {}

  void Check(const SchemaType& type, const base::json::value& value) {
    if (errors_.size() >= kMaxErrors) return;
    const SchemaType& real = Resolve(type);
    switch (real.kind) {
      case Kind::kAny:
        return;
      case Kind::kNull:
        return Expect(value.is_null(), real, value, "none_required");
      case Kind::kBool:
        return Expect(value.is_bool(), real, value, "bool_type");
      case Kind::kInt:
        return Expect(IsWhole(value), real, value, "int_type", true);
      case Kind::kNumber:
        return Expect(value.is_number(), real, value, "float_type", true);
      case Kind::kString:
        return Expect(value.is_string(), real, value, "string_type", true);
      case Kind::kFreeObject:
        return Expect(value.is_object(), real, value, "dict_type");
      case Kind::kEnum:
        return CheckEnum(real, value);
      case Kind::kArray:
        return CheckArray(real, value);
      case Kind::kMap:
        return CheckMap(real, value);
      case Kind::kObject:
        return CheckObject(real, value);
      case Kind::kUnion:
        return CheckUnion(real, value);
      case Kind::kReference:
        return;  // resolved
    }
  }

  std::vector<FieldError> TakeErrors() { return std::move(errors_); }

 private:
  const SchemaType& Resolve(const SchemaType& type) const {
    const SchemaType* real = &type;
    for (int depth = 0; real->kind == Kind::kReference; ++depth) {
      CRIA_CHECK(depth < kMaxDepth);
      real = types_.find(real->name)->second.get();
    }
    return *real;
  }

  static bool IsWhole(const base::json::value& value) {
    if (value.is_int64() || value.is_uint64()) return true;
    constexpr double kExact = 9007199254740992.0;  // 2^53
    return value.is_double() && std::abs(value.get_double()) <= kExact &&
           std::floor(value.get_double()) == value.get_double();
  }

  void Fail(std::string message, std::string type) {
    errors_.push_back({location_, std::move(message), std::move(type)});
  }

  void Expect(bool right, const SchemaType& type, const base::json::value& value,
              std::string_view error, bool bounded = false) {
    if (!right) {
      Fail(absl::StrCat("expected ", Describe(type), ", found ", TypeName(value)),
           std::string(error));
    } else if (bounded) {
      CheckBounds(type, value);
    }
  }

  void CheckBounds(const SchemaType& type, const base::json::value& value) {
    const bool text = value.is_string();
    const double size =
        text ? static_cast<double>(value.get_string().size()) : base::json::value_to<double>(value);
    const auto found = text ? absl::StrCat(size, " bytes") : base::json::serialize(value);
    const char* const what = text ? "a length of " : "";
    if (type.least && size < *type.least)
      Fail(absl::StrCat("expected ", what, "at least ", *type.least, ", found ", found),
           text ? "string_too_short" : "greater_than_equal");
    if (type.most && size > *type.most)
      Fail(absl::StrCat("expected ", what, "at most ", *type.most, ", found ", found),
           text ? "string_too_long" : "less_than_equal");
  }

  void CheckEnum(const SchemaType& type, const base::json::value& value) {
    if (!value.is_string()) return Expect(false, type, value, "literal_error");
    const std::string_view word = value.get_string();
    if (std::find(type.values.begin(), type.values.end(), word) != type.values.end()) return;
    constexpr size_t kShown = 40;
    Fail(absl::StrCat("expected ", type.values.size() > 1 ? "one of " : "", Describe(type),
                      ", found '", std::string(word.substr(0, kShown)), "'"),
         "literal_error");
  }

  void CheckArray(const SchemaType& type, const base::json::value& value) {
    if (!value.is_array()) return Expect(false, type, value, "list_type");
    int64_t index = 0;
    for (const base::json::value& item : value.get_array()) {
      location_.emplace_back(index++);
      Check(type.parts.front(), item);
      location_.pop_back();
    }
  }

  void CheckMap(const SchemaType& type, const base::json::value& value) {
    if (!value.is_object()) return Expect(false, type, value, "dict_type");
    for (const auto& [key, item] : value.get_object()) {
      location_.emplace_back(std::string(key));
      Check(type.parts.front(), item);
      location_.pop_back();
    }
  }

  void CheckObject(const SchemaType& type, const base::json::value& value) {
    if (!value.is_object()) return Expect(false, type, value, "model_type");
    for (const SchemaType::Field& field : type.fields) {
      const base::json::value* found = value.get_object().if_contains(field.name);
      location_.emplace_back(field.name);
      if (found == nullptr) {
        if (!field.optional)
          Fail(absl::StrCat("expected ", Describe(Resolve(field.type)), ", found nothing"),
               "missing");
      } else if (!found->is_null() || !field.optional) {
        Check(field.type, *found);
      }
      location_.pop_back();
    }
  }

  // The field that tells several shapes apart, with all values that it may have.
  struct Tag {
    std::string name;
    SchemaType type;
    bool shared = true;

    void Join(const SchemaType::Field* field) {
      shared = shared && field != nullptr && (name.empty() || name == field->name);
      if (!shared) return;
      name = field->name;
      type.kind = Kind::kEnum;
      type.values.insert(type.values.end(), field->type.values.begin(), field->type.values.end());
    }
  };

  // The field of `shape` whose word `value` doesn't have; nullptr: none.
  static const SchemaType::Field* WrongTag(const SchemaType& shape,
                                           const base::json::value& value) {
    if (!value.is_object()) return nullptr;
    for (const SchemaType::Field& field : shape.fields) {
      const base::json::value* word = base::Find(value.get_object(), field.name);
      if (field.type.kind != Kind::kEnum || word == nullptr) continue;
      const auto& values = field.type.values;
      if (!word->is_string() ||
          std::find(values.begin(), values.end(), word->get_string()) == values.end())
        return &field;
    }
    return nullptr;
  }

  // Of several shapes that all fail, the errors of the one that fails the deepest are told: it is
  // the one that was meant.
  void CheckUnion(const SchemaType& type, const base::json::value& value) {
    std::vector<FieldError> best;
    std::vector<std::string> expected;
    Tag tag;
    size_t depth = 0;
    for (const SchemaType& part : type.parts) {
      SchemaChecker attempt(types_);
      attempt.location_ = location_;
      attempt.Check(part, value);
      if (attempt.errors_.empty()) return;
      const size_t reached = Depth(attempt.errors_);
      if (reached > depth) {
        depth = reached;
        best = std::move(attempt.errors_);
      }
      std::string words = Describe(Resolve(part));
      if (std::find(expected.begin(), expected.end(), words) == expected.end())
        expected.push_back(std::move(words));
      tag.Join(WrongTag(Resolve(part), value));
    }
    if (depth > location_.size()) {
      for (FieldError& error : best) errors_.push_back(std::move(error));
      return;
    }
    if (tag.shared) {
      location_.emplace_back(tag.name);
      CheckEnum(tag.type, value.get_object().at(tag.name));
      location_.pop_back();
      return;
    }
    Fail(absl::StrCat("expected ", absl::StrJoin(expected, " or "), ", found ", TypeName(value)),
         "union_type");
  }

  // How far a shape fitted; a wrong tag such as `type` says that it was never meant.
  size_t Depth(const std::vector<FieldError>& errors) const {
    size_t deepest = 0;
    for (const FieldError& error : errors) {
      const bool tag =
          error.type == "literal_error" && error.location.size() == location_.size() + 1;
      deepest = std::max(deepest, tag ? location_.size() : error.location.size());
      if (tag) return location_.size();
    }
    return deepest;
  }

  const Types& types_;
  std::vector<std::variant<std::string, int64_t>> location_;
  std::vector<FieldError> errors_;
};

std::string FieldError::Path() const {
  std::string path;
  for (const auto& step : location) {
    if (const auto* index = std::get_if<int64_t>(&step)) {
      absl::StrAppend(&path, "[", *index, "]");
    } else {
      absl::StrAppend(&path, path.empty() ? "" : ".", std::get<std::string>(step));
    }
  }
  return path;
}

SchemaSet::SchemaSet() = default;
SchemaSet::~SchemaSet() = default;
SchemaSet::SchemaSet(SchemaSet&&) noexcept = default;
SchemaSet& SchemaSet::operator=(SchemaSet&&) noexcept = default;

absl::StatusOr<SchemaSet> SchemaSet::Parse(std::string_view text) {
  SchemaSet set;
  int line_number = 0;
  for (absl::string_view line : absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    ++line_number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty()) continue;
    const size_t space = line.find(' ');
    const std::string name(line.substr(0, space));
    const auto in_line = [&](const absl::Status& status) {
      return base::Annotate(status, absl::StrCat("line ", line_number, ", ", name));
    };
    if (space == absl::string_view::npos)
      return in_line(absl::InvalidArgumentError("expected a type after the name"));
    auto type = ParseSchemaType(std::string(line.substr(space + 1)));
    if (!type.ok()) return in_line(type.status());
    if (!set.types_.emplace(name, std::make_unique<SchemaType>(*std::move(type))).second)
      return in_line(absl::InvalidArgumentError("the name is taken"));
  }
  for (const auto& [name, type] : set.types_) {
    if (absl::Status status = CheckReferences(*type, set); !status.ok())
      return base::Annotate(status, name);
  }
  return set;
}

bool SchemaSet::Has(std::string_view name) const { return types_.find(name) != types_.end(); }

std::vector<FieldError> SchemaSet::Check(std::string_view name,
                                         const base::json::value& value) const {
  const auto found = types_.find(name);
  CRIA_CHECK(found != types_.end());
  SchemaChecker checker(types_);
  checker.Check(*found->second, value);
  return checker.TakeErrors();
}

base::json::object SchemaSet::ToJsonSchemas() const {
  base::json::object out;
  for (const auto& [name, type] : types_) out[name] = ToJsonSchema(*type);
  return out;
}

std::vector<SchemaSet::Parameter> SchemaSet::Parameters(std::string_view name) const {
  const auto found = types_.find(name);
  CRIA_CHECK(found != types_.end() && found->second->kind == Kind::kObject);
  std::vector<Parameter> out;
  for (const SchemaType::Field& field : found->second->fields)
    out.push_back({field.name, !field.optional, ToJsonSchema(field.type)});
  return out;
}

}  // namespace cria::api
