// JSON Schema (draft 2020-12, and the older spellings that are still met) as a grammar:
// GrammarFromJsonSchema of grammar.h, and what it is made of.
//
// Constrained: type (also lists), enum, const, properties, required, additionalProperties, items,
// prefixItems (and items as a list), additionalItems, minItems, maxItems, minProperties and
// maxProperties of objects without named properties, minLength, maxLength, pattern (see
// grammar_json_pattern.h), format date, time, date-time, uuid, email, ipv4, minimum, maximum and
// their exclusive forms (whole numbers), multipleOf 1, anyOf, oneOf (as anyOf: that exactly one
// alternative holds isn't checked), allOf and $ref beside other keywords (merged), nullable, and
// local references ($ref "#/...", recursive ones too). true and {} are any value. Other formats,
// and keywords that only describe (title, description, default, ...), constrain nothing; every
// other keyword is refused by its path.
//
// Where a schema leaves a choice that would only mislead a model, the narrower is taken: members
// come in the order of `properties`; an object with `properties` has no others unless
// additionalProperties says so; a schema without `type` is of the type that its keywords speak of;
// white space is as JsonText has it; numbers have at most 16 digits a part.
#ifndef CRIA_TEXT_GRAMMAR_JSON_SCHEMA_H_
#define CRIA_TEXT_GRAMMAR_JSON_SCHEMA_H_

#include <map>
#include <memory>
#include <string>

#include "base/json.h"
#include "text/grammar_builder.h"
#include "text/grammar_json_text.h"

namespace cria::text {

// Adds schemas to a grammar that is being built. The builder and the root must outlive it. One
// thread at a time. kInvalidArgument for what is no schema or allows nothing, kUnimplemented for
// keywords outside the above, kResourceExhausted for schemas beyond the limits; messages begin with
// the JSON pointer of the place.
class JsonSchemaCompiler {
 public:
  static constexpr int kMaxNesting = 100;     // of schemas inside each other
  static constexpr size_t kMaxNodes = 20000;  // schemas visited, references counted each time

  // `root`: where "#/..." references look.
  JsonSchemaCompiler(const base::json::value& root, GrammarBuilder& builder, JsonText& text)
      : root_(root), b_(builder), text_(text) {}

  // A value that the root schema allows.
  absl::StatusOr<ExprId> CompileRoot() { return Compile(root_, ""); }

 private:
  using Value = base::json::value;
  using Object = base::json::object;

  absl::StatusOr<ExprId> Compile(const Value& schema, const std::string& path);
  absl::StatusOr<ExprId> CompileObjectSchema(const Object& schema, const std::string& path);
  absl::StatusOr<ExprId> Reference(const std::string& pointer, const std::string& path);
  absl::StatusOr<const Value*> Resolve(const std::string& pointer, const std::string& path) const;
  absl::StatusOr<ExprId> Alternatives(const Object& schema, const char* key,
                                      const std::string& path);
  absl::StatusOr<Object> MergeAll(const Object& schema, const std::string& path);
  absl::StatusOr<ExprId> OneOfValues(const Object& schema, const std::string& path);
  absl::StatusOr<ExprId> OfTypes(const Object& schema, const std::string& path);
  absl::StatusOr<ExprId> OfType(const std::string& type, const Object& schema,
                                const std::string& path);
  absl::StatusOr<ExprId> StringSchema(const Object& schema, const std::string& path);
  absl::StatusOr<ExprId> NumberSchema(const Object& schema, bool integer, const std::string& path);
  absl::StatusOr<ExprId> ArraySchema(const Object& schema, const std::string& path);
  absl::StatusOr<ExprId> ObjectSchema(const Object& schema, const std::string& path);
  absl::StatusOr<ExprId> MapSchema(const Object& schema, const std::string& path);

  // The schema as a rule of its own, so that it is spelled out once.
  absl::StatusOr<ExprId> AsRule(const Value& schema, const std::string& path);
  ExprId Rule(const std::string& name, ExprId expr);

  const Value& root_;
  GrammarBuilder& b_;
  JsonText& text_;
  std::map<std::string, RuleId> references_;  // by pointer
  int nesting_ = 0;
  size_t nodes_ = 0;
};

// Any JSON object: what `response_format: json_object` asks for.
absl::StatusOr<std::shared_ptr<const Grammar>> GrammarOfAnyJsonObject();

}  // namespace cria::text

#endif  // CRIA_TEXT_GRAMMAR_JSON_SCHEMA_H_
