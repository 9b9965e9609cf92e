#include "server/trace_context.h"

#include <openssl/rand.h>

#include <algorithm>

#include "base/check.h"

namespace cria::server {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr size_t kTraceparentBytes = 55;

bool IsId(std::string_view text) {
  return text.find_first_not_of(kHexDigits) == std::string_view::npos &&
         text.find_first_not_of('0') != std::string_view::npos;
}

bool IsHex(std::string_view text) {
  return text.find_first_not_of(kHexDigits) == std::string_view::npos;
}

}  // namespace

std::optional<TraceContext> ParseTraceparent(std::string_view text) {
  if (text.size() < kTraceparentBytes || text[2] != '-' || text[35] != '-' || text[52] != '-')
    return std::nullopt;
  const std::string_view version = text.substr(0, 2), flags = text.substr(53, 2);
  if (!IsHex(version) || version == "ff" || !IsHex(flags)) return std::nullopt;
  if (text.size() > kTraceparentBytes && (version == "00" || text[kTraceparentBytes] != '-'))
    return std::nullopt;
  TraceContext context;
  context.trace_id = text.substr(3, 32);
  context.parent_id = text.substr(36, 16);
  if (!IsId(context.trace_id) || !IsId(context.parent_id)) return std::nullopt;
  context.sampled = kHexDigits.find(flags[1]) % 2 == 1;
  return context;
}

std::string FormatTraceparent(const TraceContext& context, std::string_view span_id) {
  std::string text = "00-" + context.trace_id + "-";
  return text.append(span_id).append(context.sampled ? "-01" : "-00");
}

std::string RandomHex(size_t bytes) {
  std::string random(bytes, '\0');
  CRIA_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(random.data()), static_cast<int>(bytes)) ==
             1);
  std::string hex;
  hex.reserve(2 * bytes);
  for (const char c : random) {
    hex += kHexDigits[static_cast<unsigned char>(c) >> 4];
    hex += kHexDigits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

}  // namespace cria::server
