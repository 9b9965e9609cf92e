// Shared by the benchmarks of text: the tokenizer that a command line names.
#ifndef CRIA_BENCH_OPEN_TOKENIZER_H_
#define CRIA_BENCH_OPEN_TOKENIZER_H_

#include <memory>
#include <string>

#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "engine/loaded_model.h"
#include "hub/model_store.h"
#include "text/tokenizer_factory.h"

namespace cria::bench {

// A tokenizer.model, a tokenizer.json, or the tokenizer of whatever else `llama run` takes.
inline absl::StatusOr<std::unique_ptr<const text::Tokenizer>> OpenTokenizer(
    const std::string& model) {
  const bool json = model.ends_with(".json");
  if (json || model.ends_with(".model")) {
    CRIA_ASSIGN_OR_RETURN(const std::string file, base::ReadFile(model, uint64_t{256} << 20));
    return json ? text::TokenizerFromHuggingFace(file, "") : text::TokenizerFromTiktoken(file);
  }
  CRIA_ASSIGN_OR_RETURN(const hub::ResolvedModel resolved, hub::Resolve(model));
  CRIA_ASSIGN_OR_RETURN(const auto checkpoint, checkpoint::Checkpoint::Open(resolved.path));
  return engine::MakeTokenizer(checkpoint->tokenizer(), checkpoint->config());
}

}  // namespace cria::bench

#endif  // CRIA_BENCH_OPEN_TOKENIZER_H_
