#include "hub/catalogue.h"

#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace cria::hub {
namespace {

bool Same(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase(absl::string_view(a.data(), a.size()),
                                absl::string_view(b.data(), b.size()));
}

std::string_view LastPart(std::string_view repo) {
  const size_t slash = repo.find('/');
  return slash == std::string_view::npos ? repo : repo.substr(slash + 1);
}

std::vector<std::string> Words(const char* text) {
  return absl::StrSplit(text, ' ', absl::SkipEmpty());
}

bool IsNamed(const CatalogueEntry& entry, std::string_view id) {
  // "Llama3.2-1B-Instruct-int4-qlora-eo8" is what its directory is called.
  if (Same(entry.name, id) || Same(absl::StrReplaceAll(entry.name, {{":", "-"}}), id)) return true;
  const std::string_view repo = entry.repo;
  if (!repo.empty() && (Same(repo, id) || Same(LastPart(repo), id))) return true;
  for (const std::string& alias : Words(entry.aliases))
    if (Same(alias, id) || Same(LastPart(alias), id)) return true;
  return false;
}

}  // namespace

const CatalogueEntry* FindInCatalogue(std::string_view id) {
  if (id.empty()) return nullptr;
  for (const CatalogueEntry& entry : Catalogue())
    if (IsNamed(entry, id)) return &entry;
  return nullptr;
}

std::vector<std::string> MetaFiles(const CatalogueEntry& entry) {
  if (entry.pth_files == 0) return {};
  std::vector<std::string> files = {"checklist.chk"};
  const std::vector<std::string> listed = Words(entry.meta_files);
  files.insert(files.end(), listed.begin(), listed.end());
  if (!listed.empty()) return files;
  files.insert(files.end(), {"tokenizer.model", "params.json"});
  for (int i = 0; i < entry.pth_files; ++i) {
    char name[32];
    std::snprintf(name, sizeof name, "consolidated.%02d.pth", i);
    files.emplace_back(name);
  }
  return files;
}

std::string MetaFolder(const CatalogueEntry& entry) {
  const std::string_view folder = entry.meta_folder;
  return std::string(folder.empty() ? LastPart(entry.repo) : folder);
}

std::string HumanCount(int64_t count) {
  if (count <= 0) return "-";
  const double value = static_cast<double>(count);
  char text[32];
  if (value >= 99.95e9) {
    std::snprintf(text, sizeof text, "%.0fB", value / 1e9);
  } else if (value >= 9.995e9) {
    std::snprintf(text, sizeof text, "%.1fB", value / 1e9);
  } else if (value >= 1e9) {
    std::snprintf(text, sizeof text, "%.2fB", value / 1e9);
  } else {
    std::snprintf(text, sizeof text, "%.0fM", value / 1e6);
  }
  return text;
}

}  // namespace cria::hub
