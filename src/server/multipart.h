// Bodies of multipart/form-data (RFC 7578), as browsers, curl and the Python clients send them.
#ifndef CRIA_SERVER_MULTIPART_H_
#define CRIA_SERVER_MULTIPART_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace cria::server {

struct FormPart {
  std::string name;
  std::optional<std::string> filename;  // as the client called it, in valid UTF-8; never a path
  std::string content_type;             // empty: none was said
  std::string_view content;             // a part of the body
};

struct MultipartLimits {
  size_t max_parts = 64;
  size_t max_part_header_bytes = size_t{8} << 10;
  size_t max_name_bytes = 256;
  size_t max_filename_bytes = 1024;
};

// The parts in order. `content_type` is the request's header; the parts refer to `body`.
// kInvalidArgument for what is no such body, naming the part that is wrong; kUnimplemented for a
// part in a transfer encoding.
absl::StatusOr<std::vector<FormPart>> ParseMultipart(std::string_view content_type,
                                                     std::string_view body,
                                                     const MultipartLimits& limits = {});

}  // namespace cria::server

#endif  // CRIA_SERVER_MULTIPART_H_
