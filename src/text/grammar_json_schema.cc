#include "text/grammar_json_schema.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "text/grammar_json_merge.h"
#include "text/grammar_json_pattern.h"

namespace cria::text {
namespace {

using base::json::array;
using base::json::object;
using base::json::value;

constexpr std::string_view kObjectKeywords[] = {"properties", "required", "additionalProperties",
                                                "minProperties", "maxProperties"};
constexpr std::string_view kArrayKeywords[] = {"items", "prefixItems", "additionalItems",
                                               "minItems", "maxItems"};
constexpr std::string_view kStringKeywords[] = {"minLength", "maxLength", "pattern", "format"};
constexpr std::string_view kNumberKeywords[] = {"minimum", "maximum", "exclusiveMinimum",
                                                "exclusiveMaximum", "multipleOf"};
constexpr std::string_view kCommonKeywords[] = {"type",  "enum",  "const", "anyOf",
                                                "oneOf", "allOf", "$ref",  "nullable"};

// Formats as patterns (RFC 3339, RFC 4122; addresses in their everyday form).
constexpr char kDate[] = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])";
constexpr char kTime[] =
    "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
constexpr char kUuid[] =
    "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";
constexpr char kEmail[] =
    "[A-Za-z0-9_+-]{1,32}(\\.[A-Za-z0-9_+-]{1,32}){0,4}@[A-Za-z0-9-]{1,63}(\\.[A-Za-z0-9-]{1,63}){"
    "1,4}";
constexpr char kByte[] = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";

std::string PatternOfFormat(std::string_view format) {
  if (format == "date") return kDate;
  if (format == "time") return kTime;
  if (format == "date-time") return absl::StrCat(kDate, "T", kTime);
  if (format == "uuid") return kUuid;
  if (format == "email") return kEmail;
  if (format == "ipv4") return absl::StrCat(kByte, "(\\.", kByte, "){3}");
  return "";
}

template <size_t kCount>
bool HasAny(const object& schema, const std::string_view (&keywords)[kCount]) {
  return std::any_of(std::begin(keywords), std::end(keywords),
                     [&](std::string_view keyword) { return schema.contains(keyword); });
}

template <size_t kCount>
bool IsOneOf(std::string_view word, const std::string_view (&words)[kCount]) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

bool IsConstraint(std::string_view key, const value& content) {
  if (IsJsonAnnotation(key)) return false;
  if (key == "nullable" || key == "uniqueItems") return content != false;
  return true;
}

absl::Status Wrong(const std::string& path, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(path.empty() ? "schema" : path, ": ", what));
}

absl::Status Refused(const std::string& path, const std::string& what) {
  return absl::UnimplementedError(absl::StrCat(path, ": ", what));
}

