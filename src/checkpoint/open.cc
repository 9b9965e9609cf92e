// Checkpoint::Open: what a path holds is decided by content, then that format's reader runs.
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/gguf_reader.h"
#include "checkpoint/hugging_face_reader.h"
#include "checkpoint/llama2c_reader.h"
#include "checkpoint/meta_reader.h"
#include "checkpoint/safetensors_set.h"

namespace cria::checkpoint {
namespace {

namespace fs = std::filesystem;
using Parts = Checkpoint::Parts;

constexpr size_t kMaxDirectoryEntries = 10000;

// The names of the files in a directory, sorted.
absl::StatusOr<std::vector<std::string>> FileNames(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (names.size() == kMaxDirectoryEntries)
      return absl::DataLossError(
          absl::StrCat(directory, ": more than ", kMaxDirectoryEntries, " files; is it a model?"));
    names.push_back(it->path().filename().string());
  }
  if (error)
    return absl::DataLossError(absl::StrCat(directory, ": cannot list: ", error.message()));
  std::sort(names.begin(), names.end());
  return names;
}

bool IsMetaShard(std::string_view name) {
  return name.starts_with("consolidated") && name.ends_with(".pth");
}

bool IsPickle(std::string_view name) {
  return name.starts_with("pytorch_model") && name.ends_with(".bin");
}

absl::StatusOr<Parts> ReadDirectory(const std::string& directory) {
  CRIA_ASSIGN_OR_RETURN(const std::vector<std::string> names, FileNames(directory));
  const auto has = [&](std::string_view name) {
    return std::binary_search(names.begin(), names.end(), name);
  };
  if (has("config.json")) return ReadHuggingFace(directory);
  if (has("params.json") || std::any_of(names.begin(), names.end(), IsMetaShard))
    return ReadMeta(directory);
  std::vector<std::string> ggufs;
  for (const std::string& name : names)
    if (std::string_view(name).ends_with(".gguf")) ggufs.push_back(name);
  const auto pickle = std::find_if(names.begin(), names.end(), IsPickle);
  if (ggufs.empty() && pickle != names.end())
    return RefusePickle((fs::path(directory) / *pickle).string());
  if (ggufs.size() == 1) return ReadGguf((fs::path(directory) / ggufs[0]).string());
  if (ggufs.size() > 1)
    return absl::InvalidArgumentError(absl::StrCat(directory, ": holds ", ggufs.size(),
                                                   " GGUF files (", ggufs[0], ", ", ggufs[1],
                                                   ", ...); name one of them"));
  return absl::NotFoundError(
      absl::StrCat(directory,
                   ": no model in this directory: no config.json, params.json, consolidated.*.pth "
                   "or *.gguf"));
}

absl::StatusOr<std::string> FirstBytes(const std::string& path, size_t count) {
  CRIA_ASSIGN_OR_RETURN(const auto file, base::MappedFile::Open(path));
  const auto bytes = file->bytes();
  return std::string(reinterpret_cast<const char*>(bytes.data()), std::min(count, bytes.size()));
}

// The directory of a model file whose config lies beside it.
absl::StatusOr<std::string> DirectoryWith(const fs::path& file, const std::string& config) {
  const std::string directory = file.has_parent_path() ? file.parent_path().string() : ".";
  if (base::PathExists((fs::path(directory) / config).string())) return directory;
  return absl::NotFoundError(absl::StrCat(file.string(), ": there is no ", config,
                                          " beside it; give the model's directory"));
}

absl::StatusOr<Parts> ReadFileOfAnyFormat(const std::string& path) {
  CRIA_ASSIGN_OR_RETURN(const std::string magic, FirstBytes(path, 4));
  if (magic == "GGUF") return ReadGguf(path);
  const fs::path file(path);
  if (file.extension() == ".safetensors") {
    CRIA_ASSIGN_OR_RETURN(const std::string directory, DirectoryWith(file, "config.json"));
    return ReadHuggingFace(directory);
  }
  if (file.extension() == ".pth") {
    CRIA_ASSIGN_OR_RETURN(const std::string directory, DirectoryWith(file, "params.json"));
    return ReadMeta(directory);
  }
  // torch.save writes zip archives, before version 1.6 pickles of protocol 2.
  if (IsPickle(file.filename().string()) || magic == "PK\x03\x04" || magic.starts_with("\x80\x02"))
    return RefusePickle(path);
  return ReadLlama2c(path);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Checkpoint>> Checkpoint::Open(const std::string& path) {
  if (base::DirectoryExists(path)) {
    CRIA_ASSIGN_OR_RETURN(Parts parts, ReadDirectory(path));
    return FromParts(std::move(parts));
  }
  CRIA_ASSIGN_OR_RETURN(Parts parts, ReadFileOfAnyFormat(path));
  return FromParts(std::move(parts));
}

}  // namespace cria::checkpoint
