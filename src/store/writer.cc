#include "store/writer.h"

#include <algorithm>
#include <future>
#include <utility>

#include "absl/strings/cord.h"
#include "base/check.h"

namespace cria::store {
namespace {

// How often a write is tried again that was in another client's way.
constexpr int kMaxTries = 5;

constexpr char kMayBeCommitted[] = "cria.store/may-be-committed";

absl::Status WithDoubt(absl::Status status) {
  status.SetPayload(kMayBeCommitted, absl::Cord());
  return status;
}

}  // namespace

bool MayBeCommitted(const absl::Status& status) {
  return status.GetPayload(kMayBeCommitted).has_value();
}

absl::StatusOr<std::unique_ptr<Writer>> Writer::Start(const Database& database,
                                                      const WriterOptions& options) {
  CRIA_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, database.Connect());
  return std::unique_ptr<Writer>(new Writer(database, options, std::move(connection)));
}

Writer::Writer(const Database& database, const WriterOptions& options,
               std::unique_ptr<Connection> connection)
    : database_(database), options_(options), connection_(std::move(connection)) {
  thread_ = std::thread([this] { Loop(); });
}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

absl::Status Writer::Enqueue(size_t bytes, Work work, Done done) {
  {
    const std::lock_guard lock(mutex_);
    // One that is larger than the whole queue may still go, alone.
    const bool too_many_bytes =
        !queue_.empty() &&
        (bytes > options_.max_queued_bytes || queued_bytes_ > options_.max_queued_bytes - bytes);
    if (queue_.size() >= options_.max_queued || too_many_bytes)
      return absl::ResourceExhaustedError(
          absl::StrCat("the store's queue is full: ", queue_.size(), " writes of ", queued_bytes_,
                       " bytes wait for the database (at most ", options_.max_queued, " of ",
                       options_.max_queued_bytes, " bytes): try again later"));
    queued_bytes_ += bytes;
    queue_.push_back({bytes, std::move(work), std::move(done)});
  }
  wake_.notify_one();
  return absl::OkStatus();
}

absl::Status Writer::Write(size_t bytes, Work work) {
  CRIA_CHECK(std::this_thread::get_id() != thread_.get_id());
  // Shared: the waiting thread may be gone before set_value returns.
  auto result = std::make_shared<std::promise<absl::Status>>();
  CRIA_RETURN_IF_ERROR(Enqueue(
      bytes, std::move(work), [result](const absl::Status& status) { result->set_value(status); }));
  return result->get_future().get();
}

void Writer::Loop() {
  while (true) {
    std::vector<Item> batch = NextBatch();
    if (batch.empty()) return;
    const std::vector<absl::Status> results = Perform(batch);
    for (size_t i = 0; i < batch.size(); ++i) batch[i].done(results[i]);
  }
}

// Empty when there will be no other.
std::vector<Writer::Item> Writer::NextBatch() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  std::vector<Item> batch;
  batch.reserve(std::min(queue_.size(), options_.max_batch));
  while (!queue_.empty() && batch.size() < options_.max_batch) {
    queued_bytes_ -= queue_.front().bytes;
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return batch;
}

std::vector<absl::Status> Writer::Perform(const std::vector<Item>& batch) {
  std::vector<absl::Status> results(batch.size());
  bool done = false;
  // To undo one write alone takes a savepoint for each: worth its time only where one fails.
  for (const bool savepoints : {false, true}) {
    if (done || batch.size() == 1) break;
    const absl::StatusOr<bool> together = PerformTogether(batch, savepoints, results);
    if (!together.ok()) {
      std::fill(results.begin(), results.end(), together.status());
      return results;
    }
    done = *together;
  }
  for (size_t i = 0; i < batch.size(); ++i) {
    int tries = done ? 1 : 0;
    while (tries == 0 || (absl::IsAborted(results[i]) && tries < kMaxTries)) {
      results[i] = PerformAlone(batch[i]);
      ++tries;
    }
  }
  return results;
}

// A connection that was lost while nobody wrote is replaced.
absl::Status Writer::Begin() {
  if (connection_->usable()) {
    const absl::Status status = connection_->Begin();
    if (status.ok() || connection_->usable()) return status;
  }
  CRIA_ASSIGN_OR_RETURN(connection_, database_.Connect());
  return connection_->Begin();
}

// One transaction for all. True: it is committed, and `results` tell which writes are in it. False:
// nothing is, and it should be tried with more care. An error: nothing is, and trying again at once
// wouldn't help; or it isn't known, and would do harm.
absl::StatusOr<bool> Writer::PerformTogether(const std::vector<Item>& batch, bool savepoints,
                                             std::vector<absl::Status>& results) {
  CRIA_RETURN_IF_ERROR(Begin());
  absl::Status status;
  for (size_t i = 0; i < batch.size() && status.ok(); ++i) {
    if (savepoints) status = connection_->Savepoint();
    if (!status.ok()) break;
    results[i] = batch[i].work(*connection_);
    if (!savepoints || !connection_->in_transaction())
      status = results[i];
    else
      status = results[i].ok() ? connection_->Release() : connection_->RollbackToSavepoint();
  }
  const bool all_done = status.ok();
  if (all_done) status = connection_->Commit();
  if (status.ok()) return true;
  if (!connection_->usable()) return all_done ? WithDoubt(status) : status;
  if (connection_->in_transaction()) (void)connection_->Rollback();
  return false;
}

absl::Status Writer::PerformAlone(const Item& item) {
  CRIA_RETURN_IF_ERROR(Begin());
  absl::Status status = item.work(*connection_);
  if (status.ok()) {
    status = connection_->Commit();
    if (!connection_->usable()) status = WithDoubt(status);
  }
  if (connection_->in_transaction()) (void)connection_->Rollback();
  return status;
}

}  // namespace cria::store
