#include "hub/model_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/edit_distance.h"
#include "base/file.h"
#include "base/json.h"
#include "checkpoint/checkpoint.h"
#include "hub/disk.h"

namespace cria::hub {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;

constexpr char kPartialFolder[] = ".partial";
constexpr char kOldSuffix[] = ".old";
constexpr uint64_t kMaxRecordBytes = uint64_t{16} << 20;
constexpr size_t kMaxNameBytes = 128;
constexpr size_t kMaxNear = 3;

std::string DirectoryName(const std::string& name) {
  return absl::StrReplaceAll(name, {{":", "-"}, {"/", "--"}});
}

// The name that a directory without record goes by.
std::string NameOfDirectory(const std::string& directory_name) {
  const CatalogueEntry* entry = FindInCatalogue(directory_name);
  if (entry != nullptr) return entry->name;
  return absl::StrReplaceAll(directory_name, {{"--", "/"}});
}

bool HasSuffix(const std::string& name, const char* suffix) {
  return absl::EndsWithIgnoreCase(name, suffix);
}

// Names of the entries directly in `directory`, sorted, hidden ones left out.
std::vector<std::string> Entries(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (!name.starts_with('.')) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string FirstPart(const std::string& text, size_t length) {
  return text.size() <= length ? text : text.substr(0, length) + "...";
}

std::vector<std::string> NearNames(const std::string& model,
                                   const std::vector<InstalledModel>& installed) {
  std::vector<std::string> names;
  for (const InstalledModel& one : installed) names.push_back(one.name);
  for (const CatalogueEntry& entry : Catalogue()) names.emplace_back(entry.name);
  return base::Nearest(model.substr(0, kMaxNameBytes), names, kMaxNear);
}

// What the catalogue knows of a file that no record describes.
std::string KnownSha256(const std::string& name, const std::string& file) {
  const CatalogueEntry* entry = FindInCatalogue(name);
  if (entry == nullptr || entry->wheel == nullptr) return "";
  for (const WheelMember& member : entry->wheel->members)
    if (member.file == file) return member.sha256;
  return "";
}

std::string ToolFormatOf(const std::string& name) {
  const CatalogueEntry* entry = FindInCatalogue(name);
  return entry == nullptr ? "json" : entry->tool_format;
}

bool LooksLikePath(const std::string& model) {
  return absl::StartsWith(model, "/") || absl::StartsWith(model, "./") ||
         absl::StartsWith(model, "../") || model == "." || model == ".." ||
         HasSuffix(model, ".gguf") || HasSuffix(model, ".bin") || HasSuffix(model, ".safetensors");
}

std::string Quoted(const std::string& text) {
  std::string result;
  for (const char c : FirstPart(text, kMaxNameBytes))
    result += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  return absl::StrCat("'", result, "'");
}

absl::Status SyncDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return FromErrno("cannot open", path);
  const int failed = fsync(fd);
  const absl::Status status = failed != 0 ? FromErrno("cannot sync", path) : absl::OkStatus();
  close(fd);
  return status;
}

std::string RecordText(const InstalledModel& model) {
  json::array files;
  for (const LocalFile& file : model.files)
    files.push_back(
        json::object{{"path", file.path}, {"size", file.size}, {"sha256", file.sha256}});
  return json::serialize(json::object{{"name", model.name},
                                      {"source", model.source},
                                      {"created", model.created},
                                      {"tool_format", model.tool_format},
                                      {"files", std::move(files)}});
}

absl::Status ReadRecord(const std::string& path, InstalledModel& model) {
  CRIA_ASSIGN_OR_RETURN(const std::string text, base::ReadFile(path, kMaxRecordBytes));
  CRIA_ASSIGN_OR_RETURN(const json::value value, base::ParseJson(text, path));
  if (!value.is_object()) return absl::DataLossError(absl::StrCat(path, ": expected an object"));
  const json::object& record = value.get_object();
  CRIA_ASSIGN_OR_RETURN(const auto name, base::GetString(record, "name"));
  CRIA_ASSIGN_OR_RETURN(const auto source, base::GetString(record, "source"));
  CRIA_ASSIGN_OR_RETURN(const auto created, base::GetString(record, "created"));
  CRIA_ASSIGN_OR_RETURN(const auto tool_format, base::GetString(record, "tool_format"));
  if (name.has_value() && CheckModelName(*name).ok()) model.name = *name;
  model.source = source.value_or("");
  model.created = created.value_or("");
  model.tool_format = tool_format.value_or(model.tool_format);
  const json::array* files = base::FindArray(record, "files");
  if (files == nullptr) return absl::OkStatus();
  for (const json::value& item : *files) {
    if (!item.is_object())
      return absl::DataLossError(absl::StrCat(path, ": 'files' holds no object"));
    CRIA_ASSIGN_OR_RETURN(const auto file, base::GetString(item.get_object(), "path"));
    CRIA_ASSIGN_OR_RETURN(const auto size, base::GetInt(item.get_object(), "size"));
    CRIA_ASSIGN_OR_RETURN(const auto sha256, base::GetString(item.get_object(), "sha256"));
    if (!file.has_value() || !IsSafeRelativePath(*file))
      return absl::DataLossError(
          absl::StrCat(path, ": names a file that is not a plain relative path"));
    model.files.push_back({*file, static_cast<uint64_t>(size.value_or(0)), sha256.value_or("")});
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckModelName(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("._:+-/").find(c) != std::string_view::npos;
  });
  const std::vector<std::string> parts = absl::StrSplit(name, '/');
  bool begun = parts.size() <= 2;
  for (const std::string& part : parts)
    begun = begun && !part.empty() && absl::ascii_isalnum(static_cast<unsigned char>(part.front()));
  if (plain && begun && name.size() <= kMaxNameBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      Quoted(name),
      ": not a model's name: expected letters, digits and . _ : + -, begun by a letter or "
      "digit, with at most one '/' (OWNER/NAME)"));
}

