// config.json of Hugging Face's BERT encoders, and what sentence-transformers keeps beside it.
// Meaning of the fields: BertConfig of github.com/huggingface/transformers, versions 4 and 5;
// modules.json, sentence_bert_config.json and the pooling module's config.json of
// github.com/huggingface/sentence-transformers, versions 2 to 5.
#ifndef CRIA_CHECKPOINT_BERT_CONFIG_H_
#define CRIA_CHECKPOINT_BERT_CONFIG_H_

#include <string>
#include <string_view>

#include "base/status.h"
#include "checkpoint/config.h"

namespace cria::checkpoint {

// All are pure; `what` names the file in messages. kDataLoss names a field that is missing or
// wrong, kUnimplemented a thing that Cria doesn't run.

// Whether the content of config.json speaks of BERT, right or wrong.
bool IsBertConfig(std::string_view json);

// Absent optional fields mean what they mean in transformers. A text is pooled by the mean and may
// be as long as there are positions, until the files below say otherwise.
absl::StatusOr<ModelConfig> ParseBertConfig(std::string_view json, const std::string& what);

// sentence_bert_config.json: how long a text may be.
absl::Status AddSentenceConfig(std::string_view json, const std::string& what, ModelConfig* config);

// modules.json: the encoder, a pooling, perhaps a scaling to length 1, and nothing else. Returns
// the folder of the pooling, a plain name.
absl::StatusOr<std::string> PoolingFolder(std::string_view json, const std::string& what);

// config.json of the pooling.
absl::Status AddPoolingConfig(std::string_view json, const std::string& what, ModelConfig* config);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_BERT_CONFIG_H_
