// Any bytes as the JSON files of an encoder's directory: an error, or a config that is valid.
#include <cstdint>
#include <cstdlib>

#include "checkpoint/bert_config.h"
#include "checkpoint/weight_table.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cria::checkpoint;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = ParseBertConfig(text, "config.json");
  if (config.ok()) {
    if (!Validate(*config).ok()) std::abort();
    constexpr size_t kFewLayers = 64;
    if (config->layers.size() <= kFewLayers)
      for (const WeightSpec& spec : WeightTable(*config))
        if (!spec.shape.Elements()) std::abort();
  }
  ModelConfig model;
  model.max_context = 512;
  model.encoder.emplace().max_tokens = 512;
  (void)AddSentenceConfig(text, "sentence_bert_config.json", &model);
  (void)AddPoolingConfig(text, "config.json", &model);
  const auto folder = PoolingFolder(text, "modules.json");
  if (folder.ok() && (folder->empty() || folder->find('/') != std::string::npos)) std::abort();
  return 0;
}
