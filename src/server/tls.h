// Certificates of the server, which can be exchanged while it runs.
#ifndef CRIA_SERVER_TLS_H_
#define CRIA_SERVER_TLS_H_

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <mutex>
#include <string>

#include "base/status.h"

namespace cria::server {

struct TlsFiles {
  std::string certificate;  // PEM: the server's own, then the chain
  std::string key;          // PEM
  std::string client_ca;    // PEM; not empty: clients must have a certificate by one of these
};

// Any thread.
class TlsContext {
 public:
  // TLS 1.2 or newer. kNotFound, kPermissionDenied; kInvalidArgument if a file isn't what it should
  // be, or the key doesn't belong to the certificate.
  static absl::StatusOr<std::shared_ptr<TlsContext>> Load(const TlsFiles& files);

  // Reads the files again: new connections use them. On an error the old ones stay in use.
  absl::Status Reload();

  std::shared_ptr<boost::asio::ssl::context> current() const;

 private:
  explicit TlsContext(TlsFiles files) : files_(std::move(files)) {}

  const TlsFiles files_;
  mutable std::mutex mutex_;
  std::shared_ptr<boost::asio::ssl::context> current_;
};

}  // namespace cria::server

#endif  // CRIA_SERVER_TLS_H_
