// The models of an engine by id: those that are loaded, and those that can be when they are asked
// for.
#ifndef CRIA_ENGINE_MODEL_LIBRARY_H_
#define CRIA_ENGINE_MODEL_LIBRARY_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/status.h"
#include "engine/loaded_model.h"

namespace cria::engine {

// Any thread may call. A model is in use while anybody but the library holds it.
class ModelLibrary {
 public:
  using Loader = std::function<absl::StatusOr<std::shared_ptr<const LoadedModel>>()>;

  // `budget`: bytes of weights of all loaded models; those that are not in use make room, the
  // longest unused first. `unloaded` is called after a model went.
  ModelLibrary(uint64_t budget, std::function<void()> unloaded)
      : budget_(budget), unloaded_(std::move(unloaded)) {}

  // A model that is there already; replaces one of the same id. It stays until Remove.
  void Put(const std::string& id, std::shared_ptr<const LoadedModel> model);
  // A model that Get loads when it is asked for. `bytes`: about how much its weights will take.
  void Declare(const std::string& id, uint64_t bytes, Loader loader);
  // Forgets the id; who holds the model keeps it.
  void Remove(const std::string& id);

  // The model, loaded on the calling thread if need be; callers that ask for the same one meanwhile
  // wait. kNotFound: no such id. kResourceExhausted: the models in use leave no room.
  absl::StatusOr<std::shared_ptr<const LoadedModel>> Get(const std::string& id);
  // The model if it is loaded, else nullptr.
  std::shared_ptr<const LoadedModel> Find(const std::string& id) const;

  uint64_t bytes() const;  // of the weights of all loaded models

 private:
  struct Entry {
    std::shared_ptr<const LoadedModel> model;  // null: not loaded
    Loader loader;                             // none: put there by hand
    uint64_t bytes = 0;                        // of its weights; expected, until it is loaded
    uint64_t last_use = 0;
    uint64_t serial = 0;  // tells it from one that was under this id before
    bool loading = false;
  };
  uint64_t BytesLocked() const;  // loaded and being loaded
  absl::Status MakeRoom(const std::string& id, uint64_t bytes);

  const uint64_t budget_;
  const std::function<void()> unloaded_;
  mutable std::mutex mutex_;
  std::condition_variable loaded_;
  std::map<std::string, Entry> entries_;
  uint64_t clock_ = 0;
};

}  // namespace cria::engine

#endif  // CRIA_ENGINE_MODEL_LIBRARY_H_
