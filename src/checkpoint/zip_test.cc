#include "checkpoint/zip.h"

#include "checkpoint/test_support.h"
#include "checkpoint/torch_test_support.h"

namespace cria::checkpoint {
namespace {

using absl::StatusCode;

const std::vector<ZipTestEntry> kTwo = {{"m/a", "alpha"}, {"m/b", "bet"}};

std::vector<ZipTestEntry> Two(const ZipTestEntry& second) { return {kTwo[0], second}; }

absl::StatusOr<ZipArchive> Parse(const std::string& file) {
  return ZipArchive::Parse(Bytes(file), "f.pth");
}

void ExpectDamaged(const std::string& file, const std::string& what) {
  ExpectError(Parse(file), StatusCode::kDataLoss, what);
}

std::string Content(const ZipArchive& archive, std::string_view name) {
  const ZipEntry* entry = archive.Find(name);
  return entry == nullptr ? "absent" : std::string(entry->bytes.begin(), entry->bytes.end());
}

TEST(Zip, StoredEntriesAreViews) {
  const std::string file = MakeZip(kTwo, {.comment = "PK\x05\x06 is no end"});
  const auto archive = Parse(file);
  ASSERT_TRUE(archive.ok()) << archive.status();
  EXPECT_EQ(Content(*archive, "m/a"), "alpha");
  EXPECT_EQ(Content(*archive, "m/b"), "bet");
  EXPECT_EQ(archive->Find("m/c"), nullptr);
  EXPECT_EQ(archive->entries().size(), 2u);
  EXPECT_TRUE(Parse(MakeZip({})).ok());
}

TEST(Zip, Zip64) {
  std::vector<ZipTestEntry> entries = kTwo;
  entries[1].zip64 = true;
  const std::string file = MakeZip(entries, {.zip64 = true});
  const auto archive = Parse(file);
  ASSERT_TRUE(archive.ok()) << archive.status();
  EXPECT_EQ(Content(*archive, "m/b"), "bet");
}

TEST(Zip, EveryTruncationIsAnError) {
  for (const bool zip64 : {false, true}) {
    const std::string file = MakeZip(kTwo, {.zip64 = zip64});
    for (size_t length = 0; length < file.size(); ++length)
      ExpectDamaged(file.substr(0, length), "truncated");
  }
}

TEST(Zip, DirectoryOutsideTheFile) {
  ExpectDamaged(MakeZip(kTwo, {.directory = 1 << 20}), "the directory should be");
  ExpectDamaged(MakeZip(kTwo, {.directory_bytes = 1 << 20}), "the directory should be");
  ExpectDamaged(MakeZip(kTwo, {.zip64 = true, .directory = UINT64_MAX - 4}),
                "the directory should be");
  ExpectDamaged(MakeZip(kTwo, {.directory = 1}), "no directory entry at byte 1");
}

TEST(Zip, HostileCounts) {
  ExpectDamaged(MakeZip(kTwo, {.count = 3}), "");
  ExpectDamaged(MakeZip(kTwo, {.count = 1}), "the directory of 1 entries ends at");
  ExpectDamaged(MakeZip(kTwo, {.count = 60000}), "claims 60000 entries");
  ExpectDamaged(MakeZip(kTwo, {.zip64 = true, .count = UINT64_MAX}), "claims 18446744073709551615");
}

TEST(Zip, EntriesOutsideTheFile) {
  ExpectDamaged(MakeZip(Two({.name = "b", .data = "b", .offset = 70000})),
                "entry 'b': there is no local header at byte 70000");
  ExpectDamaged(MakeZip(Two({.name = "b", .data = "b", .offset = 1})),
                "entry 'b': there is no local header at byte 1");
  ExpectDamaged(MakeZip(Two({.name = "b", .data = "b", .packed = 1000, .size = 1000})),
                "entry 'b': 1000 bytes at");
  ExpectDamaged(MakeZip(Two({.name = "b", .data = "b", .size = 2})),
                "entry 'b': stored size 1 is not its size 2");
  ExpectDamaged(MakeZip(Two({.name = "b", .data = "b", .size = 0xffffffffU})),
                "entry 'b': its ZIP64 sizes are missing");
}

TEST(Zip, OverlapsAndDuplicates) {
  ExpectDamaged(MakeZip({{.name = "a", .data = "1234", .packed = 5, .size = 5}, {"b", "x"}}),
                "entries 'a' and 'b' overlap");
  ExpectDamaged(MakeZip({{"a", "1"}, {"a", "2"}}), "entry 'a' occurs twice");
  ExpectDamaged(MakeZip({{"a", "1"}, {.name = "b", .data = "2", .local_name = "c"}}),
                "entry 'b': its local header");
}

TEST(Zip, OneExtentUnderTwoNames) {
  std::string file = MakeZip({{"a", "1"}, {.name = "b", .data = "2", .offset = 0}});
  ExpectDamaged(file, "entry 'b': its local header");
}

TEST(Zip, RefusedByName) {
  const auto refused = [](const ZipTestEntry& entry, const std::string& what) {
    ExpectError(Parse(MakeZip(Two(entry))), StatusCode::kUnimplemented, what);
  };
  refused({.name = "b", .data = "b", .method = 8}, "entry 'b' is compressed (method 8)");
  refused({.name = "b", .data = "b", .flags = 1}, "entry 'b' is encrypted");
  refused({.name = "b", .data = "b", .disk = 1}, "entry 'b' lies in another part");
}

}  // namespace
}  // namespace cria::checkpoint
