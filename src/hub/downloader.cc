#include "hub/downloader.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <set>

#include "absl/strings/match.h"
#include "base/checked_math.h"
#include "base/file.h"
#include "hub/part_file.h"

namespace cria::hub {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPoll{100};
constexpr uint64_t kProgressThatCounts = uint64_t{1}
                                         << 20;  // since the last failure: tries start anew
constexpr int kMaxRestarts = 2;

struct ContentRange {
  uint64_t start = 0;
  std::optional<uint64_t> total;
};

// "bytes 100-199/200" or ".../*" (RFC 9110, section 14.4).
std::optional<ContentRange> ParseContentRange(std::string_view text) {
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  ContentRange range;
  const char* end = text.data() + text.size();
  auto parsed = std::from_chars(text.data(), end, range.start);
  if (parsed.ec != std::errc()) return std::nullopt;
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  if (text.substr(slash + 1) == "*") return range;
  uint64_t total = 0;
  parsed = std::from_chars(text.data() + slash + 1, end, total);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  range.total = total;
  return range;
}

std::string Unquoted(const std::string& etag) {
  return etag.size() >= 2 && etag.front() == '"' && etag.back() == '"'
             ? etag.substr(1, etag.size() - 2)
             : etag;
}

// What the head of a response adds to what is known of a file. Only the host that was asked is
// believed: behind a redirect an ETag is the store's own affair.
Digest DigestOf(const RemoteFile& file, const HttpHead& head) {
  if (file.digest.kind != DigestKind::kNone) return file.digest;
  const std::string linked = Unquoted(head.linked_etag);
  if (IsHex(linked, 64)) return {DigestKind::kSha256, linked};
  const std::string own = Unquoted(head.etag);
  if (!head.redirected && IsHex(own, 64)) return {DigestKind::kSha256, own};
  return {};
}

// One file's way from nothing to done. The client calls it as sink; Batch starts it, again and
// again if need be.
class FileDownload : public HttpSink {
 public:
  FileDownload(const RemoteFile& file, const std::string& directory, const DownloadOptions& options)
      : file_(file), path_(JoinPath(directory, file.path)), options_(options) {}

  enum class State { kWaiting, kActive, kDone, kFailed };
  State state() const { return state_; }
  Clock::time_point ready_at() const { return ready_at_; }
  const absl::Status& status() const { return status_; }
  const LocalFile& result() const { return result_; }

  absl::Status Start(HttpClient& client) {
    if (part_ == nullptr) {
      CRIA_ASSIGN_OR_RETURN(part_,
                            PartFile::Open(path_, file_.size, file_.digest, options_.cancelled));
      observer().OnStart(file_, part_->size());
      checkpoint_ = part_->size();
    }
    if (file_.size.has_value() && part_->size() == *file_.size) return Commit();
    HttpRequest request;
    request.url = file_.url;
    request.bearer_token = options_.bearer_token;
    request.range_start = part_->size();
    request.if_range = part_->etag();
    state_ = State::kActive;
    return client.Start(request, this);
  }

  absl::Status OnHead(const HttpHead& head) override {
    if (head.linked_size.has_value()) CRIA_RETURN_IF_ERROR(AgreeOnSize(*head.linked_size));
    const Digest digest = DigestOf(file_, head);
    if (head.status == 206) {
      CRIA_RETURN_IF_ERROR(OnPartialHead(head));
      part_->Expect(digest);
      return absl::OkStatus();
    }
    if (head.content_length.has_value()) CRIA_RETURN_IF_ERROR(AgreeOnSize(*head.content_length));
    if (part_->size() > 0) DropPart();
    return part_->Restart(head.etag, Total(), digest);
  }

  absl::Status OnBody(std::span<const uint8_t> bytes) override {
    const std::optional<uint64_t> total = Total();
    if (total.has_value() && bytes.size() > *total - part_->size())
      return absl::DataLossError(
          absl::StrCat(file_.path, ": the server sends more than the ", *total, " bytes expected"));
    observer().OnBytes(file_, bytes.size());
    return part_->Append(bytes);
  }

  void OnDone(const HttpResult& result) override {
    absl::Status status = result.status;
    bool may_retry = result.may_retry;
    const bool wrong_part = part_->size() > 0 && (result.head.status == 416 || mismatched_range_);
    mismatched_range_ = false;
    if (wrong_part && Restart(status).ok()) return Retry(status, result);
    if (status.ok() && Total().has_value() && part_->size() < *Total()) {
      status = absl::UnavailableError(absl::StrCat(file_.path, ": the server stopped after ",
                                                   part_->size(), " of ", *Total(), " bytes"));
      may_retry = true;
    } else if (status.ok()) {
      status = Commit();
    }
    if (status.ok()) return;
    if (may_retry && MayTryAgain()) return Retry(status, result);
    Fail(status, may_retry);
  }

