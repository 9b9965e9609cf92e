#include "hub/zip_member.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/checked_math.h"

namespace cria::hub {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 18;

// Sizes and signatures of APPNOTE.TXT sections 4.3.7, 4.3.12, 4.3.16.
constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr uint32_t kEntrySignature = 0x02014b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr size_t kLocalBytes = 30;
constexpr size_t kEntryBytes = 46;
constexpr size_t kEndBytes = 22;
constexpr size_t kMaxComment = 65535;

struct Member {
  uint16_t flags = 0;
  uint16_t method = 0;
  uint32_t crc = 0;
  uint32_t packed = 0;
  uint32_t size = 0;
  uint32_t local_offset = 0;
};

uint16_t Read16(std::span<const uint8_t> bytes, size_t at) {
  return static_cast<uint16_t>(bytes[at] | bytes[at + 1] << 8);
}
uint32_t Read32(std::span<const uint8_t> bytes, size_t at) {
  return Read16(bytes, at) | static_cast<uint32_t>(Read16(bytes, at + 2)) << 16;
}

absl::Status Damaged(const char* what) {
  return absl::DataLossError(absl::StrCat("zip archive: ", what, ": damaged or truncated"));
}

// The end record, which stands last but for a comment.
std::optional<size_t> FindEnd(std::span<const uint8_t> archive) {
  if (archive.size() < kEndBytes) return std::nullopt;
  const size_t last = archive.size() - kEndBytes;
  const size_t first = last - std::min(last, kMaxComment);
  for (size_t at = last + 1; at-- > first;)
    if (Read32(archive, at) == kEndSignature && Read16(archive, at + 20) == last - at) return at;
  return std::nullopt;
}

absl::StatusOr<Member> FindMember(std::span<const uint8_t> archive, std::string_view name) {
  const std::optional<size_t> end = FindEnd(archive);
  if (!end.has_value()) return Damaged("no end record");
  const uint32_t count = Read16(archive, *end + 10);
  const uint32_t directory = Read32(archive, *end + 16);
  if (directory == 0xffffffff) return absl::UnimplementedError("zip archive: zip64 is not read");
  uint64_t at = directory;
  for (uint32_t i = 0; i < count; ++i) {
    if (!base::RangeFits(at, kEntryBytes, *end) || Read32(archive, at) != kEntrySignature)
      return Damaged("bad directory entry");
    const size_t name_length = Read16(archive, at + 28);
    const uint64_t length =
        kEntryBytes + name_length + Read16(archive, at + 30) + Read16(archive, at + 32);
    if (!base::RangeFits(at, length, *end)) return Damaged("directory entry past the end");
    const auto* text = reinterpret_cast<const char*>(archive.data() + at + kEntryBytes);
    if (std::string_view(text, name_length) == name)
      return Member{Read16(archive, at + 8),  Read16(archive, at + 10), Read32(archive, at + 16),
                    Read32(archive, at + 20), Read32(archive, at + 24), Read32(archive, at + 42)};
    at += length;
  }
  return absl::NotFoundError(absl::StrCat("zip archive: no member '", std::string(name), "'"));
}

absl::StatusOr<std::span<const uint8_t>> PackedBytes(std::span<const uint8_t> archive,
                                                     const Member& member) {
  if ((member.flags & 1) != 0)
    return absl::UnimplementedError("zip archive: the member is encrypted");
  if (member.packed == 0xffffffff || member.size == 0xffffffff || member.local_offset == 0xffffffff)
    return absl::UnimplementedError("zip archive: zip64 is not read");
  const uint64_t local = member.local_offset;
  if (!base::RangeFits(local, kLocalBytes, archive.size()) ||
      Read32(archive, local) != kLocalSignature)
    return Damaged("bad local header");
  const uint64_t start =
      local + kLocalBytes + Read16(archive, local + 26) + Read16(archive, local + 28);
  if (!base::RangeFits(start, member.packed, archive.size())) return Damaged("member past the end");
  return archive.subspan(start, member.packed);
}

class Inflater {
 public:
  Inflater() { ready_ = inflateInit2(&stream_, -MAX_WBITS) == Z_OK; }
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  absl::Status Run(std::span<const uint8_t> packed,
                   const std::function<absl::Status(std::span<const uint8_t>)>& take) {
    if (!ready_) return absl::ResourceExhaustedError("no memory to unpack a zip archive");
    std::vector<uint8_t> piece(kPieceBytes);
    stream_.next_in = const_cast<Bytef*>(packed.data());  // zlib doesn't write to its input
    stream_.avail_in = static_cast<uInt>(packed.size());
    int code = Z_OK;
    while (code != Z_STREAM_END) {
      stream_.next_out = piece.data();
      stream_.avail_out = static_cast<uInt>(piece.size());
      code = inflate(&stream_, Z_NO_FLUSH);
      if (code != Z_OK && code != Z_STREAM_END) return Damaged("bad compressed data");
      CRIA_RETURN_IF_ERROR(take({piece.data(), piece.size() - stream_.avail_out}));
    }
    return absl::OkStatus();
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

}  // namespace

absl::Status ExtractZipMember(std::span<const uint8_t> archive, std::string_view name,
                              const std::function<absl::Status(std::span<const uint8_t>)>& take) {
  CRIA_ASSIGN_OR_RETURN(const Member member, FindMember(archive, name));
  CRIA_ASSIGN_OR_RETURN(const std::span<const uint8_t> packed, PackedBytes(archive, member));
  uint64_t size = 0;
  uLong crc = crc32(0, nullptr, 0);
  const auto check_and_take = [&](std::span<const uint8_t> piece) -> absl::Status {
    size += piece.size();
    if (size > member.size) return Damaged("the member is larger than it says");
    crc = crc32(crc, piece.data(), static_cast<uInt>(piece.size()));
    return take(piece);
  };
  if (member.method == 8) {
    CRIA_RETURN_IF_ERROR(Inflater().Run(packed, check_and_take));
  } else if (member.method == 0) {
    for (size_t at = 0; at < packed.size(); at += kPieceBytes)
      CRIA_RETURN_IF_ERROR(
          check_and_take(packed.subspan(at, std::min(kPieceBytes, packed.size() - at))));
  } else {
    return absl::UnimplementedError(absl::StrCat("zip archive: compression method ", member.method,
                                                 ", only stored and deflated are read"));
  }
  if (size != member.size) return Damaged("the member is smaller than it says");
  if (crc != member.crc) return Damaged("the member's CRC-32 is wrong");
  return absl::OkStatus();
}

}  // namespace cria::hub
