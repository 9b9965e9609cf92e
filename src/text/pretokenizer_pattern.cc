#include "text/pretokenizer_pattern.h"

#include "base/quote.h"

namespace cria::text {
namespace {

constexpr char kSpaceSet[] = R"(\t-\r\x{85}\p{Z})";
constexpr char kWordSet[] = R"(\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc})";

class Translator {
 public:
  explicit Translator(std::string_view pattern) : pattern_(pattern) {}

  absl::StatusOr<std::string> Run() {
    while (position_ < pattern_.size()) {
      CRIA_RETURN_IF_ERROR(in_class_ ? ClassItem() : Item());
    }
    return std::move(out_);
  }

 private:
  bool StartsWith(std::string_view text) const {
    return pattern_.substr(position_, text.size()) == text;
  }
  void Copy(size_t count) {
    out_ += pattern_.substr(position_, count);
    position_ += count;
  }
  void Replace(size_t count, std::string_view by) {
    out_ += by;
    position_ += count;
  }
  absl::Status Refuse(std::string_view what) const {
    return absl::UnimplementedError(absl::StrCat(
        "split pattern: ", base::Quote(what), " at offset ", position_,
        " means another thing to PCRE2 than to the tokenizer's own regex engine: not supported"));
  }

  absl::Status Item() {
    if (StartsWith("\\")) return Escape();
    if (StartsWith("(*")) return Refuse("(*");
    if (StartsWith("[")) {
      in_class_ = true;
      Copy(StartsWith("[^") ? 2 : 1);
      if (StartsWith("]")) Copy(1);  // the first is a literal
      return absl::OkStatus();
    }
    Copy(1);
    return absl::OkStatus();
  }

  absl::Status ClassItem() {
    if (StartsWith("\\")) return Escape();
    if (StartsWith("&&")) return Refuse("&&");
    if (StartsWith("[:")) {
      const size_t end = pattern_.find(":]", position_ + 2);
      if (end == std::string_view::npos) return Refuse("[:");
      Copy(end + 2 - position_);
      return absl::OkStatus();
    }
    if (StartsWith("[")) return Refuse("[ in a class");
    in_class_ = !StartsWith("]");
    Copy(1);
    return absl::OkStatus();
  }

  absl::Status Escape() {
    const char kind = position_ + 1 < pattern_.size() ? pattern_[position_ + 1] : '\0';
    switch (kind) {
      case 's':
        Replace(2, in_class_ ? std::string(kSpaceSet) : absl::StrCat("[", kSpaceSet, "]"));
        return absl::OkStatus();
      case 'w':
        Replace(2, in_class_ ? std::string(kWordSet) : absl::StrCat("[", kWordSet, "]"));
        return absl::OkStatus();
      case 'S':
        if (in_class_) return Refuse("\\S in a class");
        Replace(2, absl::StrCat("[^", kSpaceSet, "]"));
        return absl::OkStatus();
      case 'W':
        if (in_class_) return Refuse("\\W in a class");
        Replace(2, absl::StrCat("[^", kWordSet, "]"));
        return absl::OkStatus();
      case 'b':
      case 'B':
      case 'h':
      case 'H':
      case 'K':
      case 'Q':
        return Refuse(pattern_.substr(position_, 2));
      default:
        Copy(2);
        return absl::OkStatus();
    }
  }

  std::string_view pattern_;
  size_t position_ = 0;
  bool in_class_ = false;
  std::string out_;
};

}  // namespace

absl::StatusOr<std::string> ToPcre2Pattern(std::string_view pattern) {
  return Translator(pattern).Run();
}

}  // namespace cria::text
