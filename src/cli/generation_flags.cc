#include "cli/generation_flags.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "chat/options.h"
#include "cli/flag_checks.h"
#include "cli/input.h"
#include "text/grammar.h"
#include "text/tool_definition_json.h"

namespace cria::cli {
namespace {

absl::Status ParseLogitBias(const std::string& text, engine::GenerationOptions* options) {
  for (const absl::string_view entry : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(entry, absl::MaxSplits(':', 1));
    text::TokenId id = 0;
    float bias = 0;
    if (!absl::SimpleAtoi(parts.first, &id) || !absl::SimpleAtof(parts.second, &bias))
      return absl::InvalidArgumentError(absl::StrCat(
          "--logit-bias: expected ID:NUMBER separated by commas, found '", entry, "'"));
    options->logit_bias.emplace_back(id, bias);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const text::Grammar>> SchemaGrammar(const std::string& given) {
  CRIA_ASSIGN_OR_RETURN(const std::string json, JsonTextOrFile(given));
  CRIA_ASSIGN_OR_RETURN(const base::json::value schema, base::ParseJson(json, JsonSource(given)));
  auto grammar = text::GrammarFromJsonSchema(schema);
  if (!grammar.ok()) return base::Annotate(grammar.status(), JsonSource(given));
  return grammar;
}

absl::StatusOr<std::shared_ptr<const text::Grammar>> GbnfGrammar(const std::string& file) {
  CRIA_ASSIGN_OR_RETURN(const std::string source, ReadInput(file));
  auto grammar = text::GrammarFromGbnf(source);
  if (!grammar.ok()) return base::Annotate(grammar.status(), file);
  return grammar;
}

// Whatever is wrong with a grammar or schema is wrong use of its flag.
absl::Status SetGrammar(const GenerationFlags& flags, engine::GenerationOptions* options) {
  if (flags.json_schema.empty() && flags.grammar.empty()) return absl::OkStatus();
  if (!flags.json_schema.empty() && !flags.grammar.empty())
    return absl::InvalidArgumentError(
        "--json-schema and --grammar: expected one of them, found both");
  const bool schema = !flags.json_schema.empty();
  auto grammar = schema ? SchemaGrammar(flags.json_schema) : GbnfGrammar(flags.grammar);
  if (!grammar.ok())
    return absl::InvalidArgumentError(absl::StrCat(schema ? "--json-schema: " : "--grammar: ",
                                                   std::string(grammar.status().message())));
  options->grammar = *std::move(grammar);
  return absl::OkStatus();
}

// "top_p: expected ..." of the engine is "--top-p: expected ..." here.
absl::Status NameTheFlag(const absl::Status& status) {
  const std::string message(status.message());
  const size_t colon = message.find(':');
  if (status.ok() || colon == std::string::npos) return status;
  const std::string flag = absl::StrReplaceAll(message.substr(0, colon), {{"_", "-"}});
  return absl::Status(status.code(), absl::StrCat("--", flag, message.substr(colon)));
}

}  // namespace

void AddGenerationFlags(CLI::App& command, GenerationFlags& flags) {
  const char* const group = "Generation";
  command.add_option("--max-tokens", flags.max_tokens, "At most N new tokens")
      ->type_name("N")
      ->check(WholeNumber(0))
      ->group(group);
  command.add_option("--temperature", flags.temperature, "Randomness; 0 is greedy (default 0.6)")
      ->type_name("F")
      ->check(Number())
      ->group(group);
  command
      .add_option("--top-p", flags.top_p,
                  "Sample from the most likely tokens of this mass (default 0.9)")
      ->type_name("F")
      ->check(Number())
      ->group(group);
  command.add_option("--top-k", flags.top_k, "Sample from the N most likely tokens")
      ->type_name("N")
      ->check(WholeNumber(0))
      ->group(group);
  command.add_option("--min-p", flags.min_p, "Drop tokens below F times the most likely one")
      ->type_name("F")
      ->check(Number())
      ->group(group);
  command
      .add_option("--repetition-penalty", flags.repetition_penalty,
                  "Make tokens seen before less likely (1 is off)")
      ->type_name("F")
      ->check(Number())
      ->group(group);
  command
      .add_option("--frequency-penalty", flags.frequency_penalty,
                  "Subtract F per occurrence in the answer")
      ->type_name("F")
      ->check(Number())
      ->group(group);
  command
      .add_option("--presence-penalty", flags.presence_penalty,
                  "Subtract F from tokens in the answer")
      ->type_name("F")
      ->check(Number())
      ->group(group);
  command.add_option("--logit-bias", flags.logit_bias, "Add to the logits of ids")
      ->type_name("ID:F,...")
      ->group(group);
  command.add_option("--stop", flags.stop, "End before this text (repeatable)")
      ->type_name("TEXT")
      ->allow_extra_args(false)
      ->group(group);
  command
      .add_option("--draft", flags.draft,
                  "A smaller model of the same family whose guesses are tried: faster, same answer")
      ->type_name("MODEL")
      ->group(group);
  command
      .add_flag("--no-speculation", flags.no_speculation,
                "Never try several tokens at once (the answer is the same)")
      ->group(group);
  command.add_flag("--ignore-eos", flags.ignore_eos, "Go on after stop tokens")->group(group);
  command
      .add_option("--logprobs", flags.logprobs,
                  "Report log-probabilities and N alternatives (with --json)")
      ->type_name("N")
      ->check(WholeNumber(0))
      ->group(group);
  command.add_option("--json-schema", flags.json_schema, "Constrain the answer to a JSON Schema")
      ->type_name("FILE|JSON")
      ->group(group);
  command.add_option("--grammar", flags.grammar, "Constrain the answer to a GBNF grammar")
      ->type_name("FILE")
      ->group(group);
  command.add_option("--tools", flags.tools, "Functions the model may call (OpenAI tools array)")
      ->type_name("FILE")
      ->group(group);
  command.add_option("--tool-choice", flags.tool_choice, "Whether to call functions, or which")
      ->type_name("auto|required|none|NAME")
      ->group(group);
  command.add_option("--tool-format", flags.tool_format, "How calls are written")
      ->type_name("json|function_tag|python_list")
      ->group(group);
  command
      .add_option("--date", flags.date,
                  "Put the block with the dates in front; 'today' or the day to claim")
      ->type_name("YYYY-MM-DD")
      ->group(group);
}

absl::StatusOr<engine::GenerationOptions> MakeGenerationOptions(const GenerationFlags& flags,
                                                                const CliContext& context,
                                                                const engine::LoadedModel& model) {
  chat::SamplingParams params;
  params.max_tokens = flags.max_tokens;
  params.temperature = flags.temperature;
  params.top_p = flags.top_p;
  params.top_k = flags.top_k;
  params.min_p = flags.min_p;
  params.repetition_penalty = flags.repetition_penalty;
  params.frequency_penalty = flags.frequency_penalty.value_or(0);
  params.presence_penalty = flags.presence_penalty.value_or(0);
  params.seed = context.seed;
  params.stop = flags.stop;
  params.logprobs = flags.logprobs.value_or(-1);
  engine::GenerationOptions options = chat::MakeGenerationOptions(params, model.config());
  options.ignore_eos = flags.ignore_eos;
  options.speculate = !flags.no_speculation;
  CRIA_RETURN_IF_ERROR(ParseLogitBias(flags.logit_bias, &options));
  CRIA_RETURN_IF_ERROR(SetGrammar(flags, &options));
  CRIA_RETURN_IF_ERROR(NameTheFlag(engine::Validate(options, model.config().vocab)));
  return options;
}

absl::Status SetToolOptions(const text::ChatFormat& format, const text::ChatOptions& chat,
                            const text::Tokenizer& tokenizer, engine::GenerationOptions* options) {
  const absl::Status status = chat::SetToolOptions(format, chat, tokenizer, options);
  if (!absl::StartsWith(status.message(), "tool_choice")) return status;
  const absl::Status named = NameTheFlag(status);
  return absl::Status(named.code(),
                      absl::StrReplaceAll(named.message(),
                                          {{"a schema or grammar", "--json-schema or --grammar"}}));
}

absl::StatusOr<text::ChatOptions> MakeChatOptions(const GenerationFlags& flags,
                                                  text::ToolFormat recommended) {
  text::ChatOptions options;
  options.tool_format = recommended;
  if (!flags.tool_format.empty()) {
    const auto format = text::ToolFormatFromName(flags.tool_format);
    if (!format)
      return absl::InvalidArgumentError(
          absl::StrCat("--tool-format: expected json, function_tag or python_list, found '",
                       flags.tool_format, "'"));
    options.tool_format = *format;
  }
  options.tool_choice = flags.tool_choice;
  if (!flags.date.empty()) options.date = flags.date;
  if (flags.tools.empty()) return options;
  const std::string source = absl::StrCat("--tools ", JsonSource(flags.tools));
  CRIA_ASSIGN_OR_RETURN(const std::string json, JsonTextOrFile(flags.tools));
  auto value = base::ParseJson(json, source);
  if (!value.ok()) return absl::InvalidArgumentError(value.status().message());
  auto tools = text::ToolsFromJson(*value);
  if (!tools.ok()) return base::Annotate(tools.status(), source);
  options.tools = *std::move(tools);
  return options;
}

}  // namespace cria::cli
