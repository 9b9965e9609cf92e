// Any bytes as params.json: an error, or numbers within their bounds.
#include <cstdint>
#include <cstdlib>

#include "checkpoint/config.h"
#include "checkpoint/meta_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto params = cria::checkpoint::ParseMetaParams(text, "params.json");
  if (!params.ok()) return 0;
  const auto within = [](int64_t value, int64_t limit) { return value >= 1 && value <= limit; };
  if (!within(params->dim, cria::checkpoint::kMaxWidth) ||
      !within(params->layers, cria::checkpoint::kMaxLayers) ||
      !within(params->heads, cria::checkpoint::kMaxHeads) ||
      !within(params->kv_heads, cria::checkpoint::kMaxHeads) ||
      !within(params->vocab.value_or(1), cria::checkpoint::kMaxVocab))
    std::abort();
  (void)cria::checkpoint::MetaRopeFactor(*params, true);
  return 0;
}
