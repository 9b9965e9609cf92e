// Answers in OpenAI's shapes: whole, and piece by piece.
#ifndef CRIA_SERVER_OPENAI_WRITER_H_
#define CRIA_SERVER_OPENAI_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "chat/stream.h"

namespace cria::server {

// One choice, gathered from its events.
struct GatheredAnswer {
  std::string text;
  std::vector<chat::TokenLogprobs> logprobs;
  chat::Outcome outcome;

  void Add(const chat::Event& event);
};

// What all chunks of an answer have in common.
struct AnswerHead {
  std::string id;
  std::string model;  // as the client named it
  int64_t created = 0;
  bool logprobs = false;  // asked for
};

// "stop", "length" or "tool_calls".
std::string_view FinishReason(const chat::Outcome& outcome);

base::json::object UsageJson(const chat::Usage& usage);
// The prompt once, the answers of all choices.
chat::Usage TotalUsage(const std::vector<chat::Usage>& choices);

base::json::object ChatCompletion(const AnswerHead& head,
                                  const std::vector<GatheredAnswer>& choices);

// Chunks of a stream: the first of a choice, one with an event's news, the last of a choice, and
// the one with the usage, which has no choices.
base::json::object FirstChatChunk(const AnswerHead& head, size_t choice);
base::json::object ChatChunk(const AnswerHead& head, size_t choice, const chat::Event& event);
base::json::object LastChatChunk(const AnswerHead& head, size_t choice,
                                 const chat::Outcome& outcome);
base::json::object UsageChunk(const AnswerHead& head, std::string_view object,
                              const chat::Usage& usage);

// Completions. `echo`: the prompt, to be put before the text; empty for none.
base::json::object CompletionChoice(size_t index, const GatheredAnswer& answer,
                                    const std::string& echo, bool logprobs);
base::json::object Completion(const AnswerHead& head, base::json::array choices,
                              const chat::Usage& usage);
base::json::object CompletionChunk(const AnswerHead& head, size_t choice, const std::string& text,
                                   const std::vector<chat::TokenLogprobs>& logprobs,
                                   size_t* text_offset);
base::json::object LastCompletionChunk(const AnswerHead& head, size_t choice,
                                       const chat::Outcome& outcome);

}  // namespace cria::server

#endif  // CRIA_SERVER_OPENAI_WRITER_H_
