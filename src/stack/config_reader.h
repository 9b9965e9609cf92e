// Reads run.yaml in every form that was published, from the first release's to the newest.
#ifndef CRIA_STACK_CONFIG_READER_H_
#define CRIA_STACK_CONFIG_READER_H_

#include <string>
#include <string_view>

#include "base/status.h"
#include "stack/config.h"
#include "stack/environment.h"

namespace cria::stack {

// `file` names the text in messages. Variables have the values that `environment` gives them;
// providers and resources that it switches off are left out. kDataLoss names line, key, what was
// expected and what was found.
absl::StatusOr<StackConfig> ReadStackConfig(std::string_view text, const std::string& file,
                                            const Environment& environment);

// The same of a file: kNotFound and what else reading one may answer, too.
absl::StatusOr<StackConfig> ReadStackConfigFile(const std::string& path,
                                                const Environment& environment);

}  // namespace cria::stack

#endif  // CRIA_STACK_CONFIG_READER_H_
