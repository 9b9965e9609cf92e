// llama run: one answer, streamed.
#include <chrono>
#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "chat/options.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/flag_checks.h"
#include "cli/generation_flags.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/open_model.h"
#include "text/message_json.h"

namespace cria::cli {
namespace {

struct RunFlags {
  std::string model, prompt, system, token_ids, messages;
  bool has_prompt = false, has_token_ids = false, has_messages = false;
  bool raw = false, stats = false, parse_special = false;
  std::vector<std::string> images;
  GenerationFlags generation;
};

absl::StatusOr<std::string> PromptText(const RunFlags& flags) {
  if (flags.has_prompt && flags.prompt != "-") return flags.prompt;
  CRIA_ASSIGN_OR_RETURN(std::string text, ReadStdin());
  return WithoutLastNewline(std::move(text));
}

absl::StatusOr<text::Conversation> ReadConversation(const RunFlags& flags) {
  text::Conversation conversation;
  if (!flags.system.empty()) {
    text::Message system;
    system.role = text::Role::kSystem;
    system.content.push_back({text::ContentPart::Type::kText, flags.system, ""});
    conversation.push_back(std::move(system));
  }
  if (flags.has_messages) {
    CRIA_ASSIGN_OR_RETURN(const std::string json, JsonTextOrFile(flags.messages));
    const std::string source = absl::StrCat("--messages ", JsonSource(flags.messages));
    auto value = base::ParseJson(json, source);
    if (!value.ok()) return absl::InvalidArgumentError(value.status().message());
    auto messages = text::ConversationFromJson(*value);
    if (!messages.ok()) return base::Annotate(messages.status(), source);
    for (text::Message& message : *messages) conversation.push_back(std::move(message));
    return conversation;
  }
  CRIA_ASSIGN_OR_RETURN(std::string prompt, PromptText(flags));
  text::Message user;
  user.content.push_back({text::ContentPart::Type::kText, std::move(prompt), ""});
  conversation.push_back(std::move(user));
  return conversation;
}

absl::StatusOr<std::vector<text::TokenId>> RawIds(const RunFlags& flags,
                                                  const engine::LoadedModel& model) {
  if (model.tokenizer() == nullptr)
    return absl::InvalidArgumentError(absl::StrCat(
        model.model().checkpoint().path(), ": the checkpoint has no tokenizer: give --token-ids"));
  CRIA_ASSIGN_OR_RETURN(const std::string prompt, PromptText(flags));
  std::vector<text::TokenId> ids;
  if (const auto bos = model.leading_bos()) ids.push_back(*bos);
  const auto special = flags.parse_special ? text::SpecialText::kParse : text::SpecialText::kPlain;
  CRIA_RETURN_IF_ERROR(model.tokenizer()->Encode(prompt, special, &ids));
  return ids;
}

struct Prompt {
  std::vector<text::TokenId> ids;
  const text::ChatFormat* format = nullptr;  // null: continued as it is
  text::ChatOptions chat;
};

absl::StatusOr<Prompt> MakePrompt(const RunFlags& flags, const CliContext& context,
                                  const OpenedModel& opened) {
  Prompt prompt;
  if (flags.has_token_ids) {
    CRIA_ASSIGN_OR_RETURN(prompt.ids, ParseGivenTokenIds(flags.token_ids));
    return prompt;
  }
  const auto format = opened.model->chat_format();
  const bool base_model = format.status().code() == absl::StatusCode::kNotFound &&
                          opened.model->tokenizer() != nullptr && !flags.has_messages &&
                          flags.system.empty() && flags.generation.tools.empty();
  if (flags.raw || base_model) {
    if (!flags.raw && !context.quiet)
      std::fprintf(stderr,
                   "llama: note: %s has no chat format: the prompt is continued as text (--raw)\n",
                   opened.name.c_str());
    CRIA_ASSIGN_OR_RETURN(prompt.ids, RawIds(flags, *opened.model));
    return prompt;
  }
  if (!format.ok()) return format.status();
  prompt.format = *format;
  CRIA_ASSIGN_OR_RETURN(prompt.chat, MakeChatOptions(flags.generation, opened.tool_format));
  CRIA_ASSIGN_OR_RETURN(const text::Conversation conversation, ReadConversation(flags));
  CRIA_ASSIGN_OR_RETURN(text::EncodedChat encoded, (*format)->Encode(conversation, prompt.chat));
  if (!encoded.images.empty())
    return absl::UnimplementedError(absl::StrCat(opened.name,
                                                 ": the model takes no pictures, found ",
                                                 encoded.images.size(), " in the messages"));
  prompt.ids = std::move(encoded.ids);
  return prompt;
}

void PrintJson(const OpenedModel& opened, const std::vector<text::TokenId>& prompt,
               const Answer& answer, bool logprobs) {
  base::json::object out;
  out["model"] = opened.name;
  out["prompt_token_ids"] = base::json::value_from(prompt);
  out["text"] = answer.text;
  base::json::array ids, probabilities;
  for (const engine::SampledToken& token : answer.tokens) {
    ids.push_back(token.id);
    if (logprobs) probabilities.push_back(LogprobJson(token, opened.model->tokenizer()));
  }
  out["token_ids"] = std::move(ids);
  if (logprobs) out["logprobs"] = std::move(probabilities);
  out["stop_reason"] = text::Name(answer.result.stop_reason);
  if (answer.result.stop_token_id) out["stop_token_id"] = *answer.result.stop_token_id;
  out["tool_calls"] = text::ToolCallsToJson(answer.calls);
  out["usage"] = base::json::object{{"prompt_tokens", answer.result.prompt_tokens},
                                    {"completion_tokens", answer.result.completion_tokens}};
  const Speeds speeds = SpeedsOf(answer.result);
  out["timings"] = base::json::object{{"load_s", opened.load_s},
                                      {"ttft_s", answer.result.ttft_s},
                                      {"prefill_tokens_per_s", speeds.prefill_tokens_per_s},
                                      {"decode_tokens_per_s", speeds.decode_tokens_per_s},
                                      {"peak_rss_bytes", PeakRssBytes()}};
  out["speculation"] = base::json::object{{"guessed_tokens", answer.result.guessed_tokens},
                                          {"right_tokens", answer.result.guessed_right}};
  PrintJsonLine(out);
}

// Flags that would have no effect are refused.
absl::Status CheckFlags(const RunFlags& flags, const CliContext& context) {
  const GenerationFlags& generation = flags.generation;
  CRIA_RETURN_IF_ERROR(RefuseTogether({{"PROMPT", flags.has_prompt},
                                       {"--messages", flags.has_messages},
                                       {"--token-ids", flags.has_token_ids}}));
  for (const Given& text : {Given{"--raw", flags.raw}, Given{"--token-ids", flags.has_token_ids}})
    for (const Given& chat :
         {Given{"--system", !flags.system.empty()}, Given{"--messages", flags.has_messages},
          Given{"--tools", !generation.tools.empty()},
          Given{"--tool-choice", generation.tool_choice != "auto"},
          Given{"--tool-format", !generation.tool_format.empty()},
          Given{"--date", !generation.date.empty()}})
      CRIA_RETURN_IF_ERROR(RefuseTogether({text, chat}));
  CRIA_RETURN_IF_ERROR(
      RefuseTogether({{"--token-ids", flags.has_token_ids}, {"--raw", flags.raw}}));
  CRIA_RETURN_IF_ERROR(
      RefuseWithout({"--raw", flags.raw}, {{"--parse-special", flags.parse_special}}));
  return RefuseWithout({"--json", context.json}, {{"--logprobs", generation.logprobs.has_value()}});
}

// Somebody forgot that the model comes first.
absl::Status HintAtDefaultModel(const absl::Status& status, const RunFlags& flags) {
  const bool sentence = absl::StrContains(flags.model, " ") && !flags.has_prompt;
  if (!absl::IsNotFound(status) || !sentence) return status;
  return absl::NotFoundError(absl::StrCat(
      status.message(), "; to ask the default model: llama run ", kDefaultModel, " \"...\""));
}

absl::Status Run(const RunFlags& flags, const CliContext& context) {
  CRIA_RETURN_IF_ERROR(CheckFlags(flags, context));
  if (!flags.images.empty())
    return absl::UnimplementedError(
        "--image: pictures are taken by the vision models, which this version can't run");
  auto model = OpenModel(context, flags.model);
  if (!model.ok()) return HintAtDefaultModel(model.status(), flags);
  OpenedModel opened = *std::move(model);
  CRIA_RETURN_IF_ERROR(LoadDraft(context, flags.generation.draft, &opened));
  CRIA_ASSIGN_OR_RETURN(const Prompt prompt, MakePrompt(flags, context, opened));
  CRIA_ASSIGN_OR_RETURN(engine::GenerationOptions options,
                        MakeGenerationOptions(flags.generation, context, *opened.model));
  std::unique_ptr<text::ToolCallParser> parser;
  if (prompt.format != nullptr) {
    CRIA_RETURN_IF_ERROR(
        SetToolOptions(*prompt.format, prompt.chat, *opened.model->tokenizer(), &options));
    parser = chat::MakeToolCallParser(prompt.chat, options);
  }
  engine::Request request;
  request.model = opened.name;
  request.prompt = prompt.ids;
  request.options = options;
  request.context = context.context;
  request.draft_model = flags.generation.draft;
  const auto advised = [&](const absl::Status& status) {
    return AdviseOnContext(status, opened, context.context, "shorten the prompt");
  };
  const absl::StatusOr<Answer> asked = Ask(*opened.engine, std::move(request), parser.get(),
                                           /*stream_to_stdout=*/!context.json);
  if (!asked.ok()) return advised(asked.status());
  const Answer& answer = *asked;
  if (answer.interrupted) EndInterrupted();
  if (context.json && answer.result.status.ok())
    PrintJson(opened, prompt.ids, answer, options.logprobs >= 0);
  if (flags.stats) PrintStats(opened, answer.result);
  NoteFullContext(opened, options, answer.result, context);
  return advised(answer.result.status);
}

}  // namespace

void AddRunCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("run", "One answer, streamed");
  auto flags = std::make_shared<RunFlags>();
  command
      ->add_option("model", flags->model,
                   "A path, a name of `llama model list`, or a tag (default smollm2:135m)")
      ->type_name("MODEL");
  CLI::Option* prompt =
      command->add_option("prompt", flags->prompt, "The question; absent or -: standard input")
          ->type_name("PROMPT");
  command->add_option("--system", flags->system, "The system message")->type_name("TEXT");
  command->add_flag("--raw", flags->raw, "No chat format: continue the prompt as text");
  command->add_flag("--parse-special", flags->parse_special,
                    "With --raw: special-token text becomes special ids");
  CLI::Option* ids =
      command->add_option("--token-ids", flags->token_ids, "Ids instead of text, used as they are")
          ->type_name("LIST|@FILE");
  CLI::Option* messages =
      command
          ->add_option("--messages", flags->messages, "A JSON list of messages instead of a prompt")
          ->type_name("FILE");
  command->add_option("--image", flags->images, "A picture for vision models (repeatable)")
      ->type_name("FILE|URL|-")
      ->allow_extra_args(false);
  command->add_flag("--stats", flags->stats, "Say at the end how fast it was");
  AddGenerationFlags(*command, flags->generation);
  command->footer(
      "Examples:\n"
      "  llama run smollm2:135m \"Why is the sky blue?\"\n"
      "  git diff | llama run llama3.2:1b --system \"Write a commit message for this diff\"\n"
      "  llama run llama3.2:1b \"Three colours\" --json-schema "
      "'{\"type\":\"array\",\"items\":{\"type\":\"string\"}}'\n"
      "  llama run MODEL --raw \"Once upon a time\" --temperature 0 --max-tokens 50 --json");
  command->callback([flags, prompt, ids, messages, &context] {
    flags->has_prompt = prompt->count() > 0;
    flags->has_token_ids = ids->count() > 0;
    flags->has_messages = messages->count() > 0;
    context.Fail(Run(*flags, context));
  });
}

}  // namespace cria::cli
