// The shapes of bodies on the wire, written down once: what is checked when a request comes in is
// what /openapi.json tells.
//
// A set of schemas is text, one named schema a line:
//
//   Usage {prompt_tokens:int, completion_tokens:int, total_tokens:int}
//   Content string|Part[]
//   Part {type:{text}, text:string}|{type:{image_url}, image_url:{url:string, detail?:{auto,low}}}
//
//   string, int, number, bool, object (any keys), any, null    plain types
//   int<1..20>, number<0..2>, string<1..64>                    bounds (of a string: its length)
//   {a,b,"c d"}                                                one of these strings
//   {name:TYPE, name?:TYPE, name?:TYPE=JSON}                   an object; ? may be absent or null
//   TYPE[], map<TYPE>, TYPE|TYPE, (TYPE), Name
//
// Keys that a schema doesn't name are allowed, as the clients of other API generations send some.
#ifndef CRIA_API_SCHEMA_H_
#define CRIA_API_SCHEMA_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace cria::api {

// Where a body differs from its schema, in the terms of upstream's validation errors.
struct FieldError {
  std::vector<std::variant<std::string, int64_t>> location;  // "messages", 0, "role"
  std::string message;                                       // "expected a string, found a number"
  std::string type;                                          // "missing", "string_type", ...

  std::string Path() const;  // "messages[0].role"
};

struct SchemaType;

// Immutable; share freely.
class SchemaSet {
 public:
  // kInvalidArgument names the line and what is wrong with it.
  static absl::StatusOr<SchemaSet> Parse(std::string_view text);
  ~SchemaSet();
  SchemaSet(SchemaSet&&) noexcept;
  SchemaSet& operator=(SchemaSet&&) noexcept;

  bool Has(std::string_view name) const;

  // What is wrong with `value`, at most a few errors; empty: nothing. `name` must be there.
  std::vector<FieldError> Check(std::string_view name, const base::json::value& value) const;

  // JSON Schema (2020-12) of each, as `components/schemas` of an OpenAPI 3.1 document has them.
  base::json::object ToJsonSchemas() const;

  // JSON Schemas of the fields of an object schema, in order: for query parameters.
  struct Parameter {
    std::string name;
    bool required = false;
    base::json::object schema;
  };
  std::vector<Parameter> Parameters(std::string_view name) const;

 private:
  SchemaSet();
  std::map<std::string, std::unique_ptr<const SchemaType>, std::less<>> types_;
};

}  // namespace cria::api

#endif  // CRIA_API_SCHEMA_H_
