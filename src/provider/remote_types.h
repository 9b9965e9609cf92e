// The kinds of remote inference servers: one row each in a table, no code.
#ifndef CRIA_PROVIDER_REMOTE_TYPES_H_
#define CRIA_PROVIDER_REMOTE_TYPES_H_

#include <cstdint>
#include <string_view>
#include <vector>

namespace cria::provider {

// Beyond OpenAI's own parameters.
enum class SamplingKeys : uint8_t {
  kOpenAi,    // none
  kVllm,      // top_k, min_p, repetition_penalty
  kLlamaCpp,  // top_k, min_p, repeat_penalty
};

enum class GrammarKey : uint8_t {
  kNone,
  kGuidedGrammar,   // "guided_grammar"
  kGrammar,         // "grammar"
  kResponseFormat,  // "response_format": {"type": "grammar", "grammar"}
};

enum class RemoteKind : uint8_t {
  kOpenAi,      // an OpenAI-compatible server
  kOllama,      // one that lists its models under /api/tags
  kLlamaStack,  // another Llama Stack, of any version that has OpenAI's routes
};

struct RemoteType {
  std::string_view type;               // in configurations
  std::string_view default_url;        // empty: the configuration must name one
  std::string_view api_path;           // appended to a URL that has no path
  std::string_view provider_data_key;  // of a request's own key; empty: none
  RemoteKind kind = RemoteKind::kOpenAi;
  SamplingKeys sampling = SamplingKeys::kOpenAi;
  GrammarKey grammar = GrammarKey::kNone;
  bool needs_max_completion_tokens = false;  // newer models there refuse max_tokens
  bool key_as_api_key_header = false;        // "api-key" instead of "Authorization: Bearer"
  bool formats_completions = false;          // takes response_format for completions too
};

// nullptr: no such type.
const RemoteType* FindRemoteType(std::string_view type);
std::vector<std::string_view> RemoteTypeNames();  // in the table's order

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_REMOTE_TYPES_H_
