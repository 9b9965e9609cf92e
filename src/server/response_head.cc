#include "server/response_head.h"

#include <boost/beast/http/status.hpp>
#include <ctime>

#include "absl/strings/str_cat.h"

namespace cria::server {
namespace {

// RFC 9110 section 5.6.7, whatever the locale is.
void AppendDate(std::string* out) {
  static constexpr char kDays[] = "SunMonTueWedThuFriSat";
  static constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  absl::StrAppend(out, "Date: ", std::string(kDays + 3 * utc.tm_wday, 3), ", ",
                  absl::Dec(utc.tm_mday, absl::kZeroPad2), " ",
                  std::string(kMonths + 3 * utc.tm_mon, 3), " ", utc.tm_year + 1900, " ",
                  absl::Dec(utc.tm_hour, absl::kZeroPad2), ":",
                  absl::Dec(utc.tm_min, absl::kZeroPad2), ":",
                  absl::Dec(utc.tm_sec, absl::kZeroPad2), " GMT\r\n");
}

void AppendField(std::string_view name, std::string_view value, std::string* out) {
  out->append(name).append(": ");
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    *out += (byte < 0x20 && c != '\t') || byte == 0x7f ? ' ' : c;
  }
  out->append("\r\n");
}

}  // namespace

std::string_view ReasonPhrase(int status) {
  if (status == 499) return "Client Closed Request";
  const auto phrase =
      boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  return phrase.empty() ? "Unknown" : std::string_view(phrase.data(), phrase.size());
}

std::string Serialize(const ResponseHead& head) {
  std::string out;
  out.reserve(256);
  absl::StrAppend(&out, "HTTP/1.1 ", head.status, " ", std::string(ReasonPhrase(head.status)),
                  "\r\n");
  AppendDate(&out);
  if (!head.content_type.empty()) AppendField("Content-Type", head.content_type, &out);
  if (head.content_length.has_value())
    absl::StrAppend(&out, "Content-Length: ", *head.content_length, "\r\n");
  if (head.chunked) out += "Transfer-Encoding: chunked\r\n";
  if (!head.keep_alive) {
    out += "Connection: close\r\n";
  } else if (head.is_http_1_0) {
    out += "Connection: keep-alive\r\n";
  }
  if (head.headers != nullptr)
    for (const auto& [name, value] : *head.headers) AppendField(name, value, &out);
  return out += "\r\n";
}

}  // namespace cria::server
