// An answer of our own engine as a chat::Stream.
#ifndef CRIA_CHAT_ENGINE_STREAM_H_
#define CRIA_CHAT_ENGINE_STREAM_H_

#include <memory>
#include <string>
#include <vector>

#include "chat/stream.h"
#include "engine/generation.h"
#include "engine/loaded_model.h"
#include "text/tool_parser.h"

namespace cria::chat {

class EngineStream : public Stream {
 public:
  // `parser`: takes the calls out of the text; may be null. `max_calls`: calls beyond are dropped.
  EngineStream(std::shared_ptr<engine::Generation> generation,
               std::shared_ptr<const engine::LoadedModel> model,
               std::unique_ptr<text::ToolCallParser> parser, size_t max_calls);
  ~EngineStream() override;

  bool Take(std::vector<Event>* events) override;
  const Outcome& outcome() const override { return outcome_; }
  void Notify(std::function<void()> wake) override { generation_->Notify(std::move(wake)); }
  void Cancel() override { generation_->Cancel(); }

 private:
  Event Translate(engine::TokenEvent event);
  TokenLogprobs Logprobs(const engine::SampledToken& token) const;
  void End(std::vector<Event>* events);

  const std::shared_ptr<engine::Generation> generation_;
  const std::shared_ptr<const engine::LoadedModel> model_;
  const std::unique_ptr<text::ToolCallParser> parser_;
  const size_t max_calls_;
  bool ended_ = false;
  Outcome outcome_;
};

}  // namespace cria::chat

#endif  // CRIA_CHAT_ENGINE_STREAM_H_
