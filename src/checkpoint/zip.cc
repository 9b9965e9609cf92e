#include "checkpoint/zip.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/checked_math.h"
#include "base/quote.h"

namespace cria::checkpoint {
namespace {

// Signatures and sizes without the variable parts: APPNOTE.TXT 4.3.7, 4.3.12, 4.3.14 to 4.3.16.
constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr uint32_t kCentralSignature = 0x02014b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kEnd64Signature = 0x06064b50;
constexpr uint32_t kLocatorSignature = 0x07064b50;
constexpr uint64_t kLocalBytes = 30;
constexpr uint64_t kCentralBytes = 46;
constexpr uint64_t kEndBytes = 22;
constexpr uint64_t kEnd64Bytes = 56;
constexpr uint64_t kLocatorBytes = 20;
constexpr uint64_t kMaxComment = 65535;

// A field that is too small for its value holds this, and ZIP64 records hold the value.
constexpr uint64_t kSentinel16 = 0xffff;
constexpr uint64_t kSentinel32 = 0xffffffff;

constexpr uint16_t kZip64Extra = 1;
constexpr uint16_t kEncryptedFlag = 1;
constexpr uint16_t kStored = 0;

}  // namespace

class ZipParser {
 public:
  ZipParser(std::span<const uint8_t> bytes, std::string_view what) : bytes_(bytes), what_(what) {}

  absl::StatusOr<ZipArchive> Parse() {
    CRIA_RETURN_IF_ERROR(FindDirectory());
    uint64_t at = directory_;
    for (uint64_t i = 0; i < count_; ++i) {
      CRIA_RETURN_IF_ERROR(ReadEntry(&at));
    }
    if (at != directory_ + directory_bytes_)
      return DataLoss("the directory of ", count_, " entries ends at byte ", at, ", expected ",
                      directory_ + directory_bytes_);
    CRIA_RETURN_IF_ERROR(CheckOverlaps());
    return std::move(archive_);
  }

 private:
  // One entry of the directory, with the ZIP64 extra field resolved.
  struct Entry {
    std::string_view name;
    uint16_t flags = 0, method = 0;
    uint64_t packed = 0, size = 0, local = 0, disk = 0;
  };
  struct Extent {  // of the file: local header and data
    uint64_t begin = 0, end = 0;
    size_t entry = 0;
  };

  template <typename... Parts>
  absl::Status DataLoss(const Parts&... parts) const {
    return absl::DataLossError(absl::StrCat(what_, ": zip archive: ", parts...));
  }
  template <typename... Parts>
  absl::Status Unimplemented(const Parts&... parts) const {
    return absl::UnimplementedError(absl::StrCat(what_, ": zip archive: ", parts...));
  }

  template <typename T>
  T Load(uint64_t at) const {  // the caller has seen to it that the bytes are there
    T value;
    std::memcpy(&value, bytes_.data() + at, sizeof value);
    return value;
  }
  bool Has(uint64_t at, uint64_t length) const {
    return base::RangeFits(at, length, bytes_.size());
  }
  std::string_view Text(uint64_t at, uint64_t length) const {
    return {reinterpret_cast<const char*>(bytes_.data() + at), length};
  }

  std::optional<uint64_t> FindEnd() const;
  absl::Status FindDirectory();
  absl::Status ReadEnd64(uint64_t end);
  absl::Status ReadEntry(uint64_t* at);
  absl::Status ReadZip64Extra(uint64_t at, uint64_t length, Entry* entry) const;
  absl::Status CheckEntry(const Entry& entry) const;
  absl::Status Place(const Entry& entry);
  absl::Status CheckOverlaps();

