#include "provider/remote_llama_stack.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "text/utf8.h"

namespace cria::provider {
namespace {

namespace json = base::json;

constexpr size_t kMaxProviderDataBytes = size_t{16} << 10;
constexpr const char* kOpenAiPath = "/v1/openai/v1";

struct Version {
  int major = 0, minor = 0;
};

std::optional<Version> ReadVersion(const std::string& body) {
  const absl::StatusOr<json::value> value = base::ParseJson(body, "the version");
  if (!value.ok() || !value->is_object()) return std::nullopt;
  const auto text = base::GetString(value->get_object(), "version");
  if (!text.ok() || !text->has_value()) return std::nullopt;
  const std::vector<std::string> parts = absl::StrSplit(**text, '.');
  Version version;
  if (parts.size() < 2 || !absl::SimpleAtoi(parts[0], &version.major) ||
      !absl::SimpleAtoi(parts[1], &version.minor))
    return std::nullopt;
  return version;
}

// JSON in ASCII, as a header must be.
std::string HeaderJson(const json::object& object) {
  const std::string text = json::serialize(object);
  std::string ascii;
  const auto unit = [&ascii](uint32_t value) {
    absl::StrAppend(&ascii, "\\u", absl::Hex(value, absl::kZeroPad4));
  };
  for (std::string_view rest = text; !rest.empty();) {
    const text::Utf8Char c = text::DecodeUtf8(rest);
    if (c.code_point < 0x80) {
      ascii += static_cast<char>(c.code_point);
    } else if (c.code_point < 0x10000) {
      unit(c.code_point);
    } else {  // a surrogate pair
      unit(0xD800 + ((c.code_point - 0x10000) >> 10));
      unit(0xDC00 + ((c.code_point - 0x10000) & 0x3FF));
    }
    rest.remove_prefix(c.length);
  }
  return ascii;
}

}  // namespace

std::string RemoteLlamaStack::Root() const {
  absl::string_view root = config().base_url;
  absl::ConsumeSuffix(&root, "/openai/v1");
  absl::ConsumeSuffix(&root, "/v1");
  return std::string(root);
}

std::string RemoteLlamaStack::HealthUrl() const { return Root() + "/v1/health"; }

absl::StatusOr<std::string> RemoteLlamaStack::ApiUrl() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (api_url_) return *api_url_;
  const absl::StatusOr<std::string> answer = Get(Root() + "/v1/version");
  if (!answer.ok() && answer.status().code() != absl::StatusCode::kNotFound) return answer.status();
  const std::optional<Version> version = answer.ok() ? ReadVersion(*answer) : std::nullopt;
  const bool old = version && version->major == 0 && version->minor <= 2;
  // Versions that call themselves older, and are no Llama Stack perhaps, are asked.
  if (old && version->minor < 2 && !Get(Root() + kOpenAiPath + "/models").ok())
    return absl::UnimplementedError(
        absl::StrCat(config().id, ": the Llama Stack at ", Root(), " has version ", version->major,
                     ".", version->minor, ", which has no OpenAI routes; 0.2 is the first"));
  is_ogx_ = version && (version->major > 0 || version->minor >= 8);
  api_url_ = Root() + (old ? kOpenAiPath : "/v1");
  return *api_url_;
}

absl::Status RemoteLlamaStack::AddCallerHeaders(const chat::Caller& caller,
                                                std::vector<std::string>* headers) {
  CRIA_RETURN_IF_ERROR(OpenAiClient::AddCallerHeaders(caller, headers));
  for (const auto& [key, name] : config().forward_headers) {
    const json::value* value = base::Find(caller.provider_data, key);
    if (value == nullptr || !value->is_string()) continue;
    const std::string text(value->get_string().data(), value->get_string().size());
    CRIA_RETURN_IF_ERROR(CheckHeader(name, text, key));
    headers->push_back(absl::StrCat(name, ": ", text));
  }
  if (caller.provider_data.empty()) return absl::OkStatus();
  const std::string data = HeaderJson(caller.provider_data);
  if (data.size() > kMaxProviderDataBytes)
    return absl::InvalidArgumentError(absl::StrCat("the provider data has ", data.size(),
                                                   " bytes, at most ", kMaxProviderDataBytes,
                                                   " are sent on"));
  headers->push_back(
      absl::StrCat(is_ogx_ ? "X-OGX-Provider-Data: " : "X-LlamaStack-Provider-Data: ", data));
  return absl::OkStatus();
}

}  // namespace cria::provider
