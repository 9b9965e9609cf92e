#include "server/request_parser.h"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/check.h"
#include "base/quote.h"
#include "server/errors.h"
#include "server/target.h"

namespace cria::server {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

std::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

absl::Status Malformed(std::string_view reason) {
  return HttpError(400, absl::StrCat("malformed HTTP request: ", std::string(reason)));
}

}  // namespace

// Beast knows the grammar and the framing; what it reads goes straight into a Request.
class RequestParser::Impl final : public http::basic_parser<true> {
 public:
  explicit Impl(const Limits& limits) : limits_(limits) {
    header_limit(static_cast<uint32_t>(limits.max_header_bytes));
    body_limit(boost::none);  // StartBody has the limit, and it counts what was decoded, too
  }

  absl::StatusOr<size_t> Take(std::string_view bytes) {
    beast::error_code error;
    const size_t taken = put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    if (!status_.ok()) return status_;
    if (!head_done_) {  // Beast's own limit forgets the fields that it has taken
      head_bytes_ += taken;
      if (head_bytes_ + (bytes.size() - taken) > limits_.max_header_bytes)
        return FromBeast(http::error::header_limit, bytes);
    }
    if (!error || error == http::error::need_more) return taken;
    return FromBeast(error, bytes);
  }

  absl::Status CheckHead() {
    const std::string* host = request_.Header("host");
    int hosts = 0;
    for (const auto& [name, value] : request_.headers) hosts += name == "host" ? 1 : 0;
    if (hosts > 1 || (host == nullptr && !is_http_1_0_))
      return Malformed("HTTP/1.1 requires exactly one Host header");
    if (is_http_1_0_ && chunked())
      return HttpError(411, "an HTTP/1.0 request must give its body's length by Content-Length");
    const std::string* expect = request_.Header("expect");
    if (expect == nullptr) return absl::OkStatus();
    expects_continue_ = absl::EqualsIgnoreCase(*expect, "100-continue") && !is_http_1_0_;
    if (expects_continue_ || is_http_1_0_) return absl::OkStatus();
    return HttpError(
        417, absl::StrCat("Expect: ", base::Quote(*expect), ": only 100-continue is understood"));
  }

  absl::Status StartBody(size_t max_bytes, size_t max_decompressed_bytes) {
    max_body_bytes_ = max_bytes;
    if (content_length().has_value() && *content_length() > max_bytes) return TooLarge();
    std::string encoding;
    for (const auto& [name, value] : request_.headers)
      if (name == "content-encoding")
        absl::StrAppend(&encoding, encoding.empty() ? "" : ", ", value);
    const bool plain = encoding.empty() || absl::EqualsIgnoreCase(encoding, "identity");
    auto decoder = MakeBodyDecoder(encoding, plain ? max_bytes : max_decompressed_bytes);
    if (!decoder.ok()) return decoder.status();
    decoder_ = *std::move(decoder);
    return absl::OkStatus();
  }

  Request request_;
  std::string raw_path_;
  bool is_http_1_0_ = false;
  bool expects_continue_ = false;
  bool skip_ = false;

 private:
  absl::Status TooLarge() const {
    return HttpError(413, absl::StrCat("the request's body is larger than the ", max_body_bytes_,
                                       " bytes allowed here"));
  }

  absl::Status FromBeast(const beast::error_code& error, std::string_view bytes) const {
    if (error == http::error::header_limit) {
      if (request_.method.empty() && bytes.find('\n') == std::string_view::npos)
        return HttpError(414, "the URL is too long");
      return HttpError(431, absl::StrCat("the headers are larger than the ",
                                         limits_.max_header_bytes, " bytes allowed"));
    }
    const bool right_version = bytes.find(" HTTP/1.") != std::string_view::npos;
    if (error == http::error::bad_version && !right_version)
      return HttpError(505, "only HTTP/1.1 and HTTP/1.0 are understood");
    return Malformed(error.message());
  }

  // Notes the first error; `error` only tells Beast to stop.
  void Fail(absl::Status status, beast::error_code& error) {
    if (status_.ok()) status_ = std::move(status);
    error = http::error::bad_value;
  }

