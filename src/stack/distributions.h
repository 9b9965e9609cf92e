// Distributions: those that the program brings with it, and those in $LLAMA_HOME/distributions.
#ifndef CRIA_STACK_DISTRIBUTIONS_H_
#define CRIA_STACK_DISTRIBUTIONS_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "stack/build_config.h"
#include "stack/config.h"
#include "stack/environment.h"

namespace cria::stack {

// The files of distributions/NAME/ as they were when the program was built.
struct EmbeddedDistribution {
  const char* name;
  std::string_view build_yaml, run_yaml;
};

std::span<const EmbeddedDistribution> EmbeddedDistributions();
// By its name or one of the first releases' ("local-ollama" is ollama); nullptr: none of that name.
const EmbeddedDistribution* FindEmbeddedDistribution(std::string_view name);
std::string DescriptionOf(const EmbeddedDistribution& distribution);

// Where a configuration comes from.
struct DistributionSource {
  std::string name;        // of the distribution; of a bare path the file's name
  std::string path;        // of run.yaml; empty: embedded
  std::string build_path;  // of build.yaml; empty: none
  const EmbeddedDistribution* embedded = nullptr;
};

// `NAME` or a path. A path (with a '/' or ending in .yaml or .yml) is a run.yaml, or a folder with
// one. A name is looked for as
//   $LLAMA_HOME/distributions/NAME/NAME-run.yaml, or run.yaml there,
//   $LLAMA_HOME/builds/{conda,docker,venv,container}/NAME-run.yaml   (of the first releases),
//   among the embedded distributions.
// kNotFound names the distributions there are.
absl::StatusOr<DistributionSource> FindDistribution(const std::string& name_or_path,
                                                    const Environment& environment);

// The configuration to run, in the newest form.
absl::StatusOr<StackConfig> LoadDistribution(const std::string& name_or_path,
                                             const Environment& environment);

// Those in $LLAMA_HOME, by name.
absl::StatusOr<std::vector<DistributionSource>> ListDistributions(const Environment& environment);

// $LLAMA_HOME/distributions/NAME. kInvalidArgument for what can't be a name.
absl::StatusOr<std::string> DistributionFolder(const std::string& name,
                                               const Environment& environment);

// The one of that name in $LLAMA_HOME. kNotFound, also for one that the program brings with it.
absl::StatusOr<DistributionSource> FindOwnDistribution(const std::string& name,
                                                       const Environment& environment);

// Takes one that FindOwnDistribution found away: its folder, with all that its server kept there,
// and its files of an earlier release. Models stay.
absl::Status RemoveDistribution(const DistributionSource& source, const Environment& environment);

// The run.yaml of an embedded distribution as a distribution of another name has it.
std::string RunYamlAs(const EmbeddedDistribution& distribution, const std::string& name);

}  // namespace cria::stack

#endif  // CRIA_STACK_DISTRIBUTIONS_H_