bool IsLlama2cTokenizer(const std::string& file) {
  absl::string_view name = file;
  if (!absl::ConsumeSuffix(&name, ".bin")) return false;
  if (name == "tokenizer") return true;
  return absl::ConsumePrefix(&name, "tok") && !name.empty() &&
         std::all_of(name.begin(), name.end(), absl::ascii_isdigit);
}

std::string OpenablePath(const std::string& directory) {
  std::vector<std::string> gguf, bin;
  bool has_weights = false;
  for (const std::string& name : Entries(directory)) {
    if (HasSuffix(name, ".gguf")) gguf.push_back(name);
    if (HasSuffix(name, ".bin") && !IsLlama2cTokenizer(name)) bin.push_back(name);
    has_weights |= HasSuffix(name, ".safetensors") || HasSuffix(name, ".pth");
  }
  if (has_weights) return directory;
  if (gguf.size() == 1) return JoinPath(directory, gguf.front());
  if (base::FileExists(JoinPath(directory, "original/params.json")))
    return JoinPath(directory, "original");
  if (bin.size() == 1 && gguf.empty()) return JoinPath(directory, bin.front());
  return directory;
}

bool IsByProduct(const std::string& file) {
  return absl::EndsWith(file, checkpoint::kPackedSuffix) ||
         absl::EndsWith(file, base::kUnfinishedSuffix);
}

ModelStore::ModelStore(const std::string& home) : checkpoints_(JoinPath(home, "checkpoints")) {}

absl::StatusOr<ModelStore> ModelStore::FromEnvironment() {
  if (const char* home = std::getenv("LLAMA_HOME"); home != nullptr && *home != '\0')
    return ModelStore(home);
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return ModelStore(JoinPath(home, ".llama"));
  return absl::FailedPreconditionError("where do models live? Set LLAMA_HOME (or HOME)");
}

std::string ModelStore::DirectoryFor(const std::string& name) const {
  return JoinPath(checkpoints_, DirectoryName(name));
}

