#include "server/request_id.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "server/trace_context.h"

namespace cria::server {
namespace {

constexpr size_t kMaxId = 128;
constexpr size_t kRandomBytes = 16;

class RequestId final : public Middleware {
 public:
  boost::asio::awaitable<std::optional<Reply>> Before(Call& call) override {
    const std::string* given = call.request.Header("x-request-id");
    if (given != nullptr && IsRequestId(*given)) {
      call.request.id = *given;
    } else {
      call.request.id = "req_" + RandomHex(kRandomBytes);
    }
    co_return std::nullopt;
  }

  void OnHead(const Call& call, Headers* headers) override {
    headers->emplace_back("X-Request-Id", call.request.id);
  }
};

}  // namespace

bool IsRequestId(std::string_view text) {
  return !text.empty() && text.size() <= kMaxId &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                  std::string_view("-_.:/+=@").find(c) != std::string_view::npos;
         });
}

std::unique_ptr<Middleware> MakeRequestId() { return std::make_unique<RequestId>(); }

}  // namespace cria::server
