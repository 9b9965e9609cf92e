// Packed weights kept between runs: a later start maps them instead of packing again.
//
//   header   "CRIAPACK", u32 version, u32 records, u64 fingerprint, u64 file bytes, u64 hash of the
//            header before this field and of the records
//   records  of each matrix, in the order in which a model loads them (struct Record)
//   bytes    of the matrices as kernels/packed_layout.h describes them, each at a multiple of 4096
//
// Little-endian. The hashes are XXH3 of 64 bits (xxhash.com): they find damage, not malice.
#ifndef CRIA_MODEL_PACKED_FILE_H_
#define CRIA_MODEL_PACKED_FILE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "checkpoint/checkpoint.h"
#include "kernels/packed_matrix.h"

namespace cria::model {

// To be raised whenever the layout of packed panels, this file's layout, or the order in which a
// model loads its matrices changes.
constexpr uint32_t kPackedFileVersion = 1;

struct PackedBytes {
  kernels::WeightKind kind = kernels::WeightKind::kF32;
  std::span<const uint8_t> bytes;
};

// Where the packed weights of a checkpoint are kept: beside its file, or in its directory.
std::string PackedPath(const checkpoint::Checkpoint& checkpoint);

// What a packed file must have been made of: the checkpoint's files (name, size, time of change),
// its tensors, and some of their bytes.
uint64_t Fingerprint(const checkpoint::Checkpoint& checkpoint);

// Immutable; share freely.
class PackedFile {
 public:
  // Maps the file and compares every hash. kNotFound if there is none; kFailedPrecondition if it
  // was made of other files or by another version; kDataLoss if it is damaged.
  static absl::StatusOr<std::shared_ptr<const PackedFile>> Open(const std::string& path,
                                                                uint64_t fingerprint,
                                                                base::ThreadPool& pool);
  const std::vector<PackedBytes>& matrices() const { return matrices_; }

 private:
  std::shared_ptr<const base::MappedFile> file_;
  std::vector<PackedBytes> matrices_;
};

// kResourceExhausted when the disk is full, kPermissionDenied where nobody may write, kAborted when
// another process writes the same file: nothing is left behind then.
absl::Status WritePackedFile(const std::string& path, uint64_t fingerprint,
                             std::span<const PackedBytes> matrices, base::ThreadPool& pool);

}  // namespace cria::model

#endif  // CRIA_MODEL_PACKED_FILE_H_
