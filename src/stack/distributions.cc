#include "stack/distributions.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/edit_distance.h"
#include "base/file.h"
#include "base/quote.h"
#include "stack/config_reader.h"

namespace cria::stack {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormerFolders[] = {"conda", "docker", "venv", "container"};

// Names of the first releases.
constexpr struct {
  const char* former;
  const char* newest;
} kFormerNames[] = {{"local", "starter"},
                    {"meta-reference-gpu", "starter"},
                    {"local-ollama", "ollama"},
                    {"vllm", "remote-vllm"}};

bool IsPath(const std::string& text) {
  return absl::StrContains(text, "/") || absl::EndsWith(text, ".yaml") ||
         absl::EndsWith(text, ".yml") || text == ".";
}

// NAME-run.yaml, or run.yaml, in a folder; "" if there is neither.
std::string FileIn(const std::string& folder, const std::string& name, const std::string& kind) {
  for (const std::string& file : {absl::StrCat(folder, "/", name, "-", kind, ".yaml"),
                                  absl::StrCat(folder, "/", kind, ".yaml")})
    if (base::FileExists(file)) return file;
  return "";
}

// "NAME-run.yaml" is of NAME, "NAME/run.yaml" too.
std::string NameOfFile(const fs::path& path) {
  const std::string stem = path.stem().string();
  if (stem == "run") return fs::absolute(path).parent_path().filename().string();
  return std::string(absl::StripSuffix(stem, "-run"));
}

absl::StatusOr<DistributionSource> FindPath(const std::string& path) {
  DistributionSource source;
  source.path = path;
  if (base::DirectoryExists(path)) {
    source.name = fs::absolute(path).lexically_normal().filename().string();
    if (source.name.empty())
      source.name = fs::absolute(path).lexically_normal().parent_path().filename().string();
    source.path = FileIn(path, source.name, "run");
    source.build_path = FileIn(path, source.name, "build");
    if (source.path.empty())
      return absl::NotFoundError(
          absl::StrCat(path, ": expected a run.yaml in that folder, found none"));
    return source;
  }
  if (!base::PathExists(path))
    return absl::NotFoundError(absl::StrCat(path, ": expected a run.yaml, found no such file"));
  source.name = NameOfFile(path);
  return source;
}

// In $LLAMA_HOME, of this release or an earlier one; its path is empty if it isn't there.
DistributionSource FindInHome(const std::string& home, const std::string& name) {
  DistributionSource source;
  source.name = name;
  const std::string folder = absl::StrCat(home, "/distributions/", name);
  source.path = FileIn(folder, name, "run");
  source.build_path = FileIn(folder, name, "build");
  for (const char* former : kFormerFolders) {
    const std::string file = absl::StrCat(home, "/builds/", former, "/", name, "-run.yaml");
    if (source.path.empty() && base::FileExists(file)) source.path = file;
  }
  for (const char* former : kFormerFolders) {
    const std::string file =
        absl::StrCat(home, "/distributions/", former, "/", name, "-build.yaml");
    if (source.build_path.empty() && base::FileExists(file)) source.build_path = file;
  }
  return source;
}

absl::Status NotFound(const std::string& name, const Environment& environment) {
  std::vector<std::string> known;
  for (const EmbeddedDistribution& one : EmbeddedDistributions()) known.emplace_back(one.name);
  if (const auto mine = ListDistributions(environment); mine.ok())
    for (const DistributionSource& one : *mine) known.push_back(one.name);
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  const std::vector<std::string> near = base::Nearest(name, known, 1);
  return absl::NotFoundError(
      absl::StrCat("distribution ", base::Quote(name), ": expected one of ",
                   absl::StrJoin(known, ", "), " or the path of a run.yaml",
                   near.empty() ? "" : absl::StrCat("; did you mean ", near[0], "?")));
}

}  // namespace

const EmbeddedDistribution* FindEmbeddedDistribution(std::string_view name) {
  for (const auto& [former, newest] : kFormerNames)
    if (name == former) name = newest;
  for (const EmbeddedDistribution& one : EmbeddedDistributions())
    if (one.name == name) return &one;
  return nullptr;
}

std::string DescriptionOf(const EmbeddedDistribution& distribution) {
  const auto nothing = [](const std::string&) -> std::optional<std::string> {
    return std::nullopt;
  };
  const auto build = ReadBuildConfig(distribution.build_yaml, distribution.name, nothing);
  return build.ok() ? build->description : "";
}

