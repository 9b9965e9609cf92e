// Writes run.yaml in the newest form: readable, keys in a fixed order, variables as they were
// written ("${env.OPENAI_API_KEY}" stays).
#ifndef CRIA_STACK_CONFIG_WRITER_H_
#define CRIA_STACK_CONFIG_WRITER_H_

#include <string>

#include "base/status.h"
#include "stack/config.h"

namespace cria::stack {

enum class Secrets : uint8_t { kWritten, kHidden };

// Reading it in the same environment gives the same configuration. kHidden: secrets that no
// variable stands for are "********", for people to look at.
std::string WriteStackConfig(const StackConfig& config, Secrets secrets = Secrets::kWritten);

// The whole file or nothing; only its owner may read it. Makes the folders above it, the last of
// them for its owner alone.
absl::Status WritePrivateFile(const std::string& path, const std::string& text);

// The YAML of any JSON object.
std::string WriteYaml(const base::json::object& object);

}  // namespace cria::stack

#endif  // CRIA_STACK_CONFIG_WRITER_H_
