// One turn with a model of the engine: a conversation becomes tokens, the tokens of the answer
// become text, tool calls and log-probabilities. It knows no HTTP and no JSON.
#ifndef CRIA_CHAT_CHAT_SERVICE_H_
#define CRIA_CHAT_CHAT_SERVICE_H_

#include <memory>
#include <string>

#include "base/status.h"
#include "chat/request.h"
#include "chat/stream.h"
#include "engine/engine.h"
#include "text/message.h"

namespace cria::chat {

// A model that the engine has loaded.
struct ServedModel {
  std::string engine_id;
  std::shared_ptr<const engine::LoadedModel> model;
  text::ToolFormat tool_format = text::ToolFormat::kJson;  // where a request names none
  int64_t context = 0;          // the most tokens of prompt and answer; 0: what the model takes
  std::string draft_engine_id;  // a smaller model that guesses ahead; empty: none
};

// Any thread may call; nothing here waits for the model's answer. The engine must outlive the
// service and its streams. `model` of the requests is not read: the caller has found it.
class ChatService {
 public:
  explicit ChatService(engine::Engine& engine) : engine_(engine) {}

  // kInvalidArgument: the model can't be asked that, or the prompt is longer than its context.
  // kUnimplemented: pictures, an unknown chat template. kResourceExhausted: the queue is full.
  // max_tokens beyond the context ends an answer where the context ends, as kMaxTokens.
  absl::StatusOr<std::unique_ptr<Stream>> Chat(const ServedModel& model,
                                               const ChatRequest& request) const;
  absl::StatusOr<std::unique_ptr<Stream>> Complete(const ServedModel& model,
                                                   const CompletionRequest& request) const;
  // Tokens of the prompt, the header of the answer included.
  absl::StatusOr<int64_t> CountTokens(const ServedModel& model, const ChatRequest& request) const;

 private:
  engine::Engine& engine_;
};

}  // namespace cria::chat

#endif  // CRIA_CHAT_CHAT_SERVICE_H_
