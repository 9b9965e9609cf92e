#include "hub/zip_member.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>
#include <vector>

namespace cria::hub {
namespace {

struct Entry {
  std::string name;
  std::string content;
  bool deflated = true;
};

void Put(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i, value >>= 8) out += static_cast<char>(value & 255);
}

std::string Deflate(const std::string& content) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// An archive with a comment, as zip tools write it.
std::string MakeZip(const std::vector<Entry>& entries) {
  std::string zip, directory;
  for (const Entry& entry : entries) {
    const std::string packed = entry.deflated ? Deflate(entry.content) : entry.content;
    const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(entry.content.data()),
                            static_cast<uInt>(entry.content.size()));
    std::string common;  // what local header and directory entry share
    Put(common, 20, 2);
    Put(common, 0, 2);
    Put(common, entry.deflated ? 8 : 0, 2);
    Put(common, 0, 4);
    Put(common, crc, 4);
    Put(common, packed.size(), 4);
    Put(common, entry.content.size(), 4);
    Put(common, entry.name.size(), 2);
    Put(common, 0, 2);
    Put(directory, 0x02014b50, 4);
    Put(directory, 20, 2);
    directory += common;
    Put(directory, 0, 2 + 2 + 2 + 4);
    Put(directory, zip.size(), 4);
    directory += entry.name;
    Put(zip, 0x04034b50, 4);
    zip.append(common).append(entry.name).append(packed);
  }
  std::string end;
  Put(end, 0x06054b50, 4);
  Put(end, 0, 4);
  Put(end, entries.size(), 2);
  Put(end, entries.size(), 2);
  Put(end, directory.size(), 4);
  Put(end, zip.size(), 4);
  Put(end, 7, 2);
  return zip + directory + end + "comment";
}

absl::StatusOr<std::string> Extract(const std::string& zip, const std::string& member) {
  std::string content;
  CRIA_RETURN_IF_ERROR(
      ExtractZipMember({reinterpret_cast<const uint8_t*>(zip.data()), zip.size()}, member,
                       [&](std::span<const uint8_t> piece) -> absl::Status {
                         EXPECT_LE(piece.size(), size_t{1} << 18);
                         content.append(reinterpret_cast<const char*>(piece.data()), piece.size());
                         return absl::OkStatus();
                       }));
  return content;
}

const std::string kText = [] {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += std::to_string(i * 7919 % 10007) + ",";
  return text;
}();

TEST(ZipMember, StoredAndDeflated) {
  const std::string zip =
      MakeZip({{"a/one", kText, true}, {"two", kText + "!", false}, {"empty", "", true}});
  EXPECT_EQ(Extract(zip, "a/one").value(), kText);
  EXPECT_EQ(Extract(zip, "two").value(), kText + "!");
  EXPECT_EQ(Extract(zip, "empty").value(), "");
  EXPECT_EQ(Extract(zip, "one").status().code(), absl::StatusCode::kNotFound);
}

TEST(ZipMember, TruncatedAnywhere) {
  const std::string zip = MakeZip({{"one", "some content, some content", true}});
  for (size_t length = 0; length < zip.size(); ++length)
    EXPECT_EQ(Extract(zip.substr(0, length), "one").status().code(), absl::StatusCode::kDataLoss)
        << length;
}

TEST(ZipMember, DamagedAnywhereIsNeverTakenForTheContent) {
  const std::string content = "some content, some content";
  const std::string zip = MakeZip({{"one", content, true}});
  for (size_t at = 0; at < zip.size(); ++at) {
    std::string damaged = zip;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    const absl::StatusOr<std::string> extracted = Extract(damaged, "one");
    if (extracted.ok()) {
      EXPECT_EQ(*extracted, content) << at;
    }
  }
}

TEST(ZipMember, StopsAtTheDeclaredSize) {
  std::string zip = MakeZip({{"bomb", std::string(50 << 20, '0'), true}});
  const size_t entry = zip.find("PK\x01\x02");
  zip.replace(entry + 24, 4, std::string("\x10\0\0\0", 4));
  size_t given = 0;
  const absl::Status status =
      ExtractZipMember({reinterpret_cast<const uint8_t*>(zip.data()), zip.size()}, "bomb",
                       [&](std::span<const uint8_t> piece) -> absl::Status {
                         given += piece.size();
                         return absl::OkStatus();
                       });
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(given, 0u);
}

TEST(ZipMember, UnknownCompressionIsNamed) {
  std::string zip = MakeZip({{"one", "x", false}});
  zip[zip.find("PK\x01\x02") + 10] = 12;
  EXPECT_EQ(Extract(zip, "one").status().code(), absl::StatusCode::kUnimplemented);
}

TEST(ZipMember, TheTakersErrorComesBack) {
  const std::string zip = MakeZip({{"one", "x", false}});
  const absl::Status status =
      ExtractZipMember({reinterpret_cast<const uint8_t*>(zip.data()), zip.size()}, "one",
                       [](std::span<const uint8_t>) { return absl::CancelledError("stop"); });
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace cria::hub
