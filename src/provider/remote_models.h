// Lists of models as remote servers give them.
#ifndef CRIA_PROVIDER_REMOTE_MODELS_H_
#define CRIA_PROVIDER_REMOTE_MODELS_H_

#include <string_view>
#include <vector>

#include "base/status.h"
#include "provider/inference.h"
#include "provider/remote_types.h"

namespace cria::provider {

// {"data": [{"id"}]} or the bare list (Together); of another Llama Stack also {"identifier"}; of
// Ollama {"models": [{"name"}]}. Whether a model embeds is read from what the list says of it, and
// where it says nothing, from the word "embed" in its id. kUnavailable: another shape.
absl::StatusOr<std::vector<ModelInfo>> ReadModelList(RemoteKind kind, std::string_view body);

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_REMOTE_MODELS_H_
