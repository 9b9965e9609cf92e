// TLS as clients see it: certificates are made here.
#include "server/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <fstream>

#include "server/http_fetch.h"
#include "server/server_testing.h"

namespace cria::server {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using testing::HasSubstr;

// A directory with a certificate for 127.0.0.1 and its key.
class Files {
 public:
  Files() {
    std::string name = (fs::temp_directory_path() / "cria-tls-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  ~Files() { fs::remove_all(directory_); }

  std::string Path(const std::string& name) const { return (directory_ / name).string(); }

  // NAME.crt, signed by itself, and NAME.key.
  void Make(const std::string& name, const char* common_name) const {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(common_name), -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_EXTENSION* names =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate, key, EVP_sha256());
    FILE* file = std::fopen(Path(name + ".crt").c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    file = std::fopen(Path(name + ".key").c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }

  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
  }

 private:
  fs::path directory_;
};

class TlsTest : public testing::Test {
 protected:
  void SetUp() override { files_.Make("server", "first"); }

  TlsFiles ServerFiles() const {
    return {files_.Path("server.crt"), files_.Path("server.key"), ""};
  }
  void Start(const TlsFiles& files) {
    auto loaded = TlsContext::Load(files);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    server_.options.tls = *loaded;
    server_.Add("POST", "/echo", [](Exchange& exchange) -> asio::awaitable<void> {
      Reply reply;
      reply.body = exchange.request().body;
      co_await exchange.Send(std::move(reply));
    });
    server_.Add("GET", "/stream", [](Exchange& exchange) -> asio::awaitable<void> {
      co_await exchange.StartStream("text/plain", false);
      for (int i = 0; i < 100; ++i) co_await exchange.Write(std::to_string(i) + "\n");
      co_await exchange.FinishStream();
    });
    server_.Start();
  }
  absl::StatusOr<FetchResult> Ask(const std::string& path, const std::string& body) {
    FetchRequest request;
    request.url = "https://127.0.0.1:" + std::to_string(server_.port()) + path;
    request.method = body.empty() ? "GET" : "POST";
    request.body = body;
    request.ca_file = files_.Path("server.crt");
    request.max_bytes = size_t{8} << 20;
    return Fetch(request);
  }

  // The name in the certificate of the server; "" if there is no handshake.
  std::string PeerName(int max_version, const std::string& client_certificate) {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(context, max_version);
    if (!client_certificate.empty()) {
      SSL_CTX_use_certificate_file(context, files_.Path(client_certificate + ".crt").c_str(),
                                   SSL_FILETYPE_PEM);
      SSL_CTX_use_PrivateKey_file(context, files_.Path(client_certificate + ".key").c_str(),
                                  SSL_FILETYPE_PEM);
    }
    BIO* bio = BIO_new_ssl_connect(context);
    BIO_set_conn_hostname(bio, ("127.0.0.1:" + std::to_string(server_.port())).c_str());
    std::string name;
    SSL* ssl = nullptr;
    BIO_get_ssl(bio, &ssl);
    // With TLS 1.3 a client learns only from the answer that it wasn't accepted.
    const std::string text = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
    char answer[16];
    if (BIO_do_connect(bio) == 1 &&
        BIO_write(bio, text.data(), static_cast<int>(text.size())) > 0 &&
        BIO_read(bio, answer, sizeof answer) > 0) {
      X509* certificate = SSL_get1_peer_certificate(ssl);
      char buffer[64] = "";
      X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, buffer,
                                sizeof buffer);
      name = buffer;
      X509_free(certificate);
    }
    BIO_free_all(bio);
    SSL_CTX_free(context);
    return name;
  }

  Files files_;
  TestServer server_;
};

TEST_F(TlsTest, RequestsAndStreams) {
  Start(ServerFiles());
  const auto small = Ask("/echo", "hello");
  ASSERT_TRUE(small.ok()) << small.status();
  EXPECT_EQ(small->body, "hello");
  const std::string large(3'000'000, 'x');
  const auto echoed = Ask("/echo", large);
  ASSERT_TRUE(echoed.ok()) << echoed.status();
  EXPECT_TRUE(echoed->body == large);
  const auto stream = Ask("/stream", "");
  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ(stream->body.size(), 290u);
  EXPECT_THAT(stream->body, HasSubstr("\n98\n99\n"));
}

TEST_F(TlsTest, OldVersionsAndPlainHttpAreRefused) {
  Start(ServerFiles());
  EXPECT_EQ(PeerName(TLS1_2_VERSION, ""), "first");
  EXPECT_EQ(PeerName(TLS1_1_VERSION, ""), "");
  RawClient plain(server_.port());
  plain.Send(Get("/echo"));
  EXPECT_THAT(plain.ReadToEnd(), testing::Not(HasSubstr("HTTP/1.1")));
}

TEST_F(TlsTest, AHandshakeThatDoesNotComeEnds) {
  server_.options.limits.handshake_time = std::chrono::milliseconds(50);
  Start(ServerFiles());
  RawClient silent(server_.port());
  EXPECT_TRUE(silent.AtEnd());
}

TEST_F(TlsTest, ReloadTakesNewFilesAndKeepsOldOnesIfTheyAreBroken) {
  Start(ServerFiles());
  EXPECT_EQ(PeerName(TLS1_3_VERSION, ""), "first");
  files_.Make("server", "second");
  EXPECT_EQ(PeerName(TLS1_3_VERSION, ""), "first");
  ASSERT_TRUE(server_.options.tls->Reload().ok());
  EXPECT_EQ(PeerName(TLS1_3_VERSION, ""), "second");
  files_.Write("server.key", "broken");
  EXPECT_TRUE(absl::IsInvalidArgument(server_.options.tls->Reload()));
  EXPECT_EQ(PeerName(TLS1_3_VERSION, ""), "second");
}

TEST_F(TlsTest, ClientsNeedACertificateWhereItIsAskedFor) {
  files_.Make("client", "client");
  files_.Make("stranger", "stranger");
  TlsFiles files = ServerFiles();
  files.client_ca = files_.Path("client.crt");
  Start(files);
  EXPECT_EQ(PeerName(TLS1_3_VERSION, "client"), "first");
  EXPECT_EQ(PeerName(TLS1_3_VERSION, "stranger"), "");
  EXPECT_EQ(PeerName(TLS1_3_VERSION, ""), "");
}

TEST_F(TlsTest, FilesThatCannotBeUsed) {
  TlsFiles absent = ServerFiles();
  absent.certificate = files_.Path("none");
  EXPECT_TRUE(absl::IsNotFound(TlsContext::Load(absent).status()));
  files_.Make("other", "other");
  TlsFiles mixed = ServerFiles();
  mixed.key = files_.Path("other.key");
  EXPECT_TRUE(absl::IsInvalidArgument(TlsContext::Load(mixed).status()));
  TlsFiles swapped{files_.Path("server.key"), files_.Path("server.crt"), ""};
  EXPECT_TRUE(absl::IsInvalidArgument(TlsContext::Load(swapped).status()));
}

}  // namespace
}  // namespace cria::server
