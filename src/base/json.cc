#include "base/json.h"

#include <cmath>
#include <new>

namespace cria::base {
namespace {

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

absl::Status WrongType(std::string_view key, std::string_view expected, const json::value& value) {
  return absl::InvalidArgumentError(absl::StrCat("'", View(key), "': expected ", View(expected),
                                                 ", found ", View(JsonTypeName(value))));
}

}  // namespace

absl::StatusOr<json::value> ParseJson(std::string_view text, std::string_view what,
                                      const JsonLimits& limits) {
  if (text.size() > limits.max_bytes)
    return absl::ResourceExhaustedError(absl::StrCat(
        View(what), ": ", text.size(), " bytes of JSON, at most ", limits.max_bytes, " are read"));
  // RFC 8259, section 8.1: readers may ignore a byte order mark, which Windows' editors write.
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  const size_t begin = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  json::parse_options options;
  options.max_depth = limits.max_depth;
  boost::system::error_code error;
  json::stream_parser parser({}, options);
  try {
    const size_t used = begin + parser.write_some(text.data() + begin, text.size() - begin, error);
    if (!error) parser.finish(error);
    if (error)
      return absl::DataLossError(
          absl::StrCat(View(what), ": not valid JSON near byte ", used, ": ", error.message()));
    if (text.find_first_not_of(" \t\r\n", used) != std::string_view::npos)
      return absl::DataLossError(absl::StrCat(View(what), ": not valid JSON near byte ", used,
                                              ": text after the document"));
    return parser.release();
  } catch (const std::exception& failure) {  // out of memory, or a limit inside the library
    return absl::ResourceExhaustedError(
        absl::StrCat(View(what), ": cannot hold the JSON: ", failure.what()));
  }
}

const json::value* Find(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(json::string_view(key.data(), key.size()));
  return value == nullptr || value->is_null() ? nullptr : value;
}

const json::object* FindObject(const json::object& object, std::string_view key) {
  const json::value* value = Find(object, key);
  return value == nullptr ? nullptr : value->if_object();
}

const json::array* FindArray(const json::object& object, std::string_view key) {
  const json::value* value = Find(object, key);
  return value == nullptr ? nullptr : value->if_array();
}

absl::StatusOr<std::optional<int64_t>> GetInt(const json::object& object, std::string_view key) {
  const json::value* value = Find(object, key);
  if (value == nullptr) return std::optional<int64_t>();
  if (const int64_t* integer = value->if_int64()) return std::optional<int64_t>(*integer);
  if (const double* number = value->if_double()) {
    if (*number == std::floor(*number) && std::abs(*number) < 0x1p53)
      return std::optional<int64_t>(static_cast<int64_t>(*number));
  }
  return WrongType(key, "an integer", *value);
}

absl::StatusOr<std::optional<double>> GetDouble(const json::object& object, std::string_view key) {
  const json::value* value = Find(object, key);
  if (value == nullptr) return std::optional<double>();
  if (!value->is_number()) return WrongType(key, "a number", *value);
  return std::optional<double>(value->to_number<double>());
}

absl::StatusOr<std::optional<bool>> GetBool(const json::object& object, std::string_view key) {
  const json::value* value = Find(object, key);
  if (value == nullptr) return std::optional<bool>();
  if (const bool* flag = value->if_bool()) return std::optional<bool>(*flag);
  return WrongType(key, "true or false", *value);
}

absl::StatusOr<std::optional<std::string>> GetString(const json::object& object,
                                                     std::string_view key) {
  const json::value* value = Find(object, key);
  if (value == nullptr) return std::optional<std::string>();
  if (const json::string* text = value->if_string())
    return std::optional<std::string>(std::string(text->data(), text->size()));
  return WrongType(key, "a string", *value);
}

std::string_view JsonTypeName(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "a boolean";
    case json::kind::int64:
    case json::kind::uint64:
      return "an integer";
    case json::kind::double_:
      return "a number";
    case json::kind::string:
      return "a string";
    case json::kind::array:
      return "an array";
    case json::kind::object:
      return "an object";
  }
  return "a value";
}

json::value FiniteOrNull(double value) {
  return std::isfinite(value) ? json::value(value) : json::value(nullptr);
}

}  // namespace cria::base