absl::StatusOr<InstalledModel> ModelStore::Read(const std::string& directory_name) const {
  InstalledModel model;
  model.name = NameOfDirectory(directory_name);
  model.directory = JoinPath(checkpoints_, directory_name);
  model.tool_format = ToolFormatOf(model.name);
  const std::string record = JoinPath(model.directory, kModelRecordName);
  if (base::FileExists(record)) CRIA_RETURN_IF_ERROR(ReadRecord(record, model));
  const bool recorded = !model.files.empty();
  CRIA_ASSIGN_OR_RETURN(const std::vector<std::string> files, ListFiles(model.directory));
  for (const std::string& file : files) {
    const absl::StatusOr<uint64_t> size = FileSize(JoinPath(model.directory, file));
    if (file == kModelRecordName || !size.ok()) continue;
    model.bytes += *size;
    if (!recorded && !IsByProduct(file))
      model.files.push_back({file, *size, KnownSha256(model.name, file)});
  }
  return model;
}

absl::StatusOr<std::string> ModelStore::DirectoryOfInstalled(const std::string& name) const {
  const std::string wanted = DirectoryName(name);
  if (base::DirectoryExists(JoinPath(checkpoints_, wanted))) return wanted;
  for (const std::string& entry : Entries(checkpoints_))
    if (absl::EqualsIgnoreCase(entry, wanted) &&
        base::DirectoryExists(JoinPath(checkpoints_, entry)))
      return entry;
  return absl::NotFoundError(name);
}

absl::StatusOr<InstalledModel> ModelStore::Find(const std::string& model) const {
  CRIA_RETURN_IF_ERROR(CheckModelName(model));
  const CatalogueEntry* entry = FindInCatalogue(model);
  if (entry != nullptr) {
    const absl::StatusOr<std::string> directory = DirectoryOfInstalled(entry->name);
    if (directory.ok()) return Read(*directory);
  }
  const absl::StatusOr<std::string> directory = DirectoryOfInstalled(model);
  if (directory.ok()) return Read(*directory);
  return NotFound(model);
}

absl::Status ModelStore::NotFound(const std::string& model) const {
  if (const CatalogueEntry* entry = FindInCatalogue(model); entry != nullptr) {
    const std::string how = entry->wheel != nullptr
                                ? absl::StrCat("llama model pull ", entry->name)
                                : absl::StrCat("llama model download --model-id ", entry->name);
    return absl::NotFoundError(
        absl::StrCat("the model ", entry->name, " is not on this machine; get it by: ", how));
  }
  const std::vector<std::string> near =
      NearNames(model, List().value_or(std::vector<InstalledModel>{}));
  std::string hint =
      near.empty() ? "" : absl::StrCat("; did you mean ", absl::StrJoin(near, ", "), "?");
  if (absl::StrContains(model, "/"))
    absl::StrAppend(
        &hint, "; from Hugging Face: llama model download --source huggingface --model-id ", model);
  return absl::NotFoundError(absl::StrCat("there is no model or file ", Quoted(model), hint,
                                          "; llama model list shows the names"));
}

absl::StatusOr<ResolvedModel> ModelStore::Resolve(const std::string& model) const {
  if (model.empty()) return absl::InvalidArgumentError("the model's name is empty");
  const bool is_directory = base::DirectoryExists(model);
  if (is_directory || base::PathExists(model)) {
    ResolvedModel resolved{is_directory ? OpenablePath(model) : model, model, "json"};
    InstalledModel recorded;
    const std::string record =
        JoinPath(is_directory ? model : DirectoryOf(model), kModelRecordName);
    if (base::FileExists(record) && ReadRecord(record, recorded).ok())
      resolved.tool_format = recorded.tool_format;
    return resolved;
  }
  if (LooksLikePath(model))
    return absl::NotFoundError(absl::StrCat(Quoted(model), ": no such file or directory"));
  if (!CheckModelName(model).ok())
    return absl::NotFoundError(absl::StrCat("there is no model or file ", Quoted(model),
                                            "; llama model list shows the names"));
  CRIA_ASSIGN_OR_RETURN(const InstalledModel found, Find(model));
  return ResolvedModel{OpenablePath(found.directory), found.name, found.tool_format};
}

