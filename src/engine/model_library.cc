#include "engine/model_library.h"

namespace cria::engine {

void ModelLibrary::Put(const std::string& id, std::shared_ptr<const LoadedModel> model) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Entry entry;
  entry.bytes = model->model().packed_bytes();
  entry.model = std::move(model);
  entry.last_use = entry.serial = ++clock_;
  entries_[id] = std::move(entry);
  loaded_.notify_all();
}

void ModelLibrary::Declare(const std::string& id, uint64_t bytes, Loader loader) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Entry entry;
  entry.bytes = bytes;
  entry.loader = std::move(loader);
  entry.serial = ++clock_;
  entries_[id] = std::move(entry);
  loaded_.notify_all();
}

void ModelLibrary::Remove(const std::string& id) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (entries_.erase(id) == 0) return;
  }
  loaded_.notify_all();
  unloaded_();
}

uint64_t ModelLibrary::BytesLocked() const {
  uint64_t sum = 0;
  for (const auto& [id, entry] : entries_)
    if (entry.model != nullptr || entry.loading) sum += entry.bytes;
  return sum;
}

uint64_t ModelLibrary::bytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return BytesLocked();
}

std::shared_ptr<const LoadedModel> ModelLibrary::Find(const std::string& id) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : found->second.model;
}

// Unloads what nobody uses until `bytes` more fit; mutex_ is held.
absl::Status ModelLibrary::MakeRoom(const std::string& id, uint64_t bytes) {
  const auto idle = [](const Entry& entry) {
    return entry.model != nullptr && entry.model.use_count() == 1 && entry.loader;
  };
  uint64_t kept = BytesLocked();
  for (const auto& [other, entry] : entries_)
    if (idle(entry)) kept -= entry.bytes;
  if (bytes > budget_)
    return absl::ResourceExhaustedError(absl::StrCat("model '", id, "' needs ", bytes,
                                                     " bytes for its weights, and ", budget_,
                                                     " are allowed for all models"));
  const auto busy = [&] {
    return absl::ResourceExhaustedError(
        absl::StrCat("model '", id, "' needs ", bytes, " bytes for its weights; of the ", budget_,
                     " allowed, the models in use take ", kept, ": try again later"));
  };
  if (kept + bytes > budget_) return busy();  // nothing is unloaded in vain
  while (BytesLocked() + bytes > budget_) {
    Entry* oldest = nullptr;
    for (auto& [other, entry] : entries_) {
      if (idle(entry) && (oldest == nullptr || entry.last_use < oldest->last_use)) oldest = &entry;
    }
    if (oldest == nullptr) return busy();  // one came into use meanwhile
    oldest->model = nullptr;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const LoadedModel>> ModelLibrary::Get(const std::string& id) {
  std::unique_lock<std::mutex> lock(mutex_);
  auto found = entries_.find(id);
  const auto missing = [&] {
    return absl::NotFoundError(absl::StrCat("there is no model '", id, "'"));
  };
  loaded_.wait(lock, [&] {
    found = entries_.find(id);
    return found == entries_.end() || !found->second.loading;
  });
  if (found == entries_.end()) return missing();
  Entry& entry = found->second;
  entry.last_use = ++clock_;
  if (entry.model != nullptr) return entry.model;
  const uint64_t serial = entry.serial;
  const uint64_t before = BytesLocked();
  const absl::Status room = MakeRoom(id, entry.bytes);
  const bool evicted = BytesLocked() != before;
  if (room.ok()) entry.loading = true;
  const Loader loader = entry.loader;
  lock.unlock();
  if (evicted) unloaded_();
  CRIA_RETURN_IF_ERROR(room);
  auto model = loader();
  lock.lock();
  found = entries_.find(id);
  if (found == entries_.end()) return missing();     // removed meanwhile
  if (found->second.serial != serial) return model;  // replaced meanwhile: the caller's alone
  found->second.loading = false;
  if (model.ok()) {
    found->second.model = *model;
    found->second.bytes = (*model)->model().packed_bytes();
  }
  lock.unlock();
  loaded_.notify_all();
  return model;
}

}  // namespace cria::engine
