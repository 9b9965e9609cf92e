#include "model/packed_file.h"

#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "base/checked_math.h"

namespace cria::model {
namespace {

constexpr char kMagic[8] = {'C', 'R', 'I', 'A', 'P', 'A', 'C', 'K'};
constexpr uint64_t kAlignment = 4096;
constexpr int64_t kSlice = 8 << 20;  // bytes that one thread hashes at a time
constexpr uint32_t kMostRecords = 1 << 20;

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t records;
  uint64_t fingerprint;
  uint64_t file_bytes;
  uint64_t hash;  // of what stands before it, and of the records
};
static_assert(sizeof(Header) == 40);

struct Record {
  uint64_t offset;
  uint64_t bytes;
  uint64_t hash;
  uint32_t kind;  // kernels::WeightKind
  uint32_t reserved;
};
static_assert(sizeof(Record) == 32);

uint64_t TableHash(const Header& header, std::span<const Record> records) {
  const uint64_t parts[2] = {XXH3_64bits(&header, offsetof(Header, hash)),
                             XXH3_64bits(records.data(), records.size_bytes())};
  return XXH3_64bits(parts, sizeof parts);
}

uint64_t Hash(std::span<const uint8_t> bytes, base::ThreadPool& pool) {
  const auto size = static_cast<int64_t>(bytes.size());
  std::vector<uint64_t> slices(static_cast<size_t>(base::CeilDiv(size, kSlice)));
  pool.ParallelFor(static_cast<int64_t>(slices.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      slices[static_cast<size_t>(i)] =
          XXH3_64bits(bytes.data() + i * kSlice,
                      static_cast<size_t>(std::min<int64_t>(kSlice, size - i * kSlice)));
  });
  return XXH3_64bits(slices.data(), slices.size() * sizeof(uint64_t));
}

// Header and records of a mapped file, as far as they can be believed.
absl::StatusOr<std::vector<Record>> ReadRecords(std::span<const uint8_t> file,
                                                uint64_t fingerprint) {
  Header header;
  if (file.size() < sizeof header) return absl::DataLossError("too short for a header");
  std::memcpy(&header, file.data(), sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0)
    return absl::DataLossError("not a file of packed weights");
  if (header.version != kPackedFileVersion || header.fingerprint != fingerprint)
    return absl::FailedPreconditionError("made of other files, or by another version");
  const uint64_t room = (file.size() - sizeof header) / sizeof(Record);
  if (header.file_bytes != file.size() || header.records > kMostRecords || header.records > room)
    return absl::DataLossError("its length is wrong");
  std::vector<Record> records(header.records);
  std::memcpy(records.data(), file.data() + sizeof header, records.size() * sizeof(Record));
  if (TableHash(header, records) != header.hash) return absl::DataLossError("its table is damaged");
  uint64_t end = sizeof header;
  for (const Record& record : records) {
    if (record.offset % kAlignment != 0 || record.offset < end ||
        !base::RangeFits(record.offset, record.bytes, file.size()))
      return absl::DataLossError("a matrix lies outside the file or in another one");
    end = record.offset + record.bytes;
  }
  return records;
}

}  // namespace

std::string PackedPath(const checkpoint::Checkpoint& checkpoint) {
  const std::string& path = checkpoint.path();
  return base::DirectoryExists(path) ? absl::StrCat(path, "/model", checkpoint::kPackedSuffix)
                                     : absl::StrCat(path, checkpoint::kPackedSuffix);
}

uint64_t Fingerprint(const checkpoint::Checkpoint& checkpoint) {
  constexpr size_t kSample = 64;
  std::string text;
  for (const auto& file : checkpoint.files()) {
    struct stat info {};
    (void)stat(file->path().c_str(), &info);
    absl::StrAppend(&text, file->path().substr(file->path().rfind('/') + 1), "|", info.st_size, "|",
                    info.st_mtim.tv_sec, ".", info.st_mtim.tv_nsec, "\n");
  }
  for (const checkpoint::TensorEntry& tensor : checkpoint.tensors()) {
    const std::span<const uint8_t> bytes = tensor.view.bytes;
    const size_t count = std::min(bytes.size(), kSample);
    absl::StrAppend(&text, tensor.name, "|", static_cast<int>(tensor.view.dtype), "|", bytes.size(),
                    "|", tensor.view.rows(), "|", XXH3_64bits(bytes.data(), count), "|",
                    XXH3_64bits(bytes.data() + (bytes.size() - count) / 2, count), "\n");
  }
  return XXH3_64bits(text.data(), text.size());
}

absl::StatusOr<std::shared_ptr<const PackedFile>> PackedFile::Open(const std::string& path,
                                                                   uint64_t fingerprint,
                                                                   base::ThreadPool& pool) {
  auto packed = std::make_shared<PackedFile>();
  CRIA_ASSIGN_OR_RETURN(packed->file_, base::MappedFile::Open(path));
  packed->file_->PreferHugePages();
  const std::span<const uint8_t> bytes = packed->file_->bytes();
  const auto records = ReadRecords(bytes, fingerprint);
  if (!records.ok()) return base::Annotate(records.status(), path);
  for (const Record& record : *records) {
    const auto matrix = bytes.subspan(record.offset, record.bytes);
    if (Hash(matrix, pool) != record.hash)
      return absl::DataLossError(absl::StrCat(path, ": the bytes of a matrix are damaged"));
    packed->matrices_.push_back({static_cast<kernels::WeightKind>(record.kind), matrix});
  }
  return std::shared_ptr<const PackedFile>(std::move(packed));
}

absl::Status WritePackedFile(const std::string& path, uint64_t fingerprint,
                             std::span<const PackedBytes> matrices, base::ThreadPool& pool) {
  CRIA_ASSIGN_OR_RETURN(const std::unique_ptr<base::AtomicFile> file,
                        base::AtomicFile::Create(path));
  std::vector<Record> records;
  uint64_t end = sizeof(Header) + matrices.size() * sizeof(Record);
  for (const PackedBytes& matrix : matrices) {
    const uint64_t offset = base::RoundUp(static_cast<int64_t>(end), int64_t{kAlignment});
    records.push_back({offset, matrix.bytes.size(), Hash(matrix.bytes, pool),
                       static_cast<uint32_t>(matrix.kind), 0});
    end = offset + matrix.bytes.size();
  }
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kPackedFileVersion;
  header.records = static_cast<uint32_t>(records.size());
  header.fingerprint = fingerprint;
  header.file_bytes = end;
  header.hash = TableHash(header, records);
  CRIA_RETURN_IF_ERROR(file->Reserve(end));
  const auto as_bytes = [](const auto* data, size_t size) {
    return std::span(reinterpret_cast<const uint8_t*>(data), size);
  };
  CRIA_RETURN_IF_ERROR(file->WriteAt(0, as_bytes(&header, sizeof header)));
  CRIA_RETURN_IF_ERROR(
      file->WriteAt(sizeof header, as_bytes(records.data(), records.size() * sizeof(Record))));
  for (size_t i = 0; i < matrices.size(); ++i)
    CRIA_RETURN_IF_ERROR(file->WriteAt(records[i].offset, matrices[i].bytes));
  return file->Commit();
}

}  // namespace cria::model