absl::StatusOr<std::vector<InstalledModel>> ModelStore::List() const {
  std::vector<InstalledModel> models;
  for (const std::string& name : Entries(checkpoints_)) {
    if (!base::DirectoryExists(JoinPath(checkpoints_, name))) continue;
    CRIA_ASSIGN_OR_RETURN(InstalledModel model, Read(name));
    models.push_back(std::move(model));
  }
  std::sort(models.begin(), models.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return models;
}

absl::Status ModelStore::Remove(const InstalledModel& model) const {
  // Out of sight first, so that no half-removed model is ever found.
  const std::string trash =
      JoinPath(checkpoints_, absl::StrCat(".removed-", BaseName(model.directory), "-", getpid()));
  CRIA_RETURN_IF_ERROR(RemoveTree(trash));
  CRIA_RETURN_IF_ERROR(Rename(model.directory, trash));
  return RemoveTree(trash);
}

absl::StatusOr<std::unique_ptr<Staging>> ModelStore::Stage(const std::string& name) const {
  CRIA_RETURN_IF_ERROR(CheckModelName(name));
  const std::string partial = JoinPath(checkpoints_, kPartialFolder);
  const std::string directory = JoinPath(partial, DirectoryName(name));
  CRIA_RETURN_IF_ERROR(MakeDirectories(directory));
  const std::string lock_path = directory + ".lock";
  const int lock = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock < 0) return FromErrno("cannot create", lock_path);
  std::unique_ptr<Staging> staging(new Staging(name, directory, DirectoryFor(name), lock));
  if (flock(lock, LOCK_EX | LOCK_NB) != 0)
    return absl::AbortedError(absl::StrCat(
        name, ": another llama process is getting this model; wait for it, or end it"));
  // A process that ended between the two renames of Publish left the former directory aside.
  if (const std::string old = directory + kOldSuffix; base::DirectoryExists(old)) {
    if (base::DirectoryExists(staging->target_)) {
      CRIA_RETURN_IF_ERROR(RemoveTree(old));
    } else {
      CRIA_RETURN_IF_ERROR(Rename(old, staging->target_));
    }
  }
  return staging;
}

Staging::~Staging() { close(lock_); }

absl::StatusOr<InstalledModel> Staging::Publish(const std::string& source,
                                                std::vector<LocalFile> files) {
  InstalledModel model;
  model.name = name_;
  model.directory = target_;
  model.source = source;
  model.created = absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone());
  model.tool_format = ToolFormatOf(name_);
  model.files = std::move(files);
  std::sort(model.files.begin(), model.files.end(),
            [](const LocalFile& a, const LocalFile& b) { return a.path < b.path; });
  for (const LocalFile& file : model.files) model.bytes += file.size;
  CRIA_RETURN_IF_ERROR(
      base::WriteFileAtomically(JoinPath(directory_, kModelRecordName), RecordText(model)));
  CRIA_RETURN_IF_ERROR(SyncDirectory(directory_));

  const std::string old = directory_ + kOldSuffix;
  const bool replaces = base::DirectoryExists(target_);
  if (replaces) CRIA_RETURN_IF_ERROR(Rename(target_, old));
  CRIA_RETURN_IF_ERROR(Rename(directory_, target_));
  CRIA_RETURN_IF_ERROR(SyncDirectory(DirectoryOf(target_)));
  if (replaces) CRIA_RETURN_IF_ERROR(RemoveTree(old));
  return model;
}

absl::Status Staging::Discard() { return RemoveTree(directory_); }

absl::StatusOr<ResolvedModel> Resolve(const std::string& model) {
  CRIA_ASSIGN_OR_RETURN(const ModelStore store, ModelStore::FromEnvironment());
  return store.Resolve(model);
}

}  // namespace cria::hub
