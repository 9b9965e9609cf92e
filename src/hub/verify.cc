#include "hub/verify.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "hub/digest.h"

namespace cria::hub {
namespace {

constexpr uint64_t kMaxChecklistBytes = uint64_t{1} << 20;

using Sums = std::map<std::string, std::string>;  // md5 by path in the model's directory

absl::StatusOr<Sums> ReadChecklists(const InstalledModel& model) {
  Sums md5;
  for (const std::string folder : {"", "original/"}) {
    const std::string path = JoinPath(model.directory, folder + kChecklistName);
    if (!base::FileExists(path)) continue;
    CRIA_ASSIGN_OR_RETURN(const std::string text, base::ReadFile(path, kMaxChecklistBytes));
    CRIA_ASSIGN_OR_RETURN(const auto sums, ParseChecklist(text));
    for (const auto& [file, sum] : sums) md5[folder + file] = sum;
  }
  return md5;
}

absl::StatusOr<FileCheck> CheckFile(const std::string& directory, const LocalFile& file,
                                    const std::string& md5, const Cancelled& cancelled) {
  const std::string path = JoinPath(directory, file.path);
  FileCheck check{file.path, false, "", "size"};
  const absl::StatusOr<uint64_t> size = FileSize(path);
  if (!size.ok()) {
    check.problem = "missing";
    return check;
  }
  if (!file.sha256.empty() && *size != file.size) {
    check.problem = absl::StrCat("size is ", *size, ", expected ", file.size);
    return check;
  }
  std::vector<std::string> checked;
  for (const Digest& expected :
       {Digest{DigestKind::kSha256, file.sha256}, Digest{DigestKind::kMd5, md5}}) {
    if (expected.hex.empty()) continue;
    CRIA_ASSIGN_OR_RETURN(const std::string found, HashFile(path, expected.kind, cancelled));
    checked.push_back(Name(expected.kind));
    if (found != expected.hex && check.problem.empty())
      check.problem = absl::StrCat(Name(expected.kind), " is ", found, ", expected ", expected.hex);
  }
  if (!checked.empty()) check.checked = absl::StrJoin(checked, ", ");
  check.ok = check.problem.empty();
  return check;
}

}  // namespace

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ParseChecklist(
    const std::string& text) {
  std::vector<std::pair<std::string, std::string>> sums;
  for (const absl::string_view line :
       absl::StrSplit(text, absl::ByAnyChar("\r\n"), absl::SkipEmpty())) {
    const std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    if (words.empty()) continue;
    std::string file = words.size() == 2 ? words[1] : "";
    if (absl::StartsWith(file, "*")) file.erase(0, 1);  // md5sum's mark of binary mode
    if (absl::StartsWith(file, "./")) file.erase(0, 2);
    if (!IsHex(words[0], 32) || !IsSafeRelativePath(file))
      return absl::DataLossError(absl::StrCat(kChecklistName,
                                              ": expected lines '<md5>  <file>', found '",
                                              std::string(line.substr(0, 80)), "'"));
    sums.emplace_back(file, absl::AsciiStrToLower(words[0]));
  }
  return sums;
}

absl::StatusOr<std::vector<FileCheck>> VerifyModel(const InstalledModel& model,
                                                   const Cancelled& cancelled) {
  CRIA_ASSIGN_OR_RETURN(const Sums md5, ReadChecklists(model));
  std::map<std::string, LocalFile> files;
  for (const LocalFile& file : model.files) files[file.path] = file;
  const bool has_record = std::any_of(model.files.begin(), model.files.end(),
                                      [](const LocalFile& file) { return !file.sha256.empty(); });
  if (!has_record)
    for (const auto& [path, sum] : md5) files.try_emplace(path, LocalFile{path, 0, ""});
  std::vector<FileCheck> checks;
  for (const auto& [path, file] : files) {
    const auto sum = md5.find(path);
    CRIA_ASSIGN_OR_RETURN(
        FileCheck check,
        CheckFile(model.directory, file, sum == md5.end() ? "" : sum->second, cancelled));
    checks.push_back(std::move(check));
  }
  return checks;
}

}  // namespace cria::hub
