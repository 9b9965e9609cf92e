#include "hub/sources.h"

#include <fnmatch.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/json.h"
#include "hub/verify.h"

namespace cria::hub {
namespace {

namespace json = base::json;

constexpr uint64_t kMaxListBytes = uint64_t{32} << 20;
constexpr size_t kMaxFiles = 20000;

// Formats of other programs that repositories carry beside safetensors.
constexpr const char* kForeignFormats[] = {"*.h5",          "*.msgpack", "*.onnx",    "*.onnx_data",
                                           "onnx/*",        "*.ot",      "*.tflite",  "*.mlmodel",
                                           "*.mlpackage/*", "coreml/*",  "openvino/*"};

bool IsHidden(const std::string& path) {
  return path.starts_with('.') || absl::StrContains(path, "/.");
}

bool Matches(const std::string& path, std::string pattern) {
  if (pattern.ends_with('/')) pattern += '*';
  return fnmatch(pattern.c_str(), path.c_str(), 0) == 0;
}

bool HasSuffix(const std::vector<RemoteFile>& files, const char* suffix) {
  return std::any_of(files.begin(), files.end(), [&](const RemoteFile& file) {
    return absl::EndsWithIgnoreCase(file.path, suffix);
  });
}

std::vector<std::string> DefaultIgnored(const std::vector<RemoteFile>& files) {
  std::vector<std::string> patterns(std::begin(kForeignFormats), std::end(kForeignFormats));
  if (HasSuffix(files, ".pth")) {
    patterns.emplace_back("*.safetensors");
  } else if (HasSuffix(files, ".safetensors")) {
    patterns.emplace_back("*pytorch_model*.bin");
  }
  return patterns;
}

absl::StatusOr<std::optional<uint64_t>> GetSize(const json::object& object,
                                                const std::string& what) {
  CRIA_ASSIGN_OR_RETURN(const std::optional<int64_t> size, base::GetInt(object, "size"));
  if (!size.has_value()) return std::optional<uint64_t>();
  if (*size < 0) return absl::DataLossError(absl::StrCat(what, ": size ", *size, " is negative"));
  return std::optional<uint64_t>(static_cast<uint64_t>(*size));
}

// One of the API's "siblings".
absl::StatusOr<RemoteFile> ReadSibling(const json::value& value, const std::string& what) {
  if (!value.is_object())
    return absl::DataLossError(absl::StrCat(what, ": 'siblings' holds no objects"));
  const json::object& sibling = value.get_object();
  RemoteFile file;
  CRIA_ASSIGN_OR_RETURN(const auto name, base::GetString(sibling, "rfilename"));
  CRIA_ASSIGN_OR_RETURN(file.size, GetSize(sibling, what));
  CRIA_ASSIGN_OR_RETURN(const auto blob, base::GetString(sibling, "blobId"));
  file.path = name.value_or("");
  if (const json::object* lfs = base::FindObject(sibling, "lfs"); lfs != nullptr) {
    CRIA_ASSIGN_OR_RETURN(const auto sha256, base::GetString(*lfs, "sha256"));
    CRIA_ASSIGN_OR_RETURN(const std::optional<uint64_t> size, GetSize(*lfs, what));
    if (size.has_value()) file.size = size;
    if (sha256.has_value() && IsHex(*sha256, 64)) file.digest = {DigestKind::kSha256, *sha256};
  } else if (blob.has_value() && IsHex(*blob, 40) && file.size.has_value()) {
    file.digest = {DigestKind::kGitSha1, *blob};
  }
  return file;
}

absl::StatusOr<json::value> GetJson(HttpClient& client, HttpRequest request,
                                    const SourceOptions& options) {
  request.bearer_token = options.bearer_token;
  CRIA_ASSIGN_OR_RETURN(const HttpClient::Document document,
                        client.Get(request, kMaxListBytes, options.tries, options.cancelled));
  return base::ParseJson(document.body, RedactUrl(request.url));
}

absl::StatusOr<RemoteFile> ReadManifestFile(const json::value& value, const std::string& what) {
  if (!value.is_object())
    return absl::DataLossError(absl::StrCat(what, ": expected a list of objects"));
  const json::object& object = value.get_object();
  CRIA_ASSIGN_OR_RETURN(const auto path, base::GetString(object, "file"));
  CRIA_ASSIGN_OR_RETURN(const auto url, base::GetString(object, "url"));
  CRIA_ASSIGN_OR_RETURN(const auto sha256, base::GetString(object, "sha256"));
  CRIA_ASSIGN_OR_RETURN(const auto size, GetSize(object, what));
  if (!path.has_value() || !url.has_value())
    return absl::DataLossError(absl::StrCat(what, ": an entry has no \"file\" or no \"url\""));
  RemoteFile file{*path, *url, size, {}};
  if (sha256.has_value() && !IsHex(*sha256, 64))
    return absl::DataLossError(
        absl::StrCat(what, ": ", *path, ": \"sha256\" is not 64 hexadecimal digits"));
  if (sha256.has_value()) file.digest = {DigestKind::kSha256, *sha256};
  return file;
}

absl::StatusOr<ManifestModel> ReadManifestModel(const json::value& value, const std::string& what) {
  const json::object* object = value.if_object();
  const json::object* files = object == nullptr ? nullptr : base::FindObject(*object, "files");
  if (files == nullptr)
    return absl::DataLossError(absl::StrCat(what, ": a model has no \"files\" object"));
  ManifestModel model;
  CRIA_ASSIGN_OR_RETURN(const auto id, base::GetString(*object, "model_id"));
  model.model = id.value_or("");
  if (model.model.empty())
    return absl::DataLossError(absl::StrCat(what, ": a model has no \"model_id\""));
  for (const auto& [path, url] : *files) {
    if (!url.is_string())
      return absl::DataLossError(
          absl::StrCat(what, ": ", std::string(path), ": the URL is no string"));
    model.files.push_back({std::string(path), std::string(url.get_string()), std::nullopt, {}});
  }
  return model;
}

absl::Status CheckExpiry(const json::object& manifest, const std::string& what) {
  CRIA_ASSIGN_OR_RETURN(const auto expires, base::GetString(manifest, "expires_on"));
  if (!expires.has_value()) return absl::OkStatus();
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, *expires, &time, &error) &&
      !absl::ParseTime("%Y-%m-%dT%H:%M:%E*S", *expires, &time, &error))
    return absl::DataLossError(absl::StrCat(what, ": \"expires_on\": ", error));
  if (absl::Now() <= time) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(what, ": its URLs expired on ", *expires, ": ask for a new manifest"));
}

}  // namespace

