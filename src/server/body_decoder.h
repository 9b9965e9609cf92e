// Undoes the Content-Encoding of a request's body while it arrives, under a limit.
#ifndef CRIA_SERVER_BODY_DECODER_H_
#define CRIA_SERVER_BODY_DECODER_H_

#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace cria::server {

// One thread at a time. After an error nothing more may be fed.
class BodyDecoder {
 public:
  virtual ~BodyDecoder() = default;
  // Appends what `bytes` decode to. HttpError 413 when `out` would grow beyond the limit, 400 for
  // what isn't in the encoding.
  virtual absl::Status Feed(std::string_view bytes, std::string* out) = 0;
  // At the end of the body: 400 if the encoded data isn't complete.
  virtual absl::Status Finish() = 0;
};

// `encoding`: the value of Content-Encoding: "", "identity", "gzip", "x-gzip", "deflate" (zlib) or
// "zstd", in any case. HttpError 415 for anything else, also for two encodings.
absl::StatusOr<std::unique_ptr<BodyDecoder>> MakeBodyDecoder(std::string_view encoding,
                                                             size_t max_bytes);

}  // namespace cria::server

#endif  // CRIA_SERVER_BODY_DECODER_H_
