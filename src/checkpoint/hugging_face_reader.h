// A Hugging Face model directory: config.json, safetensors, tokenizer files.
#ifndef CRIA_CHECKPOINT_HUGGING_FACE_READER_H_
#define CRIA_CHECKPOINT_HUGGING_FACE_READER_H_

#include <string>

#include "checkpoint/checkpoint.h"

namespace cria::checkpoint {

// Reads config.json, generation_config.json (if there), the tensors, and what the tokenizer is made
// of: tokenizer.json with tokenizer_config.json, else tokenizer.model; the chat template from
// chat_template.jinja, else from tokenizer_config.json. Tensors come from model.safetensors, else
// from the shards of model.safetensors.index.json, else from the only *.safetensors. Of a BERT
// encoder also what sentence-transformers keeps beside it (see bert_config.h), and vocab.txt where
// there is no tokenizer.json. kNotFound names a file that is missing; other errors as in
// checkpoint.h.
absl::StatusOr<Checkpoint::Parts> ReadHuggingFace(const std::string& directory);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_HUGGING_FACE_READER_H_
