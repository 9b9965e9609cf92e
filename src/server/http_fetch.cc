#include "server/http_fetch.h"

#include <curl/curl.h>

#include <memory>

#include "base/quote.h"

namespace cria::server {
namespace {

struct EasyFree {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

struct Sink {
  std::string body;
  size_t max_bytes;
  bool too_large = false;
};

size_t Receive(char* data, size_t one, size_t count, void* to) {
  auto& sink = *static_cast<Sink*>(to);
  const size_t size = one * count;
  sink.too_large = size > sink.max_bytes - sink.body.size();
  if (sink.too_large) return 0;
  sink.body.append(data, size);
  return size;
}

}  // namespace

absl::StatusOr<FetchResult> Fetch(const FetchRequest& request) {
  const std::unique_ptr<CURL, EasyFree> easy(curl_easy_init());
  if (easy == nullptr) return absl::ResourceExhaustedError("no memory for an HTTP request");
  std::unique_ptr<curl_slist, ListFree> headers;
  for (const auto& [name, value] : request.headers)
    headers.reset(curl_slist_append(headers.release(), absl::StrCat(name, ": ", value).c_str()));
  Sink sink{{}, request.max_bytes};
  CURL* handle = easy.get();
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "cria");
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, request.verify_tls ? 1L : 0L);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, request.verify_tls ? 2L : 0L);
  if (!request.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, request.ca_file.c_str());
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, Receive);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &sink);
  if (request.method == "POST") {
    curl_easy_setopt(handle, CURLOPT_POST, 1L);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
  }
  const CURLcode code = curl_easy_perform(handle);
  const std::string url = base::Quote(request.url);
  if (sink.too_large)
    return absl::ResourceExhaustedError(
        absl::StrCat(url, ": the answer is larger than ", request.max_bytes, " bytes"));
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
    return absl::InvalidArgumentError(absl::StrCat(url, ": not an http or https URL"));
  if (code != CURLE_OK)
    return absl::UnavailableError(absl::StrCat(url, ": ", curl_easy_strerror(code)));
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  return FetchResult{static_cast<int>(status), std::move(sink.body)};
}

}  // namespace cria::server
