// A directory as Meta publishes its models: consolidated.*.pth, params.json, tokenizer.model.
#ifndef CRIA_CHECKPOINT_META_READER_H_
#define CRIA_CHECKPOINT_META_READER_H_

#include <string>

#include "checkpoint/checkpoint.h"

namespace cria::checkpoint {

// Reads params.json, the shards consolidated.00.pth, .01, ... (or the one file consolidated.pth),
// and tokenizer.model if it is there. One shard stays mapped where its tensors are contiguous;
// several are merged into memory. Also reads the int4 SpinQuant and QLoRA releases of Llama 3.2.
// What params.json leaves open follows from the tensors: FFN widths, head_dim, tied embeddings,
// group sizes; and, by rule, the factor of the rope scaling (MetaRopeFactor) and the context:
// 131,072 tokens with scaled rope, 8,192 without it and for the quantised releases, as their model
// cards say.
//
// kNotFound names a file that is missing. kDataLoss: damaged or hostile files (zip.h, pickle.h),
// shards that don't belong together, a tensor rope.freqs that contradicts params.json.
// kUnimplemented: shards of quantised models, zero points. The tensors' shapes are
// Checkpoint::FromParts' business.
absl::StatusOr<Checkpoint::Parts> ReadMeta(const std::string& directory);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_META_READER_H_