 private:
  DownloadObserver& observer() { return *options_.observer; }
  std::optional<uint64_t> Total() const { return file_.size.has_value() ? file_.size : total_; }

  absl::Status OnPartialHead(const HttpHead& head) {
    const std::optional<ContentRange> range = ParseContentRange(head.content_range);
    if (!range.has_value() || range->start != part_->size() ||
        range->total.value_or(range->start) < range->start) {
      mismatched_range_ = true;
      return absl::DataLossError(absl::StrCat(file_.path, ": asked for the bytes from ",
                                              part_->size(),
                                              " on, the server answered with another range"));
    }
    if (range->total.has_value()) return AgreeOnSize(*range->total);
    return absl::OkStatus();
  }

  absl::Status AgreeOnSize(uint64_t offered) {
    const std::optional<uint64_t> known = Total();
    if (known.has_value() && *known != offered)
      return absl::DataLossError(
          absl::StrCat(file_.path, ": the server offers ", offered, " bytes, ", *known,
                       " expected: the file list and the file disagree; try again "
                       "later or use another mirror"));
    if (known.has_value()) return absl::OkStatus();
    total_ = offered;
    return CheckFreeSpace(DirectoryOf(path_), offered - std::min(offered, part_->size()));
  }

  void DropPart() {
    observer().OnRestart(file_, part_->size());
    checkpoint_ = 0;
  }

  // Throws the part away after it proved wrong; the first failure stays when that has happened too
  // often.
  absl::Status Restart(const absl::Status& why) {
    if (++restarts_ > kMaxRestarts) return why;
    DropPart();
    total_.reset();
    return part_->Restart("", file_.size, file_.digest);
  }

  bool MayTryAgain() {
    if (part_->size() >= checkpoint_ + kProgressThatCounts) failures_ = 0;
    checkpoint_ = part_->size();
    return ++failures_ < options_.tries;
  }

  void Retry(const absl::Status& why, const HttpResult& result) {
    const std::chrono::milliseconds delay = RetryDelay(std::max(failures_, 1), result.retry_after);
    observer().OnRetry(file_, why, delay);
    ready_at_ = Clock::now() + delay;
    state_ = State::kWaiting;
  }

  void Fail(const absl::Status& status, bool tried_all) {
    status_ = tried_all ? absl::Status(status.code(),
                                       absl::StrCat(status.message(), "; gave up after ", failures_,
                                                    " tries, run it again to go on"))
                        : status;
    state_ = State::kFailed;
  }

  // The part is whole. A wrong digest after a resumption may be the fault of the old beginning:
  // once more from zero.
  absl::Status Commit() {
    const bool resumed = part_->resumed();
    const uint64_t size = part_->size();
    absl::StatusOr<std::string> sha256 = part_->Commit();
    if (!sha256.ok()) {
      part_.reset();
      if (!resumed || ++restarts_ > kMaxRestarts) return sha256.status();
      observer().OnRestart(file_, size);
      state_ = State::kWaiting;
      return absl::OkStatus();
    }
    part_.reset();
    result_ = {file_.path, size, *sha256};
    state_ = State::kDone;
    observer().OnFileDone(file_, size, /*was_there=*/false);
    return absl::OkStatus();
  }

  RemoteFile file_;
  std::string path_;
  const DownloadOptions& options_;
  State state_ = State::kWaiting;
  Clock::time_point ready_at_{};
  std::unique_ptr<PartFile> part_;
  std::optional<uint64_t> total_;  // from the server, where the publisher gave no size
  uint64_t checkpoint_ = 0;        // size at the last failure
  int failures_ = 0;
  int restarts_ = 0;
  bool mismatched_range_ = false;
  absl::Status status_;
  LocalFile result_;
};

// All files of one call.
class Batch {
 public:
  Batch(HttpClient& client, const std::string& directory, const DownloadOptions& options)
      : client_(client), directory_(directory), options_(options) {
    if (options_.observer == nullptr) options_.observer = &silent_;
  }
  ~Batch() { client_.CancelAll(); }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  absl::StatusOr<std::vector<LocalFile>> Run(const std::vector<RemoteFile>& files) {
    CRIA_RETURN_IF_ERROR(Prepare(files));
    while (!downloads_.empty()) {
      if (options_.cancelled && options_.cancelled())
        return absl::CancelledError("interrupted: what came is kept, run it again to go on");
      CRIA_RETURN_IF_ERROR(StartReady());
      CRIA_RETURN_IF_ERROR(client_.Step(kPoll));
      options_.observer->OnTick();
      CRIA_RETURN_IF_ERROR(Collect());
    }
    return std::move(done_);
  }

