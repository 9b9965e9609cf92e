// Answers in OpenAI's JSON, piece by piece, as chat::Event.
#ifndef CRIA_PROVIDER_OPENAI_CHUNK_H_
#define CRIA_PROVIDER_OPENAI_CHUNK_H_

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "chat/stream.h"
#include "provider/openai_error.h"

namespace cria::provider {

enum class OpenAiAnswerKind : uint8_t { kChat, kCompletion };

// Reads the chunks of one answer; a whole answer (`message` instead of `delta`) counts as one. One
// thread at a time. Of several choices only the first is read. Reasoning that a server sends apart
// from the text (`reasoning_content`) is not part of the answer.
class OpenAiChunkReader {
 public:
  // `name` outlives the reader.
  OpenAiChunkReader(OpenAiAnswerKind kind, const RemoteName& name);

  // The data of one event. What it brings is appended to `events`. Errors: one that the server
  // reports, or kUnavailable for what is no chunk.
  absl::Status Read(std::string_view data, std::vector<chat::Event>* events);

  bool done() const { return done_; }                        // [DONE] came
  bool complete() const { return !finish_reason_.empty(); }  // the server told how it ended

  // The end: appends what closes the answer to `events`. `status`: how the transport ended; with
  // OK, an answer that isn't complete() or whose calls are no JSON objects is kUnavailable.
  chat::Outcome Finish(const absl::Status& status, std::vector<chat::Event>* events);

 private:
  struct Call {
    int64_t their_index = -1;
    std::string id, name, arguments;
    size_t sent = 0;     // of the arguments, to the events
    bool begun = false;  // its id and name were sent
  };

  absl::Status ReadChunk(const base::json::object& chunk, std::vector<chat::Event>* events);
  absl::Status ReadChoice(const base::json::object& choice, std::vector<chat::Event>* events);
  absl::Status ReadDelta(const base::json::object& delta, chat::Event* event);
  absl::Status ReadCalls(const base::json::array& deltas);
  absl::Status ReadCall(const base::json::object& delta);
  void ReadUsage(const base::json::object& usage);
  Call* FindCall(std::optional<int64_t> index, std::string_view id, bool has_name);
  void SendCalls(chat::Event* event);
  absl::Status CloseCalls(std::vector<chat::Event>* events, chat::Outcome* outcome);
  absl::Status Unexpected(std::string_view what) const;
  absl::Status StopFor(chat::Outcome* outcome) const;

  const OpenAiAnswerKind kind_;
  const RemoteName& name_;
  base::json::parser parser_;
  std::array<unsigned char, 16384> scratch_;  // where the values of a chunk lie
  std::vector<Call> calls_;                   // by our index: in the order of their first deltas
  chat::Usage usage_;
  std::string finish_reason_, stop_string_;
  bool done_ = false;
};

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_OPENAI_CHUNK_H_
