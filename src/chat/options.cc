#include "chat/options.h"

#include "absl/strings/str_cat.h"
#include "text/tool_call_syntax.h"
#include "text/tool_grammar.h"

namespace cria::chat {

engine::GenerationOptions MakeGenerationOptions(const SamplingParams& params,
                                                const checkpoint::ModelConfig& config) {
  engine::GenerationOptions options;
  options.max_tokens = params.max_tokens;
  options.temperature =
      params.temperature.value_or(config.temperature.value_or(options.temperature));
  options.top_p = params.top_p.value_or(config.top_p.value_or(options.top_p));
  options.top_k = params.top_k.value_or(config.top_k.value_or(options.top_k));
  options.min_p = params.min_p.value_or(options.min_p);
  options.repetition_penalty = params.repetition_penalty.value_or(options.repetition_penalty);
  options.frequency_penalty = params.frequency_penalty;
  options.presence_penalty = params.presence_penalty;
  options.logit_bias = params.logit_bias;
  options.seed = params.seed;
  options.stop = params.stop;
  options.logprobs = params.logprobs;
  return options;
}

absl::StatusOr<std::shared_ptr<const text::Grammar>> MakeGrammar(const AnswerFormat& format) {
  switch (format.kind) {
    case AnswerFormat::Kind::kText:
      return nullptr;
    case AnswerFormat::Kind::kJsonObject:
      return text::GrammarFromJsonSchema(base::json::object{{"type", "object"}});
    case AnswerFormat::Kind::kJsonSchema:
      return text::GrammarFromJsonSchema(format.schema);
    case AnswerFormat::Kind::kGrammar:
      return text::GrammarFromGbnf(format.grammar);
  }
  return nullptr;
}

absl::Status SetToolOptions(const text::ChatFormat& format, const text::ChatOptions& chat,
                            const text::Tokenizer& tokenizer, engine::GenerationOptions* options) {
  CRIA_ASSIGN_OR_RETURN(auto grammar, text::ToolCallGrammar(format, chat));
  if (grammar != nullptr && options->grammar != nullptr)
    return absl::InvalidArgumentError(
        absl::StrCat("tool_choice ", chat.tool_choice,
                     ": an answer that must be a call can't also follow a schema or grammar: "
                     "expected one of them"));
  if (grammar != nullptr) options->grammar = std::move(grammar);
  if (const auto tag = tokenizer.SpecialId(text::kPythonTag))
    options->spelled_tokens.push_back(*tag);
  return absl::OkStatus();
}

std::unique_ptr<text::ToolCallParser> MakeToolCallParser(const text::ChatOptions& chat,
                                                         const engine::GenerationOptions& options) {
  const bool offered = !chat.tools.empty() && chat.tool_choice != "none";
  if (options.grammar != nullptr && !offered) return nullptr;
  return std::make_unique<text::ToolCallParser>(offered ? chat.tools
                                                        : std::vector<text::ToolDefinition>());
}

}  // namespace cria::chat
