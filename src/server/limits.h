// What the transport takes from strangers, and for how long it waits.
#ifndef CRIA_SERVER_LIMITS_H_
#define CRIA_SERVER_LIMITS_H_

#include <chrono>
#include <cstddef>

namespace cria::server {

struct Limits {
  // Request line and headers together: 431. A longer target: 414.
  size_t max_header_bytes = size_t{64} << 10;
  size_t max_target_bytes = size_t{16} << 10;
  size_t max_headers = 200;  // 431
  // As it comes over the wire: 413. A route may have its own limit.
  size_t max_body_bytes = size_t{64} << 20;
  // A compressed body after decompression: 413.
  size_t max_decompressed_bytes = size_t{100} << 20;
  // Of all requests together: 503.
  size_t max_total_body_bytes = size_t{1} << 30;
  size_t max_connections = 4096;  // more are answered 503 and closed

  // From a request's first byte, or a connection's start, to the end of its headers: 408.
  std::chrono::milliseconds header_time{15'000};
  // A body may take this, and a second more for every `min_body_rate` bytes that came: 408.
  std::chrono::milliseconds body_time{30'000};
  size_t min_body_rate = size_t{1} << 10;
  // Between two requests of a connection; then it is closed.
  std::chrono::milliseconds idle_time{75'000};
  // A client that takes nothing of an answer for this long is dropped.
  std::chrono::milliseconds write_stall_time{30'000};
  std::chrono::milliseconds handshake_time{10'000};  // TLS
  // What a client may still send after its connection's last answer, before it is closed.
  std::chrono::milliseconds linger_time{2'000};
  // Between two signs of life of a quiet event stream.
  std::chrono::milliseconds keep_alive_comment_time{15'000};
};

}  // namespace cria::server

#endif  // CRIA_SERVER_LIMITS_H_
