// Any bytes as a form: the first line is the Content-Type, the rest the body. An error, or parts
// that lie in the body.
#include "server/multipart.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "text/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view body = text.substr(std::min(end + 1, text.size()));
  const cria::server::MultipartLimits limits;
  const auto parts = cria::server::ParseMultipart(text.substr(0, end), body, limits);
  if (!parts.ok()) return 0;
  if (parts->size() > limits.max_parts) std::abort();
  for (const cria::server::FormPart& part : *parts) {
    if (part.name.empty() || !cria::text::IsValidUtf8(part.name)) std::abort();
    if (part.filename && !cria::text::IsValidUtf8(*part.filename)) std::abort();
    if (part.content.empty()) continue;
    if (part.content.data() < body.data() ||
        part.content.data() + part.content.size() > body.data() + body.size())
      std::abort();
  }
  return 0;
}
