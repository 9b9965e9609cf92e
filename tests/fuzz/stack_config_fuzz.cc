// Any bytes as run.yaml: an error of one line, or a configuration that is read back as it was
// written.
#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "stack/build_config.h"
#include "stack/config_reader.h"
#include "stack/config_writer.h"
#include "stack/yaml_document.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cria::stack;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Environment environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "HOME") return "/home/me";
    if (name == "EMPTY") return "";
    if (name.size() == 1) return "http://" + name;
    return std::nullopt;
  };
  (void)ReadBuildConfig(text, "build.yaml", environment);
  const auto config = ReadStackConfig(text, "run.yaml", environment);
  if (!config.ok()) {
    if (std::string(config.status().message()).find('\n') != std::string::npos) std::abort();
    return 0;
  }
  const std::string written = WriteStackConfig(*config);
  if (written.size() > kMaxYamlBytes / 4) return 0;
  const auto again = ReadStackConfig(written, "run.yaml", environment);
  if (!again.ok() || ToJson(*again) != ToJson(*config)) {
    std::cerr << written << "\n" << again.status() << "\n";
    std::abort();
  }
  return 0;
}
