// Answers in the shapes of Anthropic's Messages API: whole, and as events.
#ifndef CRIA_SERVER_ANTHROPIC_WRITER_H_
#define CRIA_SERVER_ANTHROPIC_WRITER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "chat/stream.h"
#include "server/openai_writer.h"

namespace cria::server {

struct MessageHead {
  std::string id;     // "msg_..."
  std::string model;  // as the client named it
};

// "end_turn", "max_tokens", "stop_sequence" or "tool_use".
std::string_view AnthropicStopReason(const chat::Outcome& outcome);

// Tokens of the prompt that were already there count as `cache_read_input_tokens` and not as
// `input_tokens`, as Anthropic has it: the prompt is their sum.
base::json::object AnthropicUsage(const chat::Usage& usage);

base::json::object AnthropicMessage(const MessageHead& head, const GatheredAnswer& answer);

// The same as frames of an event stream, in the order of the functions. One block is open at a
// time: text, or a tool's call.
class MessageFrames {
 public:
  explicit MessageFrames(MessageHead head) : head_(std::move(head)) {}

  // `prompt_tokens`: 0 where it isn't known yet; the last frame tells it in any case.
  std::string Start(int64_t prompt_tokens) const;
  std::string Add(const chat::Event& event);
  std::string End(const chat::Outcome& outcome);

 private:
  std::string OpenBlock(base::json::object block);
  std::string CloseBlock();
  std::string Delta(base::json::object delta) const;
  std::string AddCall(const chat::ToolCallDelta& call);

  const MessageHead head_;
  int blocks_ = 0;  // begun; the last of them is the open one, if any is
  bool open_ = false;
  std::optional<int> call_;  // the call whose block is open
};

}  // namespace cria::server

#endif  // CRIA_SERVER_ANTHROPIC_WRITER_H_
