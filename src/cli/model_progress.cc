#include "cli/model_progress.h"

#include <algorithm>
#include <cstdio>

#include "hub/disk.h"

namespace cria::cli {
namespace {

constexpr std::chrono::seconds kSpeedWindow{5};
constexpr int kBarWidth = 30;

std::string Clock24(double seconds) {
  const auto whole = static_cast<long long>(std::min(seconds, 359999.0));
  char text[32];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60,
                  whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  }
  return text;
}

}  // namespace

DownloadProgress::DownloadProgress(const CliContext& context)
    : visible_(!context.quiet), terminal_(visible_ && StderrIsTerminal()) {}

DownloadProgress::~DownloadProgress() { Clear(); }

void DownloadProgress::Clear() {
  if (drawn_) std::fprintf(stderr, "\r\033[K");
  drawn_ = false;
}

void DownloadProgress::Line(const std::string& text) {
  if (!visible_) return;
  Clear();
  std::fprintf(stderr, "%s\n", text.c_str());
}

void DownloadProgress::OnPlan(size_t files, uint64_t known_bytes) {
  files_ = files;
  files_done_ = 0;
  total_ = known_bytes;
  done_ = 0;
}

void DownloadProgress::OnStart(const hub::RemoteFile& file, uint64_t done) {
  done_ += done;
  if (done > 0) Line(absl::StrCat(file.path, ": going on after ", hub::HumanBytes(done)));
}

void DownloadProgress::OnBytes(const hub::RemoteFile&, uint64_t bytes) {
  done_ += bytes;
  received_ += bytes;
}

void DownloadProgress::OnRestart(const hub::RemoteFile& file, uint64_t dropped) {
  done_ -= std::min(done_, dropped);
  Line(absl::StrCat(file.path, ": what was there doesn't fit; from the beginning"));
}

void DownloadProgress::OnRetry(const hub::RemoteFile&, const absl::Status& why,
                               std::chrono::milliseconds delay) {
  Line(absl::StrCat(std::string(why.message()), "; trying again in ",
                    static_cast<double>(delay.count()) / 1000, " s"));
}

void DownloadProgress::OnFileDone(const hub::RemoteFile& file, uint64_t size, bool was_there) {
  ++files_done_;
  if (was_there) done_ += size;
  Line(absl::StrCat("[", files_done_, "/", files_, "] ", file.path, "  ", hub::HumanBytes(size),
                    was_there ? "  (was there)" : ""));
}

double DownloadProgress::BytesPerSecond() const {
  if (window_.size() < 2) return 0;
  const std::chrono::duration<double> time = window_.back().first - window_.front().first;
  const auto bytes = static_cast<double>(window_.back().second - window_.front().second);
  return time.count() > 0 ? bytes / time.count() : 0;
}

void DownloadProgress::OnTick() {
  if (!terminal_) return;
  window_.emplace_back(Clock::now(), received_);
  if (window_.size() > 2 &&
      window_.back().first - window_[window_.size() - 2].first < std::chrono::milliseconds(80))
    return window_.pop_back();  // often enough
  while (window_.back().first - window_.front().first > kSpeedWindow) window_.pop_front();
  const double speed = BytesPerSecond();
  const std::string rate = absl::StrCat(hub::HumanBytes(static_cast<uint64_t>(speed)), "/s");
  if (total_ == 0 || done_ > total_) {  // sizes aren't known beforehand
    std::fprintf(stderr, "\r\033[K%s  %s", hub::HumanBytes(done_).c_str(), rate.c_str());
  } else {
    const double fraction = static_cast<double>(done_) / static_cast<double>(total_);
    const std::string bar(static_cast<size_t>(fraction * kBarWidth), '#');
    const double left = speed > 0 ? static_cast<double>(total_ - done_) / speed : 0;
    std::fprintf(stderr, "\r\033[K[%-*s] %3d%%  %s of %s  %s  %s", kBarWidth, bar.c_str(),
                 static_cast<int>(fraction * 100), hub::HumanBytes(done_).c_str(),
                 hub::HumanBytes(total_).c_str(), rate.c_str(),
                 speed > 0 ? Clock24(left).c_str() : "");
  }
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace cria::cli
