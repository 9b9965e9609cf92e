// Whether the tensors that a reader delivered are those that the config calls for.
#ifndef CRIA_CHECKPOINT_INVENTORY_H_
#define CRIA_CHECKPOINT_INVENTORY_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace cria::checkpoint {

using TensorIndex = std::map<std::string, size_t, std::less<>>;  // name -> position in the list

// kDataLoss if a name occurs twice.
absl::StatusOr<TensorIndex> IndexTensors(const std::vector<TensorEntry>& tensors);

// True for tensors that some files carry and that hold nothing but what the config says:
// rotary_emb.inv_freq, rope.freqs, embeddings.position_ids.
bool IsIgnorable(const std::string& name);

// What a file of that format calls the tensor of a canonical name, for messages.
std::string NameInFile(Format format, const std::string& canonical);

// "tensor 'blk.0.attn_q.weight' [8, 8] is missing: ...", and why that may be; the shape if known.
std::string MissingTensor(Format format, const std::string& canonical,
                          const tensor::Shape* shape = nullptr);

// Whether `a` and `b` are both absent, or both there with the same type, shape and bytes.
bool SameTensor(const std::vector<TensorEntry>& tensors, const TensorIndex& index,
                std::string_view a, std::string_view b);

// Every weight of WeightTable(config) is there with its shape and a type that Cria runs, with its
// companions (scales of I8, both halves of a LoRA branch), and nothing else is. `config` is valid.
// kDataLoss names a tensor that is missing or doesn't fit; kUnimplemented one that is unknown or of
// a type that isn't run. Tensors are called what the file calls them.
absl::Status CheckInventory(Format format, const ModelConfig& config,
                            const std::vector<TensorEntry>& tensors, const TensorIndex& index);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_INVENTORY_H_