absl::Status CheckKeywords(const object& schema, const std::string& path) {
  for (const auto& [key, content] : schema) {
    const bool known = IsOneOf(key, kCommonKeywords) || IsOneOf(key, kObjectKeywords) ||
                       IsOneOf(key, kArrayKeywords) || IsOneOf(key, kStringKeywords) ||
                       IsOneOf(key, kNumberKeywords);
    if (!known && IsConstraint(key, content))
      return Refused(absl::StrCat(path, "/", std::string(key)),
                     "this keyword can't be constrained to");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<uint32_t>> GetCount(const object& schema, const char* key,
                                                 const std::string& path) {
  CRIA_ASSIGN_OR_RETURN(const std::optional<int64_t> count, base::GetInt(schema, key));
  if (!count) return std::nullopt;
  if (*count < 0) return Wrong(absl::StrCat(path, "/", key), "expected 0 or more");
  if (*count > GrammarBuilder::kMaxRepeat)
    return absl::ResourceExhaustedError(
        absl::StrCat(path, "/", key, ": more than ", GrammarBuilder::kMaxRepeat));
  return static_cast<uint32_t>(*count);
}

struct Counts {
  uint32_t min = 0, max = kUnbounded;
};

absl::StatusOr<Counts> GetCounts(const object& schema, const char* min_key, const char* max_key,
                                 const std::string& path) {
  Counts counts;
  CRIA_ASSIGN_OR_RETURN(const auto min, GetCount(schema, min_key, path));
  CRIA_ASSIGN_OR_RETURN(const auto max, GetCount(schema, max_key, path));
  counts.min = min.value_or(0);
  counts.max = max.value_or(kUnbounded);
  if (counts.min > counts.max) return Wrong(path, absl::StrCat(min_key, " is above ", max_key));
  return counts;
}

std::string Escaped(std::string_view name) {  // RFC 6901
  std::string out;
  for (const char c : name) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

bool TypeAllows(const std::string& type, const value& item) {
  if (type == "string") return item.is_string();
  if (type == "boolean") return item.is_bool();
  if (type == "null") return item.is_null();
  if (type == "object") return item.is_object();
  if (type == "array") return item.is_array();
  if (type == "number") return item.is_number();
  if (type == "integer")
    return item.is_int64() || item.is_uint64() ||
           (item.is_double() && std::trunc(item.get_double()) == item.get_double());
  return false;
}

absl::StatusOr<std::vector<std::string>> TypesOf(const object& schema, const std::string& path) {
  std::vector<std::string> types;
  const value* type = schema.if_contains("type");
  if (type == nullptr) return types;
  const array list = type->is_array() ? type->get_array() : array{*type};
  for (const value& item : list) {
    constexpr std::string_view kTypes[] = {"string", "number", "integer", "boolean",
                                           "null",   "object", "array"};
    if (!item.is_string() || !IsOneOf(std::string_view(item.get_string()), kTypes))
      return Wrong(path + "/type",
                   "expected string, number, integer, boolean, null, object or "
                   "array, or a list of them, found " +
                       base::json::serialize(item));
    types.emplace_back(item.get_string());
  }
  if (types.empty()) return Wrong(path + "/type", "an empty list allows nothing");
  return types;
}

}  // namespace

ExprId JsonSchemaCompiler::Rule(const std::string& name, ExprId expr) {
  const RuleId rule = b_.Declare(name);
  b_.Define(rule, expr);
  return b_.Ref(rule);
}

absl::StatusOr<ExprId> JsonSchemaCompiler::AsRule(const Value& schema, const std::string& path) {
  CRIA_ASSIGN_OR_RETURN(const ExprId expr, Compile(schema, path));
  return Rule(path, expr);
}

absl::StatusOr<ExprId> JsonSchemaCompiler::Compile(const Value& schema, const std::string& path) {
  if (++nodes_ > kMaxNodes)
    return absl::ResourceExhaustedError(
        absl::StrCat(path, ": more than ", kMaxNodes, " schemas in all"));
  if (nesting_ >= kMaxNesting)
    return absl::ResourceExhaustedError(
        absl::StrCat(path, ": more than ", kMaxNesting, " schemas inside each other"));
  if (schema == true) return text_.Value();
  if (schema == false) return Wrong(path, "false allows nothing");
  if (!schema.is_object())
    return Wrong(path, absl::StrCat("expected an object, true or false, found ",
                                    std::string(base::JsonTypeName(schema))));
  ++nesting_;
  auto expr = CompileObjectSchema(schema.get_object(), path);
  --nesting_;
  return expr;
}

absl::StatusOr<ExprId> JsonSchemaCompiler::CompileObjectSchema(const Object& schema,
                                                               const std::string& path) {
  CRIA_RETURN_IF_ERROR(CheckKeywords(schema, path));
  CRIA_ASSIGN_OR_RETURN(const std::optional<bool> nullable, base::GetBool(schema, "nullable"));
  if (nullable.value_or(false)) {
    Object without = schema;
    without.erase("nullable");
    CRIA_ASSIGN_OR_RETURN(const ExprId expr, Compile(without, path));
    return b_.Choice({expr, b_.Literal("null")});
  }
  CRIA_ASSIGN_OR_RETURN(const std::optional<std::string> ref, base::GetString(schema, "$ref"));
  const bool alone = std::count_if(schema.begin(), schema.end(), [](const auto& member) {
                       return IsConstraint(member.key(), member.value());
                     }) == 1;
  if (ref && alone) return Reference(*ref, path);
  if (ref || schema.contains("allOf")) {
    CRIA_ASSIGN_OR_RETURN(const Object merged, MergeAll(schema, path));
    return Compile(merged, path);
  }
  for (const char* key : {"anyOf", "oneOf"})
    if (schema.contains(key)) return Alternatives(schema, key, path);
  if (schema.contains("const") || schema.contains("enum")) return OneOfValues(schema, path);
  return OfTypes(schema, path);
}

absl::StatusOr<const value*> JsonSchemaCompiler::Resolve(const std::string& pointer,
                                                         const std::string& path) const {
  if (pointer != "#" && !absl::StartsWith(pointer, "#/"))
    return Refused(path + "/$ref", "'" + pointer + "' is not in this schema (\"#/...\")");
  boost::system::error_code error;
  const value* target = root_.find_pointer(std::string_view(pointer).substr(1), error);
  if (target == nullptr) return Wrong(path + "/$ref", "there is no '" + pointer + "'");
  return target;
}

absl::StatusOr<ExprId> JsonSchemaCompiler::Reference(const std::string& pointer,
                                                     const std::string& path) {
  if (const auto found = references_.find(pointer); found != references_.end())
    return b_.Ref(found->second);
  CRIA_ASSIGN_OR_RETURN(const Value* const target, Resolve(pointer, path));
  const RuleId rule = b_.Declare(pointer);
  references_[pointer] = rule;  // before it is made: it may refer to itself
  CRIA_ASSIGN_OR_RETURN(const ExprId expr, Compile(*target, pointer));
  b_.Define(rule, expr);
  return b_.Ref(rule);
}

// $ref and allOf, folded into the keywords beside them.
absl::StatusOr<object> JsonSchemaCompiler::MergeAll(const Object& schema, const std::string& path) {
  Object merged = schema;
  merged.erase("allOf");
  merged.erase("$ref");
  std::vector<const Value*> parts;
  if (const Value* ref = schema.if_contains("$ref")) {
    CRIA_ASSIGN_OR_RETURN(const Value* const target, Resolve(std::string(ref->get_string()), path));
    parts.push_back(target);
  }
  if (const Value* all = schema.if_contains("allOf")) {
    if (!all->is_array()) return Wrong(path + "/allOf", "expected a list");
    for (const Value& part : all->get_array()) parts.push_back(&part);
  }
  for (const Value* part : parts) {
    if (++nodes_ > kMaxNodes)
      return absl::ResourceExhaustedError(
          absl::StrCat(path, ": more than ", kMaxNodes, " schemas in all"));
    if (*part == true) continue;
    if (!part->is_object()) return Wrong(path + "/allOf", "expected a list of schemas");
    if (part->get_object().contains("$ref") || part->get_object().contains("allOf")) {
      if (nesting_ >= kMaxNesting)
        return absl::ResourceExhaustedError(
            absl::StrCat(path, ": more than ", kMaxNesting, " schemas inside each other"));
      ++nesting_;
      auto flat = MergeAll(part->get_object(), path);
      --nesting_;
      if (!flat.ok()) return flat.status();
      CRIA_ASSIGN_OR_RETURN(merged, MergeJsonSchemas(merged, *flat, path));
    } else {
      CRIA_ASSIGN_OR_RETURN(merged, MergeJsonSchemas(merged, part->get_object(), path));
    }
  }
  return merged;
}

absl::StatusOr<ExprId> JsonSchemaCompiler::Alternatives(const Object& schema, const char* key,
                                                        const std::string& path) {
  const std::string here = absl::StrCat(path, "/", key);
  const array* list = base::FindArray(schema, key);
  if (list == nullptr || list->empty()) return Wrong(here, "expected a list of schemas");
  Object rest = schema;
  rest.erase(key);
  const bool alone = std::none_of(rest.begin(), rest.end(), [](const auto& member) {
    return IsConstraint(member.key(), member.value());
  });
  std::vector<ExprId> ways;
  for (size_t i = 0; i < list->size(); ++i) {
    Value alternative = (*list)[i];
    const std::string place = absl::StrCat(here, "/", i);
    if (!alone && alternative.is_object()) {
      Object both = rest;
      both["allOf"] = array{alternative};
      alternative = std::move(both);
    }
    CRIA_ASSIGN_OR_RETURN(const ExprId way, AsRule(alternative, place));
    ways.push_back(way);
  }
  return b_.Choice(ways);
}

absl::StatusOr<ExprId> JsonSchemaCompiler::OneOfValues(const Object& schema,
                                                       const std::string& path) {
  CRIA_ASSIGN_OR_RETURN(const std::vector<std::string> types, TypesOf(schema, path));
  array values;
  if (const Value* only = schema.if_contains("const")) {
    values.push_back(*only);
  } else {
    const array* list = schema.at("enum").if_array();
    if (list == nullptr) return Wrong(path + "/enum", "expected a list of values");
    values = *list;
  }
  std::vector<ExprId> ways;
  for (const Value& item : values) {
    const bool fits = types.empty() || std::any_of(types.begin(), types.end(), [&](const auto& t) {
                        return TypeAllows(t, item);
                      });
    if (fits) ways.push_back(text_.Exactly(item));
  }
  if (ways.empty()) return Wrong(path, "none of the values is of the type that is asked for");
  return b_.Choice(ways);
}

absl::StatusOr<ExprId> JsonSchemaCompiler::OfTypes(const Object& schema, const std::string& path) {
  CRIA_ASSIGN_OR_RETURN(std::vector<std::string> types, TypesOf(schema, path));
  if (types.empty()) {
    if (HasAny(schema, kObjectKeywords)) types.push_back("object");
    if (HasAny(schema, kArrayKeywords)) types.push_back("array");
    if (HasAny(schema, kStringKeywords)) types.push_back("string");
    if (HasAny(schema, kNumberKeywords)) types.push_back("number");
    if (types.empty()) return text_.Value();
  }
  std::vector<ExprId> ways;
  for (const std::string& type : types) {
    CRIA_ASSIGN_OR_RETURN(const ExprId way, OfType(type, schema, path));
    ways.push_back(way);
  }
  return ways.size() == 1 ? ways[0] : b_.Choice(ways);
}

absl::StatusOr<ExprId> JsonSchemaCompiler::OfType(const std::string& type, const Object& schema,
                                                  const std::string& path) {
  if (type == "object") return ObjectSchema(schema, path);
  if (type == "array") return ArraySchema(schema, path);
  if (type == "string") return StringSchema(schema, path);
  if (type == "boolean") return b_.Choice({b_.Literal("true"), b_.Literal("false")});
  if (type == "null") return b_.Literal("null");
  return NumberSchema(schema, type == "integer", path);
}

absl::StatusOr<ExprId> JsonSchemaCompiler::StringSchema(const Object& schema,
                                                        const std::string& path) {
  CRIA_ASSIGN_OR_RETURN(const Counts length, GetCounts(schema, "minLength", "maxLength", path));
  CRIA_ASSIGN_OR_RETURN(const auto pattern, base::GetString(schema, "pattern"));
  CRIA_ASSIGN_OR_RETURN(const auto format, base::GetString(schema, "format"));
  const bool bounded = length.min > 0 || length.max != kUnbounded;
  const std::string by_format = pattern ? "" : PatternOfFormat(format.value_or(""));
  if (!pattern && by_format.empty())
    return bounded ? text_.StringOfLength(length.min, length.max) : text_.String();
  if (bounded && pattern)
    return Refused(path + "/pattern",
                   "a pattern beside minLength or maxLength can't be "
                   "constrained to: say the length in the pattern");
  auto content = JsonPattern(pattern ? *pattern : "^(?:" + by_format + ")$", b_, text_);
  if (!content.ok()) return base::Annotate(content.status(), path);
  return text_.Quoted(*content);
}

namespace {

// One bound: of `keyword` or of its exclusive form, whichever is tighter.
class BoundReader {
 public:
  BoundReader(const object& schema, bool integer, const std::string& path)
      : schema_(schema), integer_(integer), path_(path) {}

  absl::Status Read(const char* keyword, const char* exclusive_keyword, bool lower,
                    std::optional<int64_t>* bound, bool* exclusive) const {
    CRIA_ASSIGN_OR_RETURN(const auto inclusive, base::GetDouble(schema_, keyword));
    if (inclusive) CRIA_RETURN_IF_ERROR(Take(keyword, *inclusive, false, lower, bound, exclusive));
    const value* other = schema_.if_contains(exclusive_keyword);
    if (other == nullptr || *other == false) return absl::OkStatus();
    if (*other == true) {  // draft 4
      *exclusive = bound->has_value();
      return absl::OkStatus();
    }
    CRIA_ASSIGN_OR_RETURN(const auto outside, base::GetDouble(schema_, exclusive_keyword));
    if (!outside) return absl::OkStatus();
    return Take(exclusive_keyword, *outside, true, lower, bound, exclusive);
  }

 private:
  absl::Status Take(const char* keyword, double at, bool excluded, bool lower,
                    std::optional<int64_t>* bound, bool* exclusive) const {
    const bool whole = std::trunc(at) == at;
    if (!whole && !integer_)
      return Refused(absl::StrCat(path_, "/", keyword), "only whole numbers can bound a number");
    if (!whole) excluded = false;  // the next integer is inside
    constexpr double kLimit = 9.2e18;
    if (std::fabs(at) > kLimit) return absl::OkStatus();  // beyond all numbers that can be written
    const auto limit = static_cast<int64_t>(lower ? std::ceil(at) : std::floor(at));
    const bool tighter =
        !*bound || (lower ? limit > **bound : limit < **bound) || (limit == **bound && excluded);
    if (!tighter) return absl::OkStatus();
    *bound = limit;
    *exclusive = excluded;
    return absl::OkStatus();
  }

  const object& schema_;
  const bool integer_;
  const std::string& path_;
};

}  // namespace

absl::StatusOr<ExprId> JsonSchemaCompiler::NumberSchema(const Object& schema, bool integer,
                                                        const std::string& path) {
  CRIA_ASSIGN_OR_RETURN(const auto step, base::GetDouble(schema, "multipleOf"));
  if (step && *step != 1) return Refused(path + "/multipleOf", "only 1 can be constrained to");
  integer = integer || step.has_value();
  NumberBounds bounds;
  const BoundReader reader(schema, integer, path);
  CRIA_RETURN_IF_ERROR(
      reader.Read("minimum", "exclusiveMinimum", true, &bounds.min, &bounds.exclusive_min));
  CRIA_RETURN_IF_ERROR(
      reader.Read("maximum", "exclusiveMaximum", false, &bounds.max, &bounds.exclusive_max));
  auto expr = integer ? text_.IntegerWithin(bounds) : text_.NumberWithin(bounds);
  if (!expr.ok()) return base::Annotate(expr.status(), path.empty() ? "schema" : path);
  return expr;
}

absl::StatusOr<ExprId> JsonSchemaCompiler::ArraySchema(const Object& schema,
                                                       const std::string& path) {
  Counts counts;
  CRIA_ASSIGN_OR_RETURN(counts, GetCounts(schema, "minItems", "maxItems", path));
  const Value* items = schema.if_contains("items");
  const array* prefix = base::FindArray(schema, "prefixItems");
  std::string prefix_path = path + "/prefixItems";
  if (items != nullptr && items->is_array()) {  // before draft 2020-12
    prefix = &items->get_array();
    prefix_path = path + "/items";
    items = schema.if_contains("additionalItems");
  }
  const auto fixed = static_cast<uint32_t>(prefix == nullptr ? 0 : prefix->size());
  if (items != nullptr && *items == false) counts.max = std::min(counts.max, fixed);
  if (counts.min > counts.max) return Wrong(path, "no array can be that long");
  // From the last possible item to the first; `tail` is what may follow item i.
  ExprId tail = b_.Literal("");
  if (counts.max > fixed) {
    ExprId item = text_.Value();
    if (items != nullptr) {
      CRIA_ASSIGN_OR_RETURN(item, AsRule(*items, path + "/items"));
    }
    const uint32_t min = counts.min > fixed ? counts.min - fixed : 0;
    const uint32_t max = counts.max == kUnbounded ? kUnbounded : counts.max - fixed;
    if (fixed == 0) {  // the first has no comma before it
      const ExprId more = b_.Repeat(b_.Sequence({text_.Comma(), item}), min > 0 ? min - 1 : 0,
                                    max == kUnbounded ? kUnbounded : max - 1);
      tail = b_.Sequence({item, more, text_.Space()});
      if (min == 0) tail = b_.Optional(tail);
    } else {
      tail = b_.Repeat(b_.Sequence({text_.Comma(), item}), min, max);
    }
  }
  for (uint32_t i = std::min(fixed, counts.max); i > 0; --i) {
    CRIA_ASSIGN_OR_RETURN(const ExprId item,
                          AsRule((*prefix)[i - 1], absl::StrCat(prefix_path, "/", i - 1)));
    const ExprId lead = i == 1 ? b_.Literal("") : text_.Comma();
    tail = Rule(absl::StrCat(prefix_path, "/", i - 1, " and on"), b_.Sequence({lead, item, tail}));
    if (i > counts.min) tail = b_.Optional(tail);
  }
  const ExprId end = fixed == 0 ? b_.Literal("") : text_.Space();
  return b_.Sequence({b_.Literal("["), text_.Space(), tail, end, b_.Literal("]")});
}

// An object without named members.
absl::StatusOr<ExprId> JsonSchemaCompiler::MapSchema(const Object& schema,
                                                     const std::string& path) {
  CRIA_ASSIGN_OR_RETURN(const Counts counts,
                        GetCounts(schema, "minProperties", "maxProperties", path));
  const Value* additional = schema.if_contains("additionalProperties");
  const bool closed = additional != nullptr && *additional == false;
  if (closed && counts.min > 0) return Wrong(path, "no member is allowed, but minProperties asks");
  const ExprId open = b_.Literal("{"), close = b_.Literal("}");
  if (closed || counts.max == 0) return b_.Sequence({open, text_.Space(), close});
  ExprId item = text_.Value();
  if (additional != nullptr) {
    CRIA_ASSIGN_OR_RETURN(item, AsRule(*additional, path + "/additionalProperties"));
  }
  const ExprId member = b_.Sequence({text_.String(), text_.Colon(), item});
  const ExprId more =
      b_.Repeat(b_.Sequence({text_.Comma(), member}), counts.min > 0 ? counts.min - 1 : 0,
                counts.max == kUnbounded ? kUnbounded : counts.max - 1);
  ExprId members = b_.Sequence({member, more, text_.Space()});
  if (counts.min == 0) members = b_.Optional(members);
  return b_.Sequence({open, text_.Space(), members, close});
}

absl::StatusOr<ExprId> JsonSchemaCompiler::ObjectSchema(const Object& schema,
                                                        const std::string& path) {
  Object properties;
  if (const Object* named = base::FindObject(schema, "properties")) properties = *named;
  const Value* additional = schema.if_contains("additionalProperties");
  std::vector<std::string> required;
  if (const Value* list = schema.if_contains("required")) {
    if (!list->is_array()) return Wrong(path + "/required", "expected a list of names");
    for (const Value& name : list->get_array()) {
      if (!name.is_string()) return Wrong(path + "/required", "expected a list of names");
      required.emplace_back(name.get_string());
      if (properties.contains(required.back())) continue;
      if (additional != nullptr && *additional == false)
        return Wrong(path + "/required", "'" + required.back() + "' is not among the properties");
      properties[required.back()] = additional != nullptr ? *additional : Value(true);
    }
  }
  if (properties.empty()) return MapSchema(schema, path);
  for (const char* key : {"minProperties", "maxProperties"})
    if (schema.contains(key))
      return Refused(absl::StrCat(path, "/", key), "can't be constrained to beside properties");

  struct Member {
    std::string name;
    ExprId expr = 0;
    bool required = false;
  };
  std::vector<Member> members;
  std::vector<std::string> names;
  for (const auto& [key, property] : properties) {
    const std::string name(key);
    names.push_back(name);
    CRIA_ASSIGN_OR_RETURN(const ExprId item,
                          AsRule(property, absl::StrCat(path, "/properties/", Escaped(name))));
    const bool needed = std::find(required.begin(), required.end(), name) != required.end();
    members.push_back({name,
                       b_.Sequence({b_.Literal(JsonText::Spell(Value(name))), text_.Colon(), item}),
                       needed});
  }
  // after: what may follow a member; start: the same where none has come yet. From the last to the
  // first, a rule each, so that nothing is spelled out twice.
  ExprId after = b_.Literal(""), start = b_.Literal("");
  if (additional != nullptr && *additional != false) {
    CRIA_ASSIGN_OR_RETURN(const ExprId item, AsRule(*additional, path + "/additionalProperties"));
    const ExprId member = b_.Sequence({text_.StringExcept(names), text_.Colon(), item});
    after = b_.Repeat(b_.Sequence({text_.Comma(), member}), 0, kUnbounded);
    start = b_.Optional(b_.Sequence({member, after}));
  }
  for (size_t i = members.size(); i-- > 0;) {
    const Member& member = members[i];
    const std::string name = absl::StrCat(path, "/properties/", Escaped(member.name));
    const ExprId here = b_.Sequence({member.expr, after});
    start = member.required ? here : b_.Choice({Rule(name + " first", here), start});
    const ExprId next = b_.Sequence({text_.Comma(), member.expr});
    after =
        Rule(name + " and on", b_.Sequence({member.required ? next : b_.Optional(next), after}));
  }
  return b_.Sequence({b_.Literal("{"), text_.Space(), start, text_.Space(), b_.Literal("}")});
}

absl::StatusOr<std::shared_ptr<const Grammar>> GrammarFromJsonSchema(const value& schema) {
  GrammarBuilder builder;
  JsonText text(builder);
  CRIA_ASSIGN_OR_RETURN(const ExprId expr, JsonSchemaCompiler(schema, builder, text).CompileRoot());
  const RuleId root = builder.Declare("schema");
  builder.Define(root, expr);
  GrammarBuilder::Options options;
  options.inline_rules = true;
  return builder.Build(root, options);
}

absl::StatusOr<std::shared_ptr<const Grammar>> GrammarOfAnyJsonObject() {
  return GrammarFromJsonSchema(object{{"type", "object"}});
}

}  // namespace cria::text