  const std::span<const uint8_t> bytes_;
  const std::string what_;
  uint64_t directory_ = 0, directory_bytes_ = 0, count_ = 0;
  std::vector<Extent> extents_;
  ZipArchive archive_;
};

// The end record stands last but for a comment, whose length it holds.
std::optional<uint64_t> ZipParser::FindEnd() const {
  if (bytes_.size() < kEndBytes) return std::nullopt;
  const uint64_t last = bytes_.size() - kEndBytes;
  const uint64_t first = last - std::min(last, kMaxComment);
  for (uint64_t at = last + 1; at-- > first;)
    if (Load<uint32_t>(at) == kEndSignature && Load<uint16_t>(at + 20) == last - at) return at;
  return std::nullopt;
}

absl::Status ZipParser::FindDirectory() {
  const std::optional<uint64_t> end = FindEnd();
  if (!end) return DataLoss("there is no end record: truncated download?");
  if (Load<uint16_t>(*end + 4) != Load<uint16_t>(*end + 6))
    return Unimplemented("it is one of several parts, which are not supported");
  count_ = Load<uint16_t>(*end + 10);
  directory_bytes_ = Load<uint32_t>(*end + 12);
  directory_ = Load<uint32_t>(*end + 16);
  uint64_t limit = *end;  // the directory ends before the end records
  if (count_ == kSentinel16 || directory_bytes_ == kSentinel32 || directory_ == kSentinel32) {
    CRIA_RETURN_IF_ERROR(ReadEnd64(*end));
    limit = *end - kLocatorBytes;
  }
  if (!base::RangeFits(directory_, directory_bytes_, limit))
    return DataLoss("the directory should be ", directory_bytes_, " bytes at ", directory_,
                    ", before byte ", limit, ": truncated or damaged");
  if (count_ > kMaxZipEntries || count_ > directory_bytes_ / kCentralBytes)
    return DataLoss("claims ", count_, " entries: more than its directory of ", directory_bytes_,
                    " bytes can hold, or than ", kMaxZipEntries);
  return absl::OkStatus();
}

absl::Status ZipParser::ReadEnd64(uint64_t end) {
  if (end < kLocatorBytes || Load<uint32_t>(end - kLocatorBytes) != kLocatorSignature)
    return DataLoss("the ZIP64 locator before byte ", end, " is missing");
  const uint64_t at = Load<uint64_t>(end - kLocatorBytes + 8);
  if (!base::RangeFits(at, kEnd64Bytes, end - kLocatorBytes) ||
      Load<uint32_t>(at) != kEnd64Signature)
    return DataLoss("there is no ZIP64 end record at byte ", at);
  if (Load<uint32_t>(at + 16) != Load<uint32_t>(at + 20))
    return Unimplemented("it is one of several parts, which are not supported");
  const uint64_t count = Load<uint64_t>(at + 32), size = Load<uint64_t>(at + 40),
                 offset = Load<uint64_t>(at + 48);
  if ((count_ != kSentinel16 && count_ != count) ||
      (directory_bytes_ != kSentinel32 && directory_bytes_ != size) ||
      (directory_ != kSentinel32 && directory_ != offset))
    return DataLoss("its two end records disagree");
  count_ = count;
  directory_bytes_ = size;
  directory_ = offset;
  return absl::OkStatus();
}

absl::Status ZipParser::ReadEntry(uint64_t* at) {
  const uint64_t end = directory_ + directory_bytes_;
  const auto fits = [&](uint64_t length) { return base::RangeFits(*at, length, end); };
  if (!fits(kCentralBytes) || Load<uint32_t>(*at) != kCentralSignature)
    return DataLoss("there is no directory entry at byte ", *at);
  const uint64_t name_bytes = Load<uint16_t>(*at + 28), extra_bytes = Load<uint16_t>(*at + 30);
  const uint64_t length = kCentralBytes + name_bytes + extra_bytes + Load<uint16_t>(*at + 32);
  if (!fits(length)) return DataLoss("the directory entry at byte ", *at, " is cut off");
  Entry entry;
  entry.name = Text(*at + kCentralBytes, name_bytes);
  entry.flags = Load<uint16_t>(*at + 8);
  entry.method = Load<uint16_t>(*at + 10);
  entry.packed = Load<uint32_t>(*at + 20);
  entry.size = Load<uint32_t>(*at + 24);
  entry.disk = Load<uint16_t>(*at + 34);
  entry.local = Load<uint32_t>(*at + 42);
  CRIA_RETURN_IF_ERROR(ReadZip64Extra(*at + kCentralBytes + name_bytes, extra_bytes, &entry));
  *at += length;
  CRIA_RETURN_IF_ERROR(CheckEntry(entry));
  return Place(entry);
}

// The values of those fields that hold a sentinel, in a fixed order (4.5.3).
absl::Status ZipParser::ReadZip64Extra(uint64_t at, uint64_t length, Entry* entry) const {
  std::vector<uint64_t*> wanted;
  for (uint64_t* field : {&entry->size, &entry->packed, &entry->local})
    if (*field == kSentinel32) wanted.push_back(field);
  if (wanted.empty()) return absl::OkStatus();
  const uint64_t end = at + length;
  while (end - at >= 4) {
    const uint16_t id = Load<uint16_t>(at);
    const uint64_t size = Load<uint16_t>(at + 2);
    at += 4;
    if (size > end - at) break;
    if (id == kZip64Extra && size >= wanted.size() * sizeof(uint64_t)) {
      for (size_t i = 0; i < wanted.size(); ++i)
        *wanted[i] = Load<uint64_t>(at + i * sizeof(uint64_t));
      return absl::OkStatus();
    }
    at += size;
  }
  return DataLoss("entry ", base::Quote(entry->name), ": its ZIP64 sizes are missing");
}

absl::Status ZipParser::CheckEntry(const Entry& entry) const {
  const std::string of = "entry " + base::Quote(entry.name);
  if (entry.disk != 0) return Unimplemented(of, " lies in another part of the archive");
  if ((entry.flags & kEncryptedFlag) != 0) return Unimplemented(of, " is encrypted");
  if (entry.method != kStored)
    return Unimplemented(of, " is compressed (method ", entry.method,
                         "), expected stored: save the model again with torch.save");
  if (entry.packed != entry.size)
    return DataLoss(of, ": stored size ", entry.packed, " is not its size ", entry.size);
  return absl::OkStatus();
}

absl::Status ZipParser::Place(const Entry& entry) {
  const std::string of = "entry " + base::Quote(entry.name);
  if (!base::RangeFits(entry.local, kLocalBytes, directory_) ||
      Load<uint32_t>(entry.local) != kLocalSignature)
    return DataLoss(of, ": there is no local header at byte ", entry.local);
  const uint64_t name_bytes = Load<uint16_t>(entry.local + 26);
  const uint64_t start = entry.local + kLocalBytes + name_bytes + Load<uint16_t>(entry.local + 28);
  if (!base::RangeFits(start, entry.size, directory_))
    return DataLoss(of, ": ", entry.size, " bytes at ", start, " reach into the directory at ",
                    directory_, ": truncated or damaged");
  if (Text(entry.local + kLocalBytes, name_bytes) != entry.name ||
      Load<uint16_t>(entry.local + 8) != entry.method)
    return DataLoss(of, ": its local header at byte ", entry.local, " says something else");
  if (!archive_.index_.emplace(entry.name, archive_.entries_.size()).second)
    return DataLoss(of, " occurs twice");
  extents_.push_back({entry.local, start + entry.size, archive_.entries_.size()});
  archive_.entries_.push_back({entry.name, bytes_.subspan(start, entry.size)});
  return absl::OkStatus();
}

absl::Status ZipParser::CheckOverlaps() {
  std::sort(extents_.begin(), extents_.end(),
            [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
  for (size_t i = 1; i < extents_.size(); ++i)
    if (extents_[i - 1].end > extents_[i].begin)
      return DataLoss("entries ", base::Quote(archive_.entries_[extents_[i - 1].entry].name),
                      " and ", base::Quote(archive_.entries_[extents_[i].entry].name), " overlap");
  return absl::OkStatus();
}

absl::StatusOr<ZipArchive> ZipArchive::Parse(std::span<const uint8_t> bytes,
                                             std::string_view what) {
  return ZipParser(bytes, what).Parse();
}

const ZipEntry* ZipArchive::Find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

}  // namespace cria::checkpoint