 private:
  // Checks the list, takes what is there already, and makes sure of the room for the rest.
  absl::Status Prepare(const std::vector<RemoteFile>& files) {
    std::set<std::string> names;
    uint64_t known = 0, missing = 0;
    for (const RemoteFile& file : files) {
      if (!IsSafeRelativePath(file.path))
        return absl::DataLossError(
            absl::StrCat("the file list names '", file.path,
                         "', which is not a plain relative path: not downloaded"));
      if (!names.insert(file.path).second)
        return absl::DataLossError(absl::StrCat("the file list names '", file.path, "' twice"));
      const std::optional<uint64_t> sum = base::CheckedAdd(known, file.size.value_or(0));
      if (!sum.has_value())
        return absl::DataLossError("the sizes in the file list add up to more than 2^64");
      known = *sum;
    }
    options_.observer->OnPlan(files.size(), known);
    for (const RemoteFile& file : files) {
      CRIA_ASSIGN_OR_RETURN(const bool there, TakeExisting(file));
      if (there) continue;
      const absl::StatusOr<uint64_t> part = FileSize(JoinPath(directory_, file.path) + ".part");
      const uint64_t size = file.size.value_or(0);
      missing += size - std::min(size, part.value_or(0));
      downloads_.push_back(std::make_unique<FileDownload>(file, directory_, options_));
    }
    return CheckFreeSpace(directory_, missing);
  }

  // A file under its final name is one that an earlier run finished; it's checked again all the
  // same.
  absl::StatusOr<bool> TakeExisting(const RemoteFile& file) {
    const std::string path = JoinPath(directory_, file.path);
    if (!base::FileExists(path)) return false;
    CRIA_ASSIGN_OR_RETURN(const uint64_t size, FileSize(path));
    CRIA_ASSIGN_OR_RETURN(const std::string sha256,
                          HashFile(path, DigestKind::kSha256, options_.cancelled));
    std::string found = sha256;
    const DigestKind kind = file.digest.kind;
    if (kind != DigestKind::kNone && kind != DigestKind::kSha256) {
      CRIA_ASSIGN_OR_RETURN(found, HashFile(path, kind, options_.cancelled));
    }
    const bool right =
        size == file.size.value_or(size) &&
        (kind == DigestKind::kNone || absl::EqualsIgnoreCase(found, file.digest.hex));
    if (!right) {
      CRIA_RETURN_IF_ERROR(RemoveTree(path));
      return false;
    }
    done_.push_back({file.path, size, sha256});
    options_.observer->OnFileDone(file, size, /*was_there=*/true);
    return true;
  }

  absl::Status StartReady() {
    int active = 0;
    for (const auto& download : downloads_)
      active += download->state() == FileDownload::State::kActive;
    for (const auto& download : downloads_) {
      if (active >= options_.max_parallel) break;
      if (download->state() != FileDownload::State::kWaiting || download->ready_at() > Clock::now())
        continue;
      CRIA_RETURN_IF_ERROR(download->Start(client_));
      active += download->state() == FileDownload::State::kActive;
    }
    return absl::OkStatus();
  }

  absl::Status Collect() {
    for (const auto& download : downloads_) {
      if (download->state() == FileDownload::State::kFailed) return download->status();
      if (download->state() == FileDownload::State::kDone) done_.push_back(download->result());
    }
    std::erase_if(downloads_, [](const auto& download) {
      return download->state() == FileDownload::State::kDone;
    });
    return absl::OkStatus();
  }

  HttpClient& client_;
  const std::string& directory_;
  DownloadOptions options_;
  DownloadObserver silent_;
  std::vector<std::unique_ptr<FileDownload>> downloads_;
  std::vector<LocalFile> done_;
};

}  // namespace

absl::StatusOr<std::vector<LocalFile>> DownloadFiles(HttpClient& client,
                                                     const std::vector<RemoteFile>& files,
                                                     const std::string& directory,
                                                     const DownloadOptions& options) {
  CRIA_RETURN_IF_ERROR(MakeDirectories(directory));
  return Batch(client, directory, options).Run(files);
}

}  // namespace cria::hub
