#include "provider/sse_reader.h"

#include <cstring>

namespace cria::provider {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Of the first CR or LF; npos if there is none. LF is by far the usual one.
size_t LineEnd(std::string_view bytes) {
  const size_t lf = bytes.find('\n');
  const size_t cr = bytes.substr(0, lf).find('\r');
  return cr != std::string_view::npos ? cr : lf;
}

absl::Status TooLarge(size_t most) {
  return absl::ResourceExhaustedError(
      absl::StrCat("an event of the stream has more than the ", most, " bytes that are read"));
}

}  // namespace

// Takes a byte order mark from the stream's start; what looked like one and isn't goes to line_.
// False while that isn't decided.
bool SseReader::SkipMark(std::string_view* bytes) {
  while (!started_) {
    if (mark_bytes_ == kByteOrderMark.size()) {
      started_ = true;
    } else if (bytes->empty()) {
      return false;
    } else if (bytes->front() == kByteOrderMark[mark_bytes_]) {
      bytes->remove_prefix(1);
      ++mark_bytes_;
    } else {
      line_ = kByteOrderMark.substr(0, mark_bytes_);
      started_ = true;
    }
  }
  return true;
}

absl::Status SseReader::Feed(std::string_view bytes,
                             absl::FunctionRef<bool(const SseEvent&)> give) {
  if (!started_ && !SkipMark(&bytes)) return absl::OkStatus();
  bool more = true;
  while (!bytes.empty() && more) {
    if (after_cr_ && bytes.front() == '\n') bytes.remove_prefix(1);
    after_cr_ = false;
    const size_t end = LineEnd(bytes);
    const std::string_view piece = bytes.substr(0, end);
    if (piece.size() > max_event_bytes_ - line_.size()) return TooLarge(max_event_bytes_);
    if (end == std::string_view::npos) {
      line_.append(piece);
      break;
    }
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (line_.empty()) {
      CRIA_RETURN_IF_ERROR(TakeLine(piece, give, &more));
    } else {
      line_.append(piece);
      CRIA_RETURN_IF_ERROR(TakeLine(line_, give, &more));
      line_.clear();
    }
  }
  return absl::OkStatus();
}

absl::Status SseReader::TakeLine(std::string_view line,
                                 absl::FunctionRef<bool(const SseEvent&)> give, bool* more) {
  if (!line.empty()) return TakeField(line);
  if (has_data_) *more = give({type_, data_});
  has_data_ = false;
  type_.clear();
  data_.clear();
  return absl::OkStatus();
}

absl::Status SseReader::TakeField(std::string_view line) {
  const size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "data") {
    if (value.size() >= max_event_bytes_ - data_.size()) return TooLarge(max_event_bytes_);
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  } else if (name == "event") {
    type_ = value;
  }
  return absl::OkStatus();
}

}  // namespace cria::provider
