#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "api/schema_type.h"

namespace cria::api {
namespace {

using Kind = SchemaType::Kind;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  absl::StatusOr<SchemaType> Whole() {
    CRIA_ASSIGN_OR_RETURN(SchemaType type, Union());
    SkipSpace();
    if (at_ != text_.size()) return Wrong("the end");
    return type;
  }

 private:
  absl::Status Wrong(const std::string& expected) const {
    return absl::InvalidArgumentError(absl::StrCat("column ", at_ + 1, ": expected ", expected,
                                                   ", found '", std::string(text_.substr(at_, 12)),
                                                   "'"));
  }
  void SkipSpace() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool Take(std::string_view word) {
    SkipSpace();
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  absl::Status Expect(const std::string& word) {
    return Take(word) ? absl::OkStatus() : Wrong(absl::StrCat("'", word, "'"));
  }
  std::string Word() {
    SkipSpace();
    const size_t begin = at_;
    while (at_ < text_.size() &&
           (absl::ascii_isalnum(static_cast<unsigned char>(text_[at_])) ||
            std::string_view("_-./:[]").find(text_[at_]) != std::string_view::npos))
      ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }
  std::string Identifier() {
    SkipSpace();
    const size_t begin = at_;
    while (at_ < text_.size() &&
           (absl::ascii_isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_'))
      ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  absl::StatusOr<SchemaType> Union() {
    CRIA_ASSIGN_OR_RETURN(SchemaType first, Postfix());
    if (!Take("|")) return first;
    SchemaType type;
    type.kind = Kind::kUnion;
    type.parts.push_back(std::move(first));
    do {
      CRIA_ASSIGN_OR_RETURN(SchemaType part, Postfix());
      type.parts.push_back(std::move(part));
    } while (Take("|"));
    return type;
  }

  absl::StatusOr<SchemaType> Postfix() {
    CRIA_ASSIGN_OR_RETURN(SchemaType type, Primary());
    while (Take("[]")) {
      SchemaType list;
      list.kind = Kind::kArray;
      list.parts.push_back(std::move(type));
      type = std::move(list);
    }
    return type;
  }

  absl::StatusOr<SchemaType> Primary() {
    if (Take("{")) return Braces();
    if (Take("(")) {
      CRIA_ASSIGN_OR_RETURN(SchemaType inner, Union());
      CRIA_RETURN_IF_ERROR(Expect(")"));
      return inner;
    }
    const std::string word = Identifier();
    if (word.empty()) return Wrong("a type");
    SchemaType type;
    if (word == "map") {
      CRIA_RETURN_IF_ERROR(Expect("<"));
      CRIA_ASSIGN_OR_RETURN(SchemaType item, Union());
      CRIA_RETURN_IF_ERROR(Expect(">"));
      type.kind = Kind::kMap;
      type.parts.push_back(std::move(item));
      return type;
    }
    static const std::map<std::string, Kind> kPlain = {
        {"any", Kind::kAny},          {"null", Kind::kNull},     {"bool", Kind::kBool},
        {"int", Kind::kInt},          {"number", Kind::kNumber}, {"string", Kind::kString},
        {"object", Kind::kFreeObject}};
    if (const auto plain = kPlain.find(word); plain != kPlain.end()) {
      type.kind = plain->second;
      CRIA_RETURN_IF_ERROR(Bounds(&type));
      return type;
    }
    type.kind = Kind::kReference;
    type.name = word;
    return type;
  }

  absl::Status Bounds(SchemaType* type) {
    if (!Take("<")) return absl::OkStatus();
    CRIA_RETURN_IF_ERROR(Bound(&type->least));
    CRIA_RETURN_IF_ERROR(Expect(".."));
    CRIA_RETURN_IF_ERROR(Bound(&type->most));
    return Expect(">");
  }

  // A number, or nothing.
  absl::Status Bound(std::optional<double>* bound) {
    SkipSpace();
    size_t end = at_;
    while (end < text_.size() && text_[end] != '>' && text_.substr(end, 2) != "..") ++end;
    const std::string digits(text_.substr(at_, end - at_));
    double value = 0;
    if (!digits.empty() && !absl::SimpleAtod(digits, &value)) return Wrong("a number");
    if (!digits.empty()) *bound = value;
    at_ = end;
    return absl::OkStatus();
  }

  // After '{': the strings of an enum, or the fields of an object.
  absl::StatusOr<SchemaType> Braces() {
    const size_t begin = at_;
    const std::string name = Identifier();
    const bool is_object = name.empty() ? Take("}") : Take("?:") || Take(":");
    at_ = begin;
    return is_object ? Object() : Enum();
  }

  absl::StatusOr<SchemaType> Enum() {
    SchemaType type;
    type.kind = Kind::kEnum;
    do {
      if (Take("\"")) {
        const size_t end = text_.find('"', at_);
        if (end == std::string_view::npos) return Wrong("a closing quote");
        type.values.emplace_back(text_.substr(at_, end - at_));
        at_ = end + 1;
      } else {
        type.values.push_back(Word());
        if (type.values.back().empty()) return Wrong("a value");
      }
    } while (Take(","));
    CRIA_RETURN_IF_ERROR(Expect("}"));
    return type;
  }

  absl::StatusOr<SchemaType> Object() {
    SchemaType type;
    type.kind = Kind::kObject;
    if (Take("}")) return type;
    do {
      SchemaType::Field field;
      field.name = Identifier();
      if (field.name.empty()) return Wrong("the name of a field");
      field.optional = Take("?");
      CRIA_RETURN_IF_ERROR(Expect(":"));
      CRIA_ASSIGN_OR_RETURN(field.type, Union());
      if (Take("=")) {
        CRIA_ASSIGN_OR_RETURN(field.fallback, Fallback());
      }
      type.fields.push_back(std::move(field));
    } while (Take(","));
    CRIA_RETURN_IF_ERROR(Expect("}"));
    return type;
  }

  // A scalar in JSON.
  absl::StatusOr<base::json::value> Fallback() {
    SkipSpace();
    size_t end = at_;
    bool quoted = false;
    while (end < text_.size() && (quoted || (text_[end] != ',' && text_[end] != '}'))) {
      if (text_[end] == '"') quoted = !quoted;
      ++end;
    }
    auto value = base::ParseJson(text_.substr(at_, end - at_), "default");
    if (!value.ok()) return Wrong("a JSON scalar");
    at_ = end;
    return value;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

absl::StatusOr<SchemaType> ParseSchemaType(std::string_view text) { return Parser(text).Whole(); }

}  // namespace cria::api
