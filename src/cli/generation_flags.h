// The flags of `llama run` and `llama chat` that say how to generate, and what they turn into.
#ifndef CRIA_CLI_GENERATION_FLAGS_H_
#define CRIA_CLI_GENERATION_FLAGS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/cli_context.h"
#include "cli/open_model.h"
#include "engine/generation_options.h"
#include "text/chat_format.h"

namespace cria::cli {

// As the command line gives them; absent ones fall back to the checkpoint's generation_config, then
// to the defaults.
struct GenerationFlags {
  std::optional<int64_t> max_tokens, top_k, logprobs;
  std::optional<double> temperature, top_p, min_p, repetition_penalty, frequency_penalty,
      presence_penalty;
  std::string logit_bias;  // "ID:F,ID:F"
  std::vector<std::string> stop;
  bool ignore_eos = false;
  bool no_speculation = false;
  std::string draft;        // a model
  std::string json_schema;  // a file or JSON
  std::string grammar;      // a file
  std::string tools;        // a file
  std::string tool_choice = "auto";
  std::string tool_format;
  std::string date;
};

void AddGenerationFlags(CLI::App& command, GenerationFlags& flags);

// The sampler's options for `model`. kInvalidArgument names the flag.
absl::StatusOr<engine::GenerationOptions> MakeGenerationOptions(const GenerationFlags& flags,
                                                                const CliContext& context,
                                                                const engine::LoadedModel& model);

// As chat::SetToolOptions; an error names the flag.
absl::Status SetToolOptions(const text::ChatFormat& format, const text::ChatOptions& chat,
                            const text::Tokenizer& tokenizer, engine::GenerationOptions* options);

// Tools, tool format and date for the chat format.
absl::StatusOr<text::ChatOptions> MakeChatOptions(const GenerationFlags& flags,
                                                  text::ToolFormat recommended);

}  // namespace cria::cli

#endif  // CRIA_CLI_GENERATION_FLAGS_H_
