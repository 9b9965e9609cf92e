// The models on this machine: $LLAMA_HOME/checkpoints/NAME/, NAME with ':' written as '-' and '/'
// as "--".
//
// A model's directory appears complete, by one rename: until then it grows under
// checkpoints/.partial/. Beside the files of the model stands model.json: where it came from, when,
// and the sha256 of every file. A directory without one (put there by hand, or by Meta's own tool)
// is a model too.
#ifndef CRIA_HUB_MODEL_STORE_H_
#define CRIA_HUB_MODEL_STORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "hub/catalogue.h"
#include "hub/downloader.h"

namespace cria::hub {

// The record beside a model's files.
inline constexpr char kModelRecordName[] = "model.json";

// Beside a model also lie files that running it makes: weights in the form in which they run, and
// files that are still being written. They take room, but are no part of the model.
bool IsByProduct(const std::string& file);

// What the word MODEL of a command line stands for.
struct ResolvedModel {
  std::string path;                  // what Checkpoint::Open takes
  std::string name;                  // as `model list` shows it; for a bare path the path itself
  std::string tool_format = "json";  // "json" or "python_list"
};

struct InstalledModel {
  std::string name;
  std::string directory;
  std::string source;   // "huggingface:REPO", "meta", "manifest", "pypi:...", "import:PATH", or ""
                        // if not recorded
  std::string created;  // RFC 3339, or ""
  std::string tool_format = "json";
  uint64_t bytes = 0;            // on disk, with by-products: what removing it frees
  std::vector<LocalFile> files;  // sha256 is "" where neither record nor catalogue has one
};

class Staging;

// Methods are const but for what they do on disk; several processes may use one store.
class ModelStore {
 public:
  // `home`: $LLAMA_HOME. Nothing is created before it's needed.
  explicit ModelStore(const std::string& home);
  static absl::StatusOr<ModelStore> FromEnvironment();  // LLAMA_HOME, or ~/.llama

  const std::string& directory() const { return checkpoints_; }
  std::string DirectoryFor(const std::string& name) const;

  // An existing path wins, then names of the catalogue, then other names in the store. kNotFound
  // says how to get it; kInvalidArgument for what can't be a name.
  absl::StatusOr<ResolvedModel> Resolve(const std::string& model) const;

  // A model in the store, by any of its names. Never a path.
  absl::StatusOr<InstalledModel> Find(const std::string& model) const;
  absl::StatusOr<std::vector<InstalledModel>> List() const;  // sorted by name

  absl::Status Remove(const InstalledModel& model) const;

  // A place to put a model together. kAborted if another process is at the same model.
  absl::StatusOr<std::unique_ptr<Staging>> Stage(const std::string& name) const;

 private:
  absl::StatusOr<InstalledModel> Read(const std::string& directory_name) const;
  absl::StatusOr<std::string> DirectoryOfInstalled(const std::string& name) const;
  absl::Status NotFound(const std::string& model) const;

  std::string checkpoints_;
};

// The directory in which one model comes together, locked against other processes. What is in it
// stays for a later run until Publish or Discard.
class Staging {
 public:
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  const std::string& directory() const { return directory_; }

  // Writes model.json, syncs, and puts the directory in its final place, where it replaces one of
  // an earlier time.
  absl::StatusOr<InstalledModel> Publish(const std::string& source, std::vector<LocalFile> files);
  absl::Status Discard();

 private:
  friend class ModelStore;
  Staging(std::string name, std::string directory, std::string target, int lock)
      : name_(std::move(name)),
        directory_(std::move(directory)),
        target_(std::move(target)),
        lock_(lock) {}

  std::string name_;
  std::string directory_;
  std::string target_;
  int lock_;
};

// Of the environment's store.
absl::StatusOr<ResolvedModel> Resolve(const std::string& model);

// OK for what may name a model: letters, digits and "._:+-", begun by a letter or digit, with at
// most one '/', at most 128 bytes. So no name leaves the store.
absl::Status CheckModelName(const std::string& name);

// "tokenizer.bin" or "tok" and a number: what llama2.c keeps beside its models.
bool IsLlama2cTokenizer(const std::string& file);

// Where in a model's directory Checkpoint::Open should look: the directory, its only *.gguf or
// *.bin, or original/.
std::string OpenablePath(const std::string& directory);

}  // namespace cria::hub

#endif  // CRIA_HUB_MODEL_STORE_H_
