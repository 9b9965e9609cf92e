// build.yaml: of what a distribution is made. Both forms are read, the first release's ("name",
// providers as words) and 0.2's ("image_name", providers as maps); the newer is written.
#ifndef CRIA_STACK_BUILD_CONFIG_H_
#define CRIA_STACK_BUILD_CONFIG_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "stack/config.h"
#include "stack/environment.h"

namespace cria::stack {

struct BuildConfig {
  std::string name;
  std::string description;
  std::map<std::string, std::vector<std::string>> providers;  // types by API, newest names
  std::string image_type = "venv";                            // venv, conda, docker, container
  std::string container_image;
};

// Errors as ReadStackConfig.
absl::StatusOr<BuildConfig> ReadBuildConfig(std::string_view text, const std::string& file,
                                            const Environment& environment);

std::string WriteBuildConfig(const BuildConfig& build);

// "inference=remote::ollama,inference=inline::cria". kInvalidArgument names what isn't known.
absl::StatusOr<std::map<std::string, std::vector<std::string>>> ParseProviders(
    const std::string& list);

// OK for what may name a distribution: letters, digits, '.', '-' and '_', begun by a letter or a
// digit, at most 64. So no name leaves its folder.
absl::Status CheckDistributionName(const std::string& name);

// A run.yaml for that build: each provider with its default settings and the variables of the
// environment that may say otherwise, SQLite in the distribution's folder, port 8321 on loopback.
// Its text is to be read by ReadStackConfig.
std::string MakeRunConfig(const BuildConfig& build);

}  // namespace cria::stack

#endif  // CRIA_STACK_BUILD_CONFIG_H_
