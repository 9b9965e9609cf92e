#include "chat/engine_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/random_id.h"

namespace cria::chat {

EngineStream::EngineStream(std::shared_ptr<engine::Generation> generation,
                           std::shared_ptr<const engine::LoadedModel> model,
                           std::unique_ptr<text::ToolCallParser> parser, size_t max_calls)
    : generation_(std::move(generation)),
      model_(std::move(model)),
      parser_(std::move(parser)),
      max_calls_(max_calls) {}

EngineStream::~EngineStream() { generation_->Cancel(); }

bool EngineStream::Take(std::vector<Event>* events) {
  bool ended = ended_;
  while (!ended_) {
    std::optional<engine::TokenEvent> event = generation_->TryNext(&ended);
    if (ended) {
      End(events);
      break;
    }
    if (!event) return true;
    Event translated = Translate(*std::move(event));
    if (!translated.text.empty() || !translated.logprobs.empty())
      events->push_back(std::move(translated));
  }
  return false;
}

Event EngineStream::Translate(engine::TokenEvent event) {
  Event out;
  out.text = parser_ == nullptr ? std::move(event.text) : parser_->Feed(event.text);
  if (event.token && event.token->logprob) out.logprobs.push_back(Logprobs(*event.token));
  return out;
}

TokenLogprobs EngineStream::Logprobs(const engine::SampledToken& token) const {
  const auto describe = [&](text::TokenId id, double logprob) {
    return TokenProbability{id, model_->tokenizer()->TokenBytes(id, /*special=*/true), logprob};
  };
  TokenLogprobs out;
  out.chosen = describe(token.id, *token.logprob);
  for (const engine::TokenLogprob& other : token.top)
    out.top.push_back(describe(other.id, other.logprob));
  return out;
}

void EngineStream::End(std::vector<Event>* events) {
  ended_ = true;
  const engine::GenerationResult& result = generation_->result();
  outcome_.status = result.status;
  outcome_.stop_reason = result.stop_reason;
  outcome_.stop_string = result.stop_string;
  outcome_.usage = {result.prompt_tokens, result.completion_tokens, result.reused_tokens};
  outcome_.queue_s = result.queue_s;
  outcome_.ttft_s = result.ttft_s;
  if (parser_ == nullptr) return;
  text::ToolCallParser::Result parsed = parser_->Finish();
  if (parsed.calls.size() > max_calls_) parsed.calls.resize(max_calls_);
  Event last;
  last.text = std::move(parsed.text);
  for (text::ToolCall& call : parsed.calls) {
    if (call.id.empty()) call.id = absl::StrCat("call_", base::RandomHex(24));
    last.calls.push_back({static_cast<int>(last.calls.size()), call.id, call.name,
                          base::json::serialize(call.arguments)});
  }
  outcome_.calls = std::move(parsed.calls);
  if (!last.text.empty() || !last.calls.empty()) events->push_back(std::move(last));
}

}  // namespace cria::chat
