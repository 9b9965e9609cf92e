// Any bytes as the event stream of a remote provider: the same events and the same answer however
// the stream is cut, within the limits, and only whole calls in the outcome.
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "provider/openai_chunk.h"
#include "provider/sse_reader.h"

namespace {

using cria::provider::OpenAiAnswerKind;
using cria::provider::OpenAiChunkReader;
using cria::provider::SseEvent;
using cria::provider::SseReader;

constexpr size_t kMaxEventBytes = 4096;

struct Result {
  std::vector<std::pair<std::string, std::string>> sse;
  std::string text, calls;
  absl::StatusCode code = absl::StatusCode::kOk;
  cria::chat::Outcome outcome;
};

Result ReadInPieces(std::string_view bytes, size_t piece, OpenAiAnswerKind kind) {
  const cria::provider::RemoteName name{"p", "", ""};
  SseReader sse(kMaxEventBytes);
  OpenAiChunkReader chunks(kind, name);
  Result result;
  std::vector<cria::chat::Event> events;
  absl::Status status;
  while (!bytes.empty() && status.ok()) {
    const absl::Status fed = sse.Feed(bytes.substr(0, piece), [&](const SseEvent& event) {
      CRIA_CHECK(event.data.size() <= kMaxEventBytes);
      CRIA_CHECK(event.data.find('\r') == std::string_view::npos);
      result.sse.emplace_back(event.type, event.data);
      status = chunks.Read(event.data, &events);
      return status.ok();
    });
    status.Update(fed);
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  result.code = status.code();
  result.outcome = chunks.Finish(status, &events);
  for (const cria::chat::Event& event : events) {
    result.text += event.text;
    for (const cria::chat::ToolCallDelta& delta : event.calls)
      result.calls += delta.name + ":" + delta.arguments + ";";
  }
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const OpenAiAnswerKind kind =
      data[0] % 2 == 0 ? OpenAiAnswerKind::kChat : OpenAiAnswerKind::kCompletion;
  const size_t piece = 1 + data[0] / 2;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Result whole = ReadInPieces(stream, size, kind);
  const Result cut = ReadInPieces(stream, piece, kind);
  CRIA_CHECK(whole.sse == cut.sse);
  CRIA_CHECK(whole.text == cut.text && whole.calls == cut.calls);
  CRIA_CHECK(whole.code == cut.code);
  CRIA_CHECK(whole.outcome.status.code() == cut.outcome.status.code());
  for (const cria::text::ToolCall& call : whole.outcome.calls)
    CRIA_CHECK(!call.id.empty() && !call.name.empty());
  return 0;
}
