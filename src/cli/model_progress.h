// Shows a download: one moving line on a terminal, a line an event elsewhere, nothing with --quiet.
#ifndef CRIA_CLI_MODEL_PROGRESS_H_
#define CRIA_CLI_MODEL_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "cli/cli_context.h"
#include "hub/downloader.h"

namespace cria::cli {

// One thread. Writes to stderr only.
class DownloadProgress : public hub::DownloadObserver {
 public:
  explicit DownloadProgress(const CliContext& context);
  ~DownloadProgress() override;

  void OnPlan(size_t files, uint64_t known_bytes) override;
  void OnStart(const hub::RemoteFile& file, uint64_t done) override;
  void OnBytes(const hub::RemoteFile& file, uint64_t bytes) override;
  void OnRestart(const hub::RemoteFile& file, uint64_t dropped) override;
  void OnRetry(const hub::RemoteFile& file, const absl::Status& why,
               std::chrono::milliseconds delay) override;
  void OnFileDone(const hub::RemoteFile& file, uint64_t size, bool was_there) override;
  void OnTick() override;

 private:
  using Clock = std::chrono::steady_clock;

  void Line(const std::string& text);  // an event
  void Clear();
  double BytesPerSecond() const;

  bool visible_;
  bool terminal_;
  bool drawn_ = false;
  size_t files_ = 0;
  size_t files_done_ = 0;
  uint64_t total_ = 0;  // of the files whose size is known
  uint64_t done_ = 0;
  std::deque<std::pair<Clock::time_point, uint64_t>> window_;  // bytes got, over the last seconds
  uint64_t received_ = 0;
};

}  // namespace cria::cli

#endif  // CRIA_CLI_MODEL_PROGRESS_H_
