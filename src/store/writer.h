// The one thread that writes, with group commit: many writes share a transaction, so that the cost
// of a commit is shared too.
#ifndef CRIA_STORE_WRITER_H_
#define CRIA_STORE_WRITER_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/status.h"
#include "store/sql.h"

namespace cria::store {

// Of a failed write: the connection was lost at a moment when the server may have committed it.
bool MayBeCommitted(const absl::Status& status);

struct WriterOptions {
  size_t max_queued = 10000;                    // writes that wait
  size_t max_queued_bytes = size_t{256} << 20;  // and what they hold
  size_t max_batch = 1000;                      // writes in one transaction
};

// Any thread. A write is acknowledged when its transaction is committed, never before. Writes
// happen in the order in which they were queued. One that fails undoes only itself.
class Writer {
 public:
  // One write, on the writer's thread within a transaction. It is called again when the
  // transaction was undone, as when another write in it failed: it must set its results anew each
  // time. It must not throw.
  using Work = std::function<absl::Status(Connection&)>;
  // Called once, on the writer's thread, after the commit or the failure; quick, and without
  // waiting for another write.
  using Done = std::function<void(const absl::Status&)>;

  // `database` lives longer.
  static absl::StatusOr<std::unique_ptr<Writer>> Start(const Database& database,
                                                       const WriterOptions& options);
  // What is queued is written first.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // `bytes`: about what `work` holds. kResourceExhausted when the queue is full; `done` isn't
  // called then.
  absl::Status Enqueue(size_t bytes, Work work, Done done);
  // Waits for the commit. `work` may borrow from the caller. Never from `done` or `work`.
  absl::Status Write(size_t bytes, Work work);

 private:
  struct Item {
    size_t bytes = 0;
    Work work;
    Done done;
  };

  Writer(const Database& database, const WriterOptions& options,
         std::unique_ptr<Connection> connection);
  void Loop();
  std::vector<Item> NextBatch();
  std::vector<absl::Status> Perform(const std::vector<Item>& batch);
  absl::StatusOr<bool> PerformTogether(const std::vector<Item>& batch, bool savepoints,
                                       std::vector<absl::Status>& results);
  absl::Status PerformAlone(const Item& item);
  absl::Status Begin();

  const Database& database_;
  const WriterOptions options_;
  std::unique_ptr<Connection> connection_;  // of the thread

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> queue_;
  size_t queued_bytes_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace cria::store

#endif  // CRIA_STORE_WRITER_H_
