// The parsed form of one schema.
#ifndef CRIA_API_SCHEMA_TYPE_H_
#define CRIA_API_SCHEMA_TYPE_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace cria::api {

struct SchemaType {
  enum class Kind : uint8_t {
    kAny,
    kNull,
    kBool,
    kInt,
    kNumber,
    kString,
    kFreeObject,
    kEnum,
    kArray,
    kMap,
    kObject,
    kUnion,
    kReference
  };
  struct Field;

  Kind kind = Kind::kAny;
  std::optional<double> least, most;  // kInt, kNumber, kString (of its length)
  std::vector<std::string> values;    // kEnum
  std::string name;                   // kReference
  std::vector<SchemaType> parts;      // kArray, kMap: the one of the items; kUnion: all
  std::vector<Field> fields;          // kObject
};

struct SchemaType::Field {
  std::string name;
  bool optional = false;
  SchemaType type;
  std::optional<base::json::value> fallback;
};

// Parses what follows the name on a line.
absl::StatusOr<SchemaType> ParseSchemaType(std::string_view text);

base::json::object ToJsonSchema(const SchemaType& type);

}  // namespace cria::api

#endif  // CRIA_API_SCHEMA_TYPE_H_