std::string HuggingFaceEndpoint() {
  const char* endpoint = std::getenv("HF_ENDPOINT");
  std::string url = endpoint == nullptr || *endpoint == '\0' ? "https://huggingface.co" : endpoint;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

absl::StatusOr<std::vector<RemoteFile>> ListHuggingFace(
    HttpClient& client, const std::string& repo,
    const std::optional<std::vector<std::string>>& ignore, const SourceOptions& options) {
  HttpRequest request;
  request.url = absl::StrCat(options.endpoint, "/api/models/", EncodePath(repo), "?blobs=true");
  request.accept = "application/json";
  CRIA_ASSIGN_OR_RETURN(const json::value document, GetJson(client, request, options));
  const std::string what = RedactUrl(request.url);
  const json::array* siblings =
      document.is_object() ? base::FindArray(document.get_object(), "siblings") : nullptr;
  if (siblings == nullptr)
    return absl::DataLossError(
        absl::StrCat(what,
                     ": expected an object with 'siblings', the list of files: is this "
                     "endpoint a mirror of Hugging Face?"));
  if (siblings->size() > kMaxFiles)
    return absl::DataLossError(absl::StrCat(what, ": lists ", siblings->size(), " files, at most ",
                                            kMaxFiles, " are taken"));
  std::vector<RemoteFile> files;
  for (const json::value& sibling : *siblings) {
    CRIA_ASSIGN_OR_RETURN(RemoteFile file, ReadSibling(sibling, what));
    if (!IsSafeRelativePath(file.path))
      return absl::DataLossError(absl::StrCat(what, ": names the file '", file.path,
                                              "', which is not a plain relative path"));
    if (IsHidden(file.path)) continue;
    file.url = absl::StrCat(options.endpoint, "/", EncodePath(repo), "/resolve/main/",
                            EncodePath(file.path));
    files.push_back(std::move(file));
  }
  const std::vector<std::string> patterns = ignore.has_value() ? *ignore : DefaultIgnored(files);
  std::erase_if(files, [&](const RemoteFile& file) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& pattern) { return Matches(file.path, pattern); });
  });
  if (files.empty())
    return absl::NotFoundError(absl::StrCat(repo,
                                            ": no files to download: the repository is empty, or "
                                            "--ignore-patterns names them all"));
  return files;
}

