#include "server/multipart.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/quote.h"
#include "text/utf8.h"

namespace cria::server {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr size_t kMaxBoundaryBytes = 70;  // RFC 2046, section 5.1.1

absl::Status Wrong(const std::string& message) {
  return absl::InvalidArgumentError(absl::StrCat("multipart body: ", message));
}

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase({a.data(), a.size()}, {b.data(), b.size()});
}

bool IsSpace(char c) { return c == ' ' || c == '\t'; }

std::string_view Strip(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

// A header value with parameters: word; name=token; name="quoted".
class ParameterReader {
 public:
  explicit ParameterReader(std::string_view text) : rest_(text) {
    const size_t end = std::min(rest_.find(';'), rest_.size());
    word_ = Strip(rest_.substr(0, end));
    rest_.remove_prefix(end);
  }

  std::string_view word() const { return word_; }

  // False at the end, and at what is no parameter: failed() tells which.
  bool Next(std::string_view* name, std::string* value) {
    while (!rest_.empty() && (rest_.front() == ';' || IsSpace(rest_.front())))
      rest_.remove_prefix(1);
    if (rest_.empty()) return false;
    const size_t equals = rest_.find_first_of("=;");
    if (equals == std::string_view::npos || rest_[equals] == ';') return Fail();
    *name = Strip(rest_.substr(0, equals));
    rest_ = rest_.substr(equals + 1);
    while (!rest_.empty() && IsSpace(rest_.front())) rest_.remove_prefix(1);
    if (rest_.starts_with('"')) return Quoted(value);
    const size_t end = std::min(rest_.find(';'), rest_.size());
    *value = Strip(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return true;
  }
  bool failed() const { return failed_; }

 private:
  bool Fail() {
    failed_ = true;
    return false;
  }

  // Clients disagree on backslashes: only one before a quote or another backslash escapes.
  bool Quoted(std::string* value) {
    value->clear();
    for (size_t at = 1; at < rest_.size(); ++at) {
      char c = rest_[at];
      if (c == '"') {
        rest_ = Strip(rest_.substr(at + 1));
        return rest_.empty() || rest_.front() == ';' || Fail();
      }
      if (c == '\\' && at + 1 < rest_.size() && (rest_[at + 1] == '"' || rest_[at + 1] == '\\'))
        c = rest_[++at];
      *value += c;
    }
    return Fail();
  }

  std::string_view rest_, word_;
  bool failed_ = false;
};

absl::StatusOr<std::string> BoundaryOf(std::string_view content_type) {
  ParameterReader reader(content_type);
  if (!EqualsIgnoringCase(reader.word(), "multipart/form-data"))
    return absl::InvalidArgumentError(
        absl::StrCat("Content-Type: expected multipart/form-data, found ",
                     content_type.empty() ? "none" : base::Quote(content_type)));
  std::string_view name;
  std::string value;
  while (reader.Next(&name, &value)) {
    if (!EqualsIgnoringCase(name, "boundary")) continue;
    const bool printable =
        std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (value.empty() || value.size() > kMaxBoundaryBytes || !printable) break;
    return value;
  }
  return absl::InvalidArgumentError(absl::StrCat("Content-Type: expected boundary= with 1 to ",
                                                 kMaxBoundaryBytes, " printable characters, found ",
                                                 base::Quote(content_type)));
}

// Quotes and line ends in names, as HTML's forms escape them.
std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    const std::string_view three = text.substr(at, 3);
    const char c = three == "%22" ? '"' : three == "%0D" ? '\r' : three == "%0A" ? '\n' : '\0';
    out += c != '\0' ? c : text[at];
    if (c != '\0') at += 2;
  }
  return out;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// RFC 8187: UTF-8'language'percent-encoded.
absl::StatusOr<std::string> DecodeExtended(std::string_view text) {
  const size_t charset = std::min(text.find('\''), text.size());
  const size_t language = text.find('\'', std::min(charset + 1, text.size()));
  if (!EqualsIgnoringCase(text.substr(0, charset), "UTF-8") || language == std::string_view::npos)
    return absl::InvalidArgumentError(
        absl::StrCat("filename*: expected UTF-8''..., found ", base::Quote(text)));
  std::string out;
  for (size_t at = language + 1; at < text.size(); ++at) {
    if (text[at] != '%') {
      out += text[at];
      continue;
    }
    const int high = at + 2 < text.size() ? HexDigit(text[at + 1]) : -1;
    const int low = at + 2 < text.size() ? HexDigit(text[at + 2]) : -1;
    if (high < 0 || low < 0 || high * 16 + low == 0)
      return absl::InvalidArgumentError(
          absl::StrCat("filename*: expected percent-encoded text, found ", base::Quote(text)));
    out += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return out;
}

absl::Status ReadDisposition(std::string_view text, const MultipartLimits& limits, FormPart* part) {
  ParameterReader reader(text);
  if (!EqualsIgnoringCase(reader.word(), "form-data"))
    return absl::InvalidArgumentError(
        absl::StrCat("Content-Disposition: expected form-data, found ", base::Quote(text)));
  std::string_view name;
  std::string value;
  std::optional<std::string> extended;
  while (reader.Next(&name, &value)) {
    if (EqualsIgnoringCase(name, "name")) {
      part->name = text::ToValidUtf8(Unescape(value));
    } else if (EqualsIgnoringCase(name, "filename")) {
      part->filename = text::ToValidUtf8(Unescape(value));
    } else if (EqualsIgnoringCase(name, "filename*")) {
      CRIA_ASSIGN_OR_RETURN(const std::string decoded, DecodeExtended(value));
      extended = text::ToValidUtf8(decoded);
    }
  }
  if (extended) part->filename = std::move(extended);
  if (reader.failed() || part->name.empty())
    return absl::InvalidArgumentError(absl::StrCat(
        "Content-Disposition: expected form-data; name=\"...\", found ", base::Quote(text)));
  if (part->name.size() > limits.max_name_bytes)
    return absl::InvalidArgumentError(absl::StrCat("its name has ", part->name.size(),
                                                   " bytes, more than the ", limits.max_name_bytes,
                                                   " allowed"));
  if (part->filename && part->filename->size() > limits.max_filename_bytes)
    return absl::InvalidArgumentError(absl::StrCat("filename: expected at most ",
                                                   limits.max_filename_bytes, " bytes, found ",
                                                   part->filename->size()));
  return absl::OkStatus();
}

absl::Status ReadHeader(std::string_view line, const MultipartLimits& limits, FormPart* part) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 ||
      line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
    return absl::InvalidArgumentError(absl::StrCat("expected a header, found ", base::Quote(line)));
  const std::string_view name = line.substr(0, colon), value = Strip(line.substr(colon + 1));
  if (EqualsIgnoringCase(name, "Content-Disposition")) return ReadDisposition(value, limits, part);
  if (EqualsIgnoringCase(name, "Content-Type")) part->content_type = value;
  if (!EqualsIgnoringCase(name, "Content-Transfer-Encoding")) return absl::OkStatus();
  for (const char* plain : {"binary", "8bit", "7bit"})
    if (EqualsIgnoringCase(value, plain)) return absl::OkStatus();
  return absl::UnimplementedError(
      absl::StrCat("Content-Transfer-Encoding: ", base::Quote(value),
                   " isn't supported (RFC 7578 deprecates it): send the bytes as they are"));
}

// Walks the body from delimiter to delimiter.
class MultipartParser {
 public:
  MultipartParser(std::string_view body, const std::string& boundary, const MultipartLimits& limits)
      : body_(body), delimiter_(absl::StrCat("\r\n--", boundary)), limits_(limits) {}

  absl::StatusOr<std::vector<FormPart>> Parse() {
    CRIA_RETURN_IF_ERROR(SkipPreamble());
    std::vector<FormPart> parts;
    while (true) {
      CRIA_ASSIGN_OR_RETURN(const bool last, FinishDelimiter());
      if (last) return parts;
      if (parts.size() == limits_.max_parts)
        return Wrong(absl::StrCat("it has more than ", limits_.max_parts, " parts"));
      FormPart part;
      const absl::Status status = ReadPart(&part);
      if (!status.ok()) {
        const std::string name =
            part.name.empty() ? absl::StrCat("part ", parts.size() + 1) : base::Quote(part.name);
        return base::Annotate(status, absl::StrCat("multipart body: ", name));
      }
      parts.push_back(std::move(part));
    }
  }

 private:
  // To behind the first delimiter, which needs no line before it.
  absl::Status SkipPreamble() {
    const std::string_view first = std::string_view(delimiter_).substr(kLineEnd.size());
    if (body_.starts_with(first)) {
      at_ = first.size();
      return absl::OkStatus();
    }
    const size_t found = body_.find(delimiter_);
    if (found == std::string_view::npos)
      return Wrong(absl::StrCat("expected the boundary ", base::Quote(first), " in ", body_.size(),
                                " bytes, found none"));
    at_ = found + delimiter_.size();
    return absl::OkStatus();
  }

  // Behind a delimiter: true if it was the last.
  absl::StatusOr<bool> FinishDelimiter() {
    if (body_.substr(at_).starts_with("--")) return true;
    while (at_ < body_.size() && IsSpace(body_[at_])) ++at_;
    if (!body_.substr(at_).starts_with(kLineEnd))
      return Wrong(absl::StrCat("byte ", at_, ": expected a line end or '--' after the boundary"));
    at_ += kLineEnd.size();
    return false;
  }

  absl::Status ReadPart(FormPart* part) {
    const size_t begin = at_;
    while (true) {
      const size_t room = limits_.max_part_header_bytes - (at_ - begin);
      const size_t end = body_.substr(at_, room).find(kLineEnd);
      if (end == std::string_view::npos)
        return absl::InvalidArgumentError(
            absl::StrCat("expected headers of at most ", limits_.max_part_header_bytes, " bytes"));
      const std::string_view line = body_.substr(at_, end);
      at_ += end + kLineEnd.size();
      if (line.empty()) break;
      CRIA_RETURN_IF_ERROR(ReadHeader(line, limits_, part));
    }
    if (part->name.empty())
      return absl::InvalidArgumentError("expected a Content-Disposition header, found none");
    // An empty part's delimiter begins with the line end of its headers.
    const size_t from = at_ - kLineEnd.size();
    const size_t end = body_.find(delimiter_, from);
    if (end == std::string_view::npos)
      return absl::InvalidArgumentError("it has no end: was the upload cut short?");
    part->content = end < at_ ? std::string_view() : body_.substr(at_, end - at_);
    at_ = end + delimiter_.size();
    return absl::OkStatus();
  }

  const std::string_view body_;
  const std::string delimiter_;
  const MultipartLimits limits_;
  size_t at_ = 0;
};

}  // namespace

absl::StatusOr<std::vector<FormPart>> ParseMultipart(std::string_view content_type,
                                                     std::string_view body,
                                                     const MultipartLimits& limits) {
  CRIA_ASSIGN_OR_RETURN(const std::string boundary, BoundaryOf(content_type));
  return MultipartParser(body, boundary, limits).Parse();
}

}  // namespace cria::server
