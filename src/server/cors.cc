#include "server/cors.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "base/quote.h"
#include "server/errors.h"

namespace cria::server {
namespace {

constexpr size_t kMaxOrigin = 512;
constexpr uint32_t kMatchSteps = 100'000;  // the pattern is ours, the origin anybody's

class Pattern {
 public:
  static absl::StatusOr<Pattern> Compile(const std::string& text) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    Pattern pattern;
    pattern.code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                                      PCRE2_ANCHORED | PCRE2_ENDANCHORED, &error, &offset,
                                      nullptr));
    if (pattern.code_ == nullptr)
      return absl::InvalidArgumentError(absl::StrCat("cors.allow_origin_regex ", base::Quote(text),
                                                     ": not a regular expression, at byte ",
                                                     offset));
    return pattern;
  }

  bool Matches(std::string_view text) const {
    const std::unique_ptr<pcre2_match_data, FreeData> data(
        pcre2_match_data_create_from_pattern(code_.get(), nullptr));
    const std::unique_ptr<pcre2_match_context, FreeContext> context(
        pcre2_match_context_create(nullptr));
    if (data == nullptr || context == nullptr) return false;
    pcre2_set_match_limit(context.get(), kMatchSteps);
    return pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0,
                       data.get(), context.get()) > 0;
  }

 private:
  struct FreeCode {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  };
  struct FreeData {
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  };
  struct FreeContext {
    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
  };
  std::unique_ptr<pcre2_code, FreeCode> code_;
};

bool Has(const std::vector<std::string>& list, std::string_view wanted) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& one) {
    return one == "*" ||
           absl::EqualsIgnoreCase(one, absl::string_view(wanted.data(), wanted.size()));
  });
}

class Cors final : public Middleware {
 public:
  Cors(CorsOptions options, std::optional<Pattern> pattern)
      : options_(std::move(options)), pattern_(std::move(pattern)) {}

  boost::asio::awaitable<std::optional<Reply>> Before(Call& call) override {
    const std::string* origin = call.request.Header("origin");
    const std::string* method = call.request.Header("access-control-request-method");
    if (call.request.method != "OPTIONS" || origin == nullptr || method == nullptr)
      co_return std::nullopt;
    co_return Preflight(*origin, *method, call.request.Header("access-control-request-headers"));
  }

  void OnHead(const Call& call, Headers* headers) override {
    const std::string* origin = call.request.Header("origin");
    if (!AllOrigins()) headers->emplace_back("Vary", "Origin");
    if (origin == nullptr || !Allows(*origin)) return;
    headers->emplace_back("Access-Control-Allow-Origin", AllOrigins() ? "*" : *origin);
    if (options_.allow_credentials)
      headers->emplace_back("Access-Control-Allow-Credentials", "true");
    if (!options_.expose_headers.empty())
      headers->emplace_back("Access-Control-Expose-Headers",
                            absl::StrJoin(options_.expose_headers, ", "));
  }

 private:
  // Whoever it is gets the same answer. With credentials browsers insist on the origin itself.
  bool AllOrigins() const {
    return !options_.allow_credentials &&
           std::find(options_.allow_origins.begin(), options_.allow_origins.end(), "*") !=
               options_.allow_origins.end();
  }

  bool Allows(const std::string& origin) const {
    for (const std::string& one : options_.allow_origins)
      if (one == "*" || one == origin) return true;
    return pattern_.has_value() && origin.size() <= kMaxOrigin && pattern_->Matches(origin);
  }

  Reply Preflight(const std::string& origin, const std::string& method,
                  const std::string* wanted_headers) const {
    if (!Allows(origin))
      return ErrorReply(absl::PermissionDeniedError(
          absl::StrCat("origin ", base::Quote(origin), " is not in the server's cors section")));
    if (!Has(options_.allow_methods, method))
      return ErrorReply(absl::PermissionDeniedError(absl::StrCat(
          "method ", base::Quote(method), " is not allowed by the server's cors section")));
    Reply reply;
    reply.status = 204;
    reply.headers.emplace_back(
        "Access-Control-Allow-Methods",
        Has(options_.allow_methods, "") ? method : absl::StrJoin(options_.allow_methods, ", "));
    const bool any_header = Has(options_.allow_headers, "");
    if (any_header && wanted_headers != nullptr) {
      reply.headers.emplace_back("Access-Control-Allow-Headers", *wanted_headers);
    } else if (!any_header && !options_.allow_headers.empty()) {
      reply.headers.emplace_back("Access-Control-Allow-Headers",
                                 absl::StrJoin(options_.allow_headers, ", "));
    }
    reply.headers.emplace_back("Access-Control-Max-Age", absl::StrCat(options_.max_age));
    return reply;
  }

  const CorsOptions options_;
  const std::optional<Pattern> pattern_;
};

}  // namespace

CorsOptions LocalCors() {
  CorsOptions options;
  options.allow_origin_regex = R"(https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?)";
  options.allow_methods = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  options.allow_headers = {"*"};
  return options;
}

absl::StatusOr<std::unique_ptr<Middleware>> MakeCors(CorsOptions options) {
  std::optional<Pattern> pattern;
  if (!options.allow_origin_regex.empty()) {
    CRIA_ASSIGN_OR_RETURN(pattern, Pattern::Compile(options.allow_origin_regex));
  }
  return std::make_unique<Cors>(std::move(options), std::move(pattern));
}

}  // namespace cria::server
