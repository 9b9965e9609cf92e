// Saves a checkpoint as a Hugging Face directory.
#ifndef CRIA_CHECKPOINT_HUGGING_FACE_WRITER_H_
#define CRIA_CHECKPOINT_HUGGING_FACE_WRITER_H_

#include <string>

#include "checkpoint/checkpoint.h"

namespace cria::checkpoint {

// config.json for `config`, as transformers 4 and 5 read it, if all layers have the same widths;
// else with lists of one value per layer. kUnimplemented for what the format can't say (rope
// divisors, heads that rotate in part, device quantisation). `checkpoint` gives the biases and the
// type of the weights.
absl::StatusOr<std::string> HuggingFaceConfigJson(const Checkpoint& checkpoint);

// Writes config.json, generation_config.json, model.safetensors and the tokenizer files to a new
// directory, which appears only when it is complete. Weights keep their types; q and k rows are put
// into the order of Hugging Face. kAlreadyExists if `directory` exists and isn't empty;
// kUnimplemented for block formats, device quantisation and vocabularies without a tokenizer file.
absl::Status WriteHuggingFace(const Checkpoint& checkpoint, const std::string& directory);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_HUGGING_FACE_WRITER_H_
