#include "server/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <utility>

#include "base/file.h"

namespace cria::server {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

constexpr uint64_t kMaxPemBytes = uint64_t{1} << 20;

absl::Status Unusable(const std::string& path, std::string_view what, const error_code& error) {
  ERR_clear_error();
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": ", std::string(what), " in PEM form is expected: ", error.message()));
}

absl::StatusOr<std::shared_ptr<ssl::context>> MakeContext(const TlsFiles& files) {
  CRIA_ASSIGN_OR_RETURN(const std::string certificate,
                        base::ReadRegularFile(files.certificate, kMaxPemBytes));
  CRIA_ASSIGN_OR_RETURN(const std::string key, base::ReadRegularFile(files.key, kMaxPemBytes));
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);  // thousands of streams are quiet
  error_code error;
  context->use_certificate_chain(boost::asio::buffer(certificate), error);
  if (error) return Unusable(files.certificate, "a certificate chain", error);
  context->use_private_key(boost::asio::buffer(key), ssl::context::pem, error);
  if (error) return Unusable(files.key, "the private key of " + files.certificate, error);
  if (SSL_CTX_check_private_key(native) != 1)
    return Unusable(files.key, "the private key of " + files.certificate, error);
  if (files.client_ca.empty()) return context;
  CRIA_ASSIGN_OR_RETURN(const std::string authority,
                        base::ReadRegularFile(files.client_ca, kMaxPemBytes));
  context->add_certificate_authority(boost::asio::buffer(authority), error);
  if (error) return Unusable(files.client_ca, "a certificate authority", error);
  context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, error);
  if (error) return Unusable(files.client_ca, "a certificate authority", error);
  return context;
}

}  // namespace

absl::StatusOr<std::shared_ptr<TlsContext>> TlsContext::Load(const TlsFiles& files) {
  std::shared_ptr<TlsContext> loaded(new TlsContext(files));
  CRIA_RETURN_IF_ERROR(loaded->Reload());
  return loaded;
}

absl::Status TlsContext::Reload() {
  CRIA_ASSIGN_OR_RETURN(auto context, MakeContext(files_));
  const std::lock_guard lock(mutex_);
  current_ = std::move(context);
  return absl::OkStatus();
}

std::shared_ptr<ssl::context> TlsContext::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

}  // namespace cria::server