  void on_request_impl(http::verb, beast::string_view method, beast::string_view target,
                       int version, beast::error_code& error) override {
    request_.method = View(method);
    is_http_1_0_ = version == 10;
    if (target.size() > limits_.max_target_bytes)
      return Fail(HttpError(414, absl::StrCat("the URL is longer than the ",
                                              limits_.max_target_bytes, " bytes allowed")),
                  error);
    absl::StatusOr<Target> parsed = ParseTarget(View(target));
    if (!parsed.ok()) return Fail(parsed.status(), error);
    request_.path = std::move(parsed->path);
    request_.query = std::move(parsed->query);
    raw_path_ = std::move(parsed->raw_path);
  }

  void on_response_impl(int, beast::string_view, int, beast::error_code&) override {}

  void on_field_impl(http::field field, beast::string_view name, beast::string_view value,
                     beast::error_code& error) override {
    if (head_done_) return;  // trailers tell us nothing
    // Beast takes other codings for none at all, and the body for the next request.
    if (field == http::field::transfer_encoding && !beast::iequals(value, "chunked"))
      return Fail(HttpError(501, "the only Transfer-Encoding understood is chunked"), error);
    if (request_.headers.size() >= limits_.max_headers)
      return Fail(HttpError(431, absl::StrCat("more than ", limits_.max_headers, " headers")),
                  error);
    request_.headers.emplace_back(absl::AsciiStrToLower(std::string(View(name))),
                                  std::string(View(value)));
  }

  void on_header_impl(beast::error_code& error) override {
    head_done_ = true;
    absl::Status status = CheckHead();
    if (!status.ok()) Fail(std::move(status), error);
  }

  void on_body_init_impl(const boost::optional<uint64_t>&, beast::error_code&) override {}

  size_t on_body_impl(beast::string_view bytes, beast::error_code& error) override {
    if (skip_) return bytes.size();
    CRIA_CHECK(decoder_ != nullptr);
    body_bytes_ += bytes.size();
    absl::Status status =
        body_bytes_ > max_body_bytes_ ? TooLarge() : decoder_->Feed(View(bytes), &request_.body);
    if (!status.ok()) Fail(std::move(status), error);
    return bytes.size();
  }

  void on_chunk_header_impl(uint64_t, beast::string_view, beast::error_code&) override {}

  size_t on_chunk_body_impl(uint64_t, beast::string_view bytes, beast::error_code& error) override {
    return on_body_impl(bytes, error);
  }

  void on_finish_impl(beast::error_code& error) override {
    if (skip_ || decoder_ == nullptr || body_bytes_ == 0) return;
    absl::Status status = decoder_->Finish();
    if (!status.ok()) Fail(std::move(status), error);
  }

  const Limits& limits_;
  absl::Status status_;
  bool head_done_ = false;
  size_t head_bytes_ = 0;
  std::unique_ptr<BodyDecoder> decoder_;
  size_t max_body_bytes_ = 0;
  size_t body_bytes_ = 0;
};

RequestParser::RequestParser(const Limits& limits) : impl_(std::make_unique<Impl>(limits)) {}

RequestParser::~RequestParser() = default;

absl::StatusOr<size_t> RequestParser::TakeHead(std::string_view bytes) {
  return impl_->Take(bytes);
}

bool RequestParser::head_done() const { return impl_->is_header_done(); }

Request& RequestParser::request() { return impl_->request_; }

const std::string& RequestParser::raw_path() const { return impl_->raw_path_; }

bool RequestParser::keep_alive() const { return impl_->keep_alive(); }

bool RequestParser::is_http_1_0() const { return impl_->is_http_1_0_; }

bool RequestParser::expects_continue() const { return impl_->expects_continue_; }

bool RequestParser::body_done() const { return impl_->is_done(); }

absl::Status RequestParser::StartBody(size_t max_bytes, size_t max_decompressed_bytes) {
  return impl_->StartBody(max_bytes, max_decompressed_bytes);
}

void RequestParser::SkipBody() { impl_->skip_ = true; }

std::optional<uint64_t> RequestParser::content_length() const {
  const auto length = impl_->content_length();
  return length.has_value() ? std::optional<uint64_t>(*length) : std::nullopt;
}

absl::StatusOr<size_t> RequestParser::TakeBody(std::string_view bytes) {
  return impl_->Take(bytes);
}

}  // namespace cria::server
