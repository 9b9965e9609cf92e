#include "checkpoint/safetensors_set.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "base/quote.h"

namespace cria::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxIndexBytes = uint64_t{64} << 20;
constexpr size_t kMaxShards = 1000;

std::string Str(base::json::string_view text) { return std::string(text.data(), text.size()); }
std::string Join(const std::string& directory, const std::string& name) {
  return (fs::path(directory) / name).string();
}

bool IsPlainFileName(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

using WeightMap = std::map<std::string, std::string>;  // tensor -> shard

absl::StatusOr<WeightMap> ParseIndex(std::string_view json) {
  CRIA_ASSIGN_OR_RETURN(const base::json::value document,
                        base::ParseJson(json, "JSON", {.max_bytes = kMaxIndexBytes}));
  const base::json::object* fields = document.if_object();
  const base::json::object* map =
      fields == nullptr ? nullptr : base::FindObject(*fields, "weight_map");
  if (map == nullptr) return absl::DataLossError("no 'weight_map' of type object");
  if (const auto key = DuplicateJsonKey(json))
    return absl::DataLossError(absl::StrCat(base::Quote(*key), " is there twice"));
  WeightMap result;
  for (const auto& field : *map) {
    const base::json::string* text = field.value().if_string();
    const std::string shard = text == nullptr ? "" : Str(*text);
    if (!IsPlainFileName(shard))
      return absl::DataLossError(
          absl::StrCat("'weight_map': tensor ", base::Quote(Str(field.key())), " is in ",
                       base::Quote(shard), ", expected the name of a file in this directory"));
    result.emplace(Str(field.key()), shard);
  }
  return result;
}

// Takes the tensors of one shard out of `unseen`.
absl::Status MatchShard(const std::string& shard, const SafetensorsFile& file, WeightMap* unseen) {
  for (const SafetensorsTensor& tensor : file.content.tensors) {
    const auto found = unseen->find(tensor.name);
    if (found == unseen->end())
      return absl::DataLossError(absl::StrCat("tensor ", base::Quote(tensor.name), " is in ",
                                              base::Quote(shard),
                                              ", but the index doesn't name it or another shard "
                                              "holds it too"));
    if (found->second != shard)
      return absl::DataLossError(absl::StrCat("tensor ", base::Quote(tensor.name), " is in ",
                                              base::Quote(shard), ", the index says ",
                                              base::Quote(found->second)));
    unseen->erase(found);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<SafetensorsFile>> OpenShards(const std::string& directory,
                                                        const std::string& index_path) {
  CRIA_ASSIGN_OR_RETURN(const std::string json, base::ReadRegularFile(index_path, kMaxIndexBytes));
  absl::StatusOr<WeightMap> map = ParseIndex(json);
  if (!map.ok()) return base::Annotate(map.status(), index_path);
  std::vector<std::string> shards;
  for (const auto& [tensor, shard] : *map) shards.push_back(shard);
  std::sort(shards.begin(), shards.end());
  shards.erase(std::unique(shards.begin(), shards.end()), shards.end());
  if (shards.size() > kMaxShards)
    return absl::DataLossError(absl::StrCat(index_path, ": ", shards.size(), " shards, at most ",
                                            kMaxShards, " are read"));
  std::vector<SafetensorsFile> files;
  for (const std::string& shard : shards) {
    CRIA_ASSIGN_OR_RETURN(SafetensorsFile file, SafetensorsFile::Open(Join(directory, shard)));
    if (absl::Status status = MatchShard(shard, file, &*map); !status.ok())
      return base::Annotate(status, index_path);
    files.push_back(std::move(file));
  }
  if (!map->empty())
    return absl::DataLossError(absl::StrCat(index_path, ": tensor ",
                                            base::Quote(map->begin()->first), " is not in ",
                                            base::Quote(map->begin()->second)));
  return files;
}

absl::StatusOr<std::string> OnlySafetensors(const std::string& directory) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error))
    if (it->path().extension() == ".safetensors") found.push_back(it->path().string());
  if (found.size() == 1) return found[0];
  if (found.size() > 1)
    return absl::NotFoundError(absl::StrCat(directory, ": ", found.size(),
                                            " *.safetensors files, but neither model.safetensors "
                                            "nor model.safetensors.index.json"));
  for (const std::string name : {"pytorch_model.bin", "pytorch_model.bin.index.json"})
    if (base::FileExists(Join(directory, name))) return RefusePickle(Join(directory, name));
  return absl::NotFoundError(
      absl::StrCat(directory, ": no model.safetensors here: is the download complete?"));
}

}  // namespace

absl::Status RefusePickle(const std::string& path) {
  return absl::UnimplementedError(
      absl::StrCat(path,
                   ": weights in this format (a pickle of PyTorch) are not read; get the "
                   "model as safetensors, or convert it: save_pretrained of transformers "
                   "writes model.safetensors"));
}

absl::StatusOr<std::vector<SafetensorsFile>> OpenSafetensorsSet(const std::string& directory) {
  std::string path = Join(directory, "model.safetensors");
  if (!base::PathExists(path)) {
    const std::string index = Join(directory, "model.safetensors.index.json");
    if (base::PathExists(index)) return OpenShards(directory, index);
    CRIA_ASSIGN_OR_RETURN(path, OnlySafetensors(directory));
  }
  std::vector<SafetensorsFile> files(1);
  CRIA_ASSIGN_OR_RETURN(files[0], SafetensorsFile::Open(path));
  return files;
}

}  // namespace cria::checkpoint
