// Boost.JSON with bounds: the one way JSON from outside enters, and helpers to read fields with
// good messages.
#ifndef CRIA_BASE_JSON_H_
#define CRIA_BASE_JSON_H_

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace cria::base {

namespace json = boost::json;

struct JsonLimits {
  size_t max_bytes = size_t{64} << 20;
  size_t max_depth = 64;
};

// Parses one strict RFC 8259 document (no comments, no trailing commas, valid UTF-8), perhaps after
// a byte order mark. kDataLoss, with the byte offset, when it isn't one; kResourceExhausted when it
// is larger than the limits. `what` names it in messages.
absl::StatusOr<json::value> ParseJson(std::string_view text, std::string_view what,
                                      const JsonLimits& limits = {});

// Fields of an object. Absent or null gives nullopt; a value of another type is kInvalidArgument
// that names the key, the expected type and what came. Integers accept a float only if it is whole
// and exact.
absl::StatusOr<std::optional<int64_t>> GetInt(const json::object& object, std::string_view key);
absl::StatusOr<std::optional<double>> GetDouble(const json::object& object, std::string_view key);
absl::StatusOr<std::optional<bool>> GetBool(const json::object& object, std::string_view key);
absl::StatusOr<std::optional<std::string>> GetString(const json::object& object,
                                                     std::string_view key);
// The member itself, or nullptr if absent or null / not an object / not an array.
const json::value* Find(const json::object& object, std::string_view key);
const json::object* FindObject(const json::object& object, std::string_view key);
const json::array* FindArray(const json::object& object, std::string_view key);

// "a string", "an object", ...: for messages.
std::string_view JsonTypeName(const json::value& value);

// A number as JSON wants it: non-finite values become null.
json::value FiniteOrNull(double value);

}  // namespace cria::base

#endif  // CRIA_BASE_JSON_H_