absl::StatusOr<std::vector<RemoteFile>> ListMeta(HttpClient& client, const CatalogueEntry& entry,
                                                 const std::string& signed_url,
                                                 const SourceOptions& options) {
  const size_t star = signed_url.find('*');
  if (star == std::string::npos)
    return absl::InvalidArgumentError(
        "--meta-url: expected the URL from Meta's e-mail, with a '*' where the file's name goes");
  const std::vector<std::string> names = MetaFiles(entry);
  if (names.empty())
    return absl::InvalidArgumentError(absl::StrCat(
        entry.name,
        ": Meta's servers don't offer it; llama model download --source huggingface --model-id ",
        entry.name));
  std::vector<RemoteFile> files;
  for (const std::string& name : names) {
    RemoteFile file;
    file.path = name;
    file.url = signed_url;
    file.url.replace(star, 1, absl::StrCat(MetaFolder(entry), "/", name));
    files.push_back(std::move(file));
  }
  HttpRequest request;
  request.url = files.front().url;  // checklist.chk
  CRIA_ASSIGN_OR_RETURN(const HttpClient::Document checklist,
                        client.Get(request, kMaxListBytes, options.tries, options.cancelled));
  CRIA_ASSIGN_OR_RETURN(const auto sums, ParseChecklist(checklist.body));
  for (RemoteFile& file : files)
    for (const auto& [name, sum] : sums)
      if (name == file.path) file.digest = {DigestKind::kMd5, sum};
  return files;
}

absl::StatusOr<std::vector<ManifestModel>> ParseManifest(const std::string& text,
                                                         const std::string& what) {
  CRIA_ASSIGN_OR_RETURN(const json::value value, base::ParseJson(text, what));
  std::vector<ManifestModel> models;
  if (const json::array* list = value.if_array(); list != nullptr) {
    ManifestModel model;
    for (const json::value& item : *list) {
      CRIA_ASSIGN_OR_RETURN(RemoteFile file, ReadManifestFile(item, what));
      model.files.push_back(std::move(file));
    }
    models.push_back(std::move(model));
  } else if (const json::array* entries =
                 value.is_object() ? base::FindArray(value.get_object(), "models") : nullptr;
             entries != nullptr) {
    CRIA_RETURN_IF_ERROR(CheckExpiry(value.get_object(), what));
    for (const json::value& item : *entries) {
      CRIA_ASSIGN_OR_RETURN(ManifestModel model, ReadManifestModel(item, what));
      models.push_back(std::move(model));
    }
  }
  if (models.empty() || models.front().files.empty())
    return absl::DataLossError(
        absl::StrCat(what,
                     ": expected a list of {\"file\",\"url\",\"sha256\",\"size\"}, or "
                     "{\"models\":[{\"model_id\",\"files\":{FILE:URL}}]}"));
  return models;
}

}  // namespace cria::hub
