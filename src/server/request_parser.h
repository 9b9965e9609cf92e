// Reads one request from a connection's bytes.
#ifndef CRIA_SERVER_REQUEST_PARSER_H_
#define CRIA_SERVER_REQUEST_PARSER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "server/body_decoder.h"
#include "server/exchange.h"
#include "server/limits.h"

namespace cria::server {

// One thread at a time. Errors are those of the error table, fit to be sent.
class RequestParser {
 public:
  explicit RequestParser(const Limits& limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Takes bytes up to the end of the headers, all in `bytes`: what isn't taken must come again, at
  // its start, with more behind it. Returns how many were taken.
  absl::StatusOr<size_t> TakeHead(std::string_view bytes);
  bool head_done() const;

  // From here on head_done(). What was read; body, path_params, peer and the like are empty.
  Request& request();
  const std::string& raw_path() const;
  bool keep_alive() const;
  bool is_http_1_0() const;
  bool expects_continue() const;

  bool body_done() const;  // at once if there is none
  // Before TakeBody. HttpError 413 and 415 if the headers alone show that the body won't do.
  absl::Status StartBody(size_t max_bytes, size_t max_decompressed_bytes);
  // Instead of it: the body is taken and forgotten.
  void SkipBody();
  std::optional<uint64_t> content_length() const;
  // As TakeHead; appends to request().body.
  absl::StatusOr<size_t> TakeBody(std::string_view bytes);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cria::server

#endif  // CRIA_SERVER_REQUEST_PARSER_H_
