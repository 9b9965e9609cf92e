// A read-only view of a zip archive that lies in memory, as torch.save writes them: entries are
// stored, not compressed, so that their bytes are used in place. Source: APPNOTE.TXT of PKWARE,
// sections 4.3 to 4.5 (ZIP64 included).
#ifndef CRIA_CHECKPOINT_ZIP_H_
#define CRIA_CHECKPOINT_ZIP_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace cria::checkpoint {

inline constexpr uint64_t kMaxZipEntries = uint64_t{1} << 20;

struct ZipEntry {
  std::string_view name;
  std::span<const uint8_t> bytes;
};

// Borrows everything from the bytes it was parsed from, which must outlive it. Immutable.
class ZipArchive {
 public:
  // `what` (a path) starts every message. kDataLoss: truncated, damaged or hostile (offsets outside
  // the file, entries that overlap, a name given twice, headers that disagree); kUnimplemented, by
  // the entry's name: compressed or encrypted entries, archives in several parts. Checksums are not
  // computed: that would read every byte of a model before its first use, and torch.save can be
  // told to leave them wrong (torch.serialization.set_crc32_options), which torch.load doesn't
  // mind. `llama model verify-download` compares the digests of whole files instead. Takes time
  // linear in the number of entries, but for a sort.
  static absl::StatusOr<ZipArchive> Parse(std::span<const uint8_t> bytes, std::string_view what);

  const std::vector<ZipEntry>& entries() const { return entries_; }  // in the directory's order
  const ZipEntry* Find(std::string_view name) const;                 // nullptr if absent

 private:
  friend class ZipParser;

  std::vector<ZipEntry> entries_;
  std::map<std::string_view, size_t> index_;
};

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_ZIP_H_
