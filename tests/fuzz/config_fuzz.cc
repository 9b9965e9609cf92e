// Any bytes as config.json and generation_config.json: an error, or a config that is valid.
#include <cstdint>
#include <cstdlib>

#include "checkpoint/hugging_face_config.h"
#include "checkpoint/weight_table.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto config = cria::checkpoint::ParseHuggingFaceConfig(text, "config.json");
  if (config.ok()) {
    if (!Validate(config->model).ok()) std::abort();
    constexpr size_t kFewLayers = 64;
    if (config->model.layers.size() <= kFewLayers)
      for (const auto& spec : WeightTable(config->model))
        if (!spec.shape.Elements()) std::abort();
  }
  cria::checkpoint::ModelConfig model;
  if (AddGenerationConfig(text, "generation_config.json", &model).ok() &&
      model.top_p.value_or(0) > 1)
    std::abort();
  return 0;
}