absl::StatusOr<DistributionSource> FindDistribution(const std::string& name_or_path,
                                                    const Environment& environment) {
  if (IsPath(name_or_path)) return FindPath(ExpandHome(name_or_path, environment));
  CRIA_RETURN_IF_ERROR(CheckDistributionName(name_or_path));
  CRIA_ASSIGN_OR_RETURN(const std::string home, LlamaHome(environment));
  DistributionSource source = FindInHome(home, name_or_path);
  if (!source.path.empty()) return source;
  source.embedded = FindEmbeddedDistribution(name_or_path);
  if (source.embedded != nullptr) return source;
  if (!source.build_path.empty())
    return absl::NotFoundError(absl::StrCat("distribution ", base::Quote(name_or_path),
                                            ": is built, but has no run.yaml: "
                                            "llama stack configure ",
                                            name_or_path));
  return NotFound(name_or_path, environment);
}

absl::StatusOr<StackConfig> LoadDistribution(const std::string& name_or_path,
                                             const Environment& environment) {
  CRIA_ASSIGN_OR_RETURN(const DistributionSource source,
                        FindDistribution(name_or_path, environment));
  if (source.embedded != nullptr)
    return ReadStackConfig(source.embedded->run_yaml, absl::StrCat(source.name, "/run.yaml"),
                           environment);
  return ReadStackConfigFile(source.path, environment);
}

absl::StatusOr<std::vector<DistributionSource>> ListDistributions(const Environment& environment) {
  CRIA_ASSIGN_OR_RETURN(const std::string home, LlamaHome(environment));
  std::set<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(absl::StrCat(home, "/distributions"), error)) {
    const std::string name = entry.path().filename().string();
    const bool former = std::find(std::begin(kFormerFolders), std::end(kFormerFolders), name) !=
                        std::end(kFormerFolders);
    if (entry.is_directory(error) && !former) names.insert(name);
  }
  for (const char* former : kFormerFolders)
    for (const auto& entry :
         fs::directory_iterator(absl::StrCat(home, "/builds/", former), error)) {
      const std::string file = entry.path().filename().string();
      if (absl::EndsWith(file, "-run.yaml"))
        names.insert(std::string(absl::StripSuffix(file, "-run.yaml")));
    }
  std::vector<DistributionSource> sources;
  for (const std::string& name : names) {
    if (!CheckDistributionName(name).ok()) continue;
    DistributionSource source = FindInHome(home, name);
    if (!source.path.empty() || !source.build_path.empty()) sources.push_back(std::move(source));
  }
  return sources;
}

absl::StatusOr<std::string> DistributionFolder(const std::string& name,
                                               const Environment& environment) {
  CRIA_RETURN_IF_ERROR(CheckDistributionName(name));
  CRIA_ASSIGN_OR_RETURN(const std::string home, LlamaHome(environment));
  return absl::StrCat(home, "/distributions/", name);
}

absl::StatusOr<DistributionSource> FindOwnDistribution(const std::string& name,
                                                       const Environment& environment) {
  CRIA_RETURN_IF_ERROR(CheckDistributionName(name));
  CRIA_ASSIGN_OR_RETURN(const std::string home, LlamaHome(environment));
  DistributionSource source = FindInHome(home, name);
  if (!source.path.empty() || !source.build_path.empty()) return source;
  std::vector<std::string> known;
  CRIA_ASSIGN_OR_RETURN(const std::vector<DistributionSource> mine, ListDistributions(environment));
  for (const DistributionSource& one : mine) known.push_back(one.name);
  return absl::NotFoundError(absl::StrCat(
      "distribution ", base::Quote(name), ": expected one of those in ", home, "/distributions (",
      known.empty() ? "there are none" : absl::StrJoin(known, ", "), ")"));
}

absl::Status RemoveDistribution(const DistributionSource& source, const Environment& environment) {
  CRIA_ASSIGN_OR_RETURN(const std::string folder, DistributionFolder(source.name, environment));
  std::error_code error;
  for (const std::string& file : {source.path, source.build_path})
    if (!error && !file.empty()) fs::remove(file, error);
  if (!error) fs::remove_all(folder, error);
  if (!error) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(folder, ": cannot remove it: ", error.message()));
}

std::string RunYamlAs(const EmbeddedDistribution& distribution, const std::string& name) {
  return absl::StrReplaceAll(
      std::string(distribution.run_yaml),
      {{absl::StrCat("/distributions/", distribution.name), absl::StrCat("/distributions/", name)},
       {absl::StrCat("\ndistro_name: ", distribution.name, "\n"),
        absl::StrCat("\ndistro_name: ", name, "\n")}});
}

}  // namespace cria::stack
