#include "chat/chat_service.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "chat/engine_stream.h"
#include "chat/options.h"

namespace cria::chat {
namespace {

text::ChatOptions ChatOptionsOf(const ServedModel& model, const ChatRequest& request) {
  text::ChatOptions options;
  options.tools = request.tools;
  options.tool_choice = request.tool_choice;
  options.tool_format = request.tool_format.value_or(model.tool_format);
  return options;
}

absl::StatusOr<text::EncodedChat> Encode(const ServedModel& model, const ChatRequest& request,
                                         const text::ChatOptions& options) {
  CRIA_ASSIGN_OR_RETURN(const text::ChatFormat* format, model.model->chat_format());
  CRIA_ASSIGN_OR_RETURN(text::EncodedChat encoded, format->Encode(request.messages, options));
  if (!encoded.images.empty())
    return absl::UnimplementedError(absl::StrCat("the model takes no pictures, found ",
                                                 encoded.images.size(),
                                                 " in the messages: ask a vision model"));
  return encoded;
}

// Keeps prompt and answer inside the model's context.
absl::Status FitContext(const ServedModel& model, size_t prompt_tokens,
                        engine::GenerationOptions* options) {
  const int64_t most = model.model->config().max_context;
  const int64_t context = model.context > 0 ? std::min(model.context, most) : most;
  const int64_t room = context - static_cast<int64_t>(prompt_tokens);
  if (room < 1)
    return absl::InvalidArgumentError(absl::StrCat("the prompt has ", prompt_tokens,
                                                   " tokens, the context holds ", context,
                                                   " tokens: shorten the messages"));
  if (options->max_tokens) options->max_tokens = std::min(*options->max_tokens, room);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<text::TokenId>> PromptIds(const ServedModel& model,
                                                     const CompletionRequest& request) {
  if (const auto* ids = std::get_if<std::vector<text::TokenId>>(&request.prompt)) return *ids;
  if (model.model->tokenizer() == nullptr)
    return absl::InvalidArgumentError(
        "prompt: the model has no tokenizer: expected a list of token ids");
  std::vector<text::TokenId> ids;
  if (const auto bos = model.model->leading_bos()) ids.push_back(*bos);
  CRIA_RETURN_IF_ERROR(model.model->tokenizer()->Encode(std::get<std::string>(request.prompt),
                                                        text::SpecialText::kPlain, &ids));
  if (ids.empty())
    return absl::InvalidArgumentError("prompt: expected at least one token, found an empty text");
  return ids;
}

absl::StatusOr<std::unique_ptr<Stream>> Submit(engine::Engine& engine, const ServedModel& model,
                                               engine::Request request,
                                               std::unique_ptr<text::ToolCallParser> parser,
                                               size_t max_calls) {
  request.model = model.engine_id;
  request.context = std::min(model.context, model.model->config().max_context);
  request.draft_model = model.draft_engine_id;
  CRIA_RETURN_IF_ERROR(FitContext(model, request.prompt.size(), &request.options));
  CRIA_ASSIGN_OR_RETURN(auto generation, engine.Submit(std::move(request)));
  return std::make_unique<EngineStream>(std::move(generation), model.model, std::move(parser),
                                        max_calls);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Stream>> ChatService::Chat(const ServedModel& model,
                                                          const ChatRequest& request) const {
  const text::ChatOptions chat = ChatOptionsOf(model, request);
  engine::Request turn;
  turn.priority = request.caller.priority;
  turn.options = MakeGenerationOptions(request.sampling, model.model->config());
  CRIA_ASSIGN_OR_RETURN(turn.options.grammar, MakeGrammar(request.format));
  CRIA_ASSIGN_OR_RETURN(text::EncodedChat encoded, Encode(model, request, chat));
  turn.prompt = std::move(encoded.ids);
  CRIA_ASSIGN_OR_RETURN(const text::ChatFormat* format, model.model->chat_format());
  CRIA_RETURN_IF_ERROR(SetToolOptions(*format, chat, *model.model->tokenizer(), &turn.options));
  auto parser = MakeToolCallParser(chat, turn.options);
  const size_t max_calls =
      request.parallel_tool_calls ? std::numeric_limits<size_t>::max() : size_t{1};
  return Submit(engine_, model, std::move(turn), std::move(parser), max_calls);
}

absl::StatusOr<std::unique_ptr<Stream>> ChatService::Complete(
    const ServedModel& model, const CompletionRequest& request) const {
  engine::Request turn;
  turn.priority = request.caller.priority;
  turn.options = MakeGenerationOptions(request.sampling, model.model->config());
  CRIA_ASSIGN_OR_RETURN(turn.options.grammar, MakeGrammar(request.format));
  CRIA_ASSIGN_OR_RETURN(turn.prompt, PromptIds(model, request));
  return Submit(engine_, model, std::move(turn), nullptr, 0);
}

absl::StatusOr<int64_t> ChatService::CountTokens(const ServedModel& model,
                                                 const ChatRequest& request) const {
  CRIA_ASSIGN_OR_RETURN(const text::EncodedChat encoded,
                        Encode(model, request, ChatOptionsOf(model, request)));
  return static_cast<int64_t>(encoded.ids.size());
}

}  // namespace cria::chat
