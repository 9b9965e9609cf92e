// What is asked of a model, as every API generation and every provider understands it.
#ifndef CRIA_CHAT_REQUEST_H_
#define CRIA_CHAT_REQUEST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.h"
#include "text/message.h"
#include "text/tokenizer.h"

namespace cria::chat {

// How to sample. What is absent is the model's own recommendation, else the default of
// engine::GenerationOptions, whose fields these are.
struct SamplingParams {
  std::optional<int64_t> max_tokens;
  std::optional<double> temperature, top_p, min_p, repetition_penalty;
  std::optional<int64_t> top_k;
  double frequency_penalty = 0, presence_penalty = 0;
  std::optional<uint64_t> seed;
  std::vector<std::string> stop;
  std::vector<std::pair<text::TokenId, float>> logit_bias;
  int64_t logprobs = -1;  // alternatives to report a token: -1 none, 0 only the chosen one's
};

// The shape that an answer must have.
struct AnswerFormat {
  enum class Kind : uint8_t { kText, kJsonObject, kJsonSchema, kGrammar };
  Kind kind = Kind::kText;
  base::json::value schema;  // kJsonSchema
  std::string grammar;       // kGrammar: GBNF
};

// Who asks and how urgently: handed along explicitly, so that nothing of one request can leak into
// another.
struct Caller {
  base::json::object provider_data;  // keys for remote providers (X-LlamaStack-Provider-Data)
  std::string traceparent;           // W3C trace context; may be empty
  int priority = 0;                  // higher ones are served first
};

struct ChatRequest {
  std::string model;  // the provider's own id
  text::Conversation messages;
  std::vector<text::ToolDefinition> tools;
  std::string tool_choice = "auto";             // "auto", "required", "none" or a function's name
  std::optional<text::ToolFormat> tool_format;  // absent: what the model was trained on
  bool parallel_tool_calls = true;              // false: at most one call in an answer
  AnswerFormat format;
  SamplingParams sampling;
  Caller caller;
};

// A text to be continued, without any chat format. As text it gets the model's BOS, as ids it is
// used as it is.
struct CompletionRequest {
  std::string model;
  std::variant<std::string, std::vector<text::TokenId>> prompt;
  AnswerFormat format;
  SamplingParams sampling;
  Caller caller;
};

struct EmbeddingRequest {
  std::string model;
  std::vector<std::variant<std::string, std::vector<text::TokenId>>> inputs;
  // A text longer than the model's context: an error, or cut at that end.
  enum class Truncation : uint8_t { kNone, kStart, kEnd };
  Truncation truncation = Truncation::kNone;
  Caller caller;
};

struct Embeddings {
  std::vector<std::vector<float>> vectors;  // [inputs][dimension], each of Euclidean length 1
  int64_t prompt_tokens = 0;
};

}  // namespace cria::chat

#endif  // CRIA_CHAT_REQUEST_H_
