// Checks the files of an installed model against what is recorded of them.
#ifndef CRIA_HUB_VERIFY_H_
#define CRIA_HUB_VERIFY_H_

#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "hub/disk.h"
#include "hub/model_store.h"

namespace cria::hub {

struct FileCheck {
  std::string path;
  bool ok = false;
  std::string problem;  // "missing", "size is 3, expected 4", ...; "" if ok
  std::string checked;  // "sha256", "md5", "sha256, md5", or "size" alone
};

// Every recorded file against its size and sha256, and against a checklist.chk (md5) where there is
// one. Files that only a checklist names are checked too, unless the record shows that they weren't
// wanted.
absl::StatusOr<std::vector<FileCheck>> VerifyModel(const InstalledModel& model,
                                                   const Cancelled& cancelled);

// The md5 sums of a checklist.chk ("<md5>  <file>" a line) by file name. kDataLoss if a line is
// something else.
inline constexpr char kChecklistName[] = "checklist.chk";
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ParseChecklist(
    const std::string& text);

}  // namespace cria::hub

#endif  // CRIA_HUB_VERIFY_H_
