#include "cli/answer.h"

#include <cstdio>
#include <optional>

#include "absl/strings/str_format.h"
#include "cli/input.h"
#include "text/message_json.h"

namespace cria::cli {
namespace {

void PutTokenFields(text::TokenId id, const text::Tokenizer* tokenizer, base::json::object* out) {
  (*out)["token_id"] = id;
  (*out)["token"] = nullptr;
  (*out)["bytes"] = nullptr;
  if (tokenizer == nullptr) return;
  const std::string bytes = tokenizer->TokenBytes(id, /*special=*/true);
  base::json::array numbers;
  for (const char byte : bytes) numbers.push_back(static_cast<uint8_t>(byte));
  (*out)["token"] = ValidUtf8(bytes);
  (*out)["bytes"] = std::move(numbers);
}

}  // namespace

absl::StatusOr<Answer> Ask(engine::Engine& engine, engine::Request request,
                           text::ToolCallParser* parser, bool stream_to_stdout) {
  CRIA_ASSIGN_OR_RETURN(const std::shared_ptr<engine::Generation> stream,
                        engine.Submit(std::move(request)));
  Answer answer;
  const auto show = [&](const std::string& text) {
    answer.text += text;
    if (!stream_to_stdout) return;
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  };
  while (std::optional<engine::TokenEvent> event = stream->Next()) {
    if (Interrupted()) stream->Cancel();
    if (event->token) answer.tokens.push_back(std::move(*event->token));
    show(parser == nullptr ? event->text : parser->Feed(event->text));
  }
  answer.result = stream->result();
  if (parser != nullptr) {
    text::ToolCallParser::Result parsed = parser->Finish();
    show(parsed.text);
    answer.calls = std::move(parsed.calls);
  }
  if (!stream_to_stdout) return answer;
  const bool line_open = !answer.text.empty() && answer.text.back() != '\n';
  if (line_open || (answer.text.empty() && answer.calls.empty())) std::fputc('\n', stdout);
  for (const base::json::value& call : text::ToolCallsToJson(answer.calls))
    std::printf("%s\n", base::json::serialize(call).c_str());
  std::fflush(stdout);  // before what stderr says next
  return answer;
}

Speeds SpeedsOf(const engine::GenerationResult& result) {
  Speeds speeds;
  if (result.prefill_s > 0)
    speeds.prefill_tokens_per_s =
        static_cast<double>(result.prompt_tokens - result.reused_tokens) / result.prefill_s;
  if (result.decode_s > 0)
    speeds.decode_tokens_per_s =
        static_cast<double>(result.completion_tokens - 1) / result.decode_s;
  return speeds;
}

void PrintStats(const OpenedModel& opened, const engine::GenerationResult& result) {
  const Speeds speeds = SpeedsOf(result);
  const std::string guessed = result.guessed_tokens == 0
                                  ? ""
                                  : absl::StrFormat(" (%d of %d guesses right)",
                                                    result.guessed_right, result.guessed_tokens);
  absl::FPrintF(stderr,
                "%s: prompt %d tokens at %.0f/s, answer %d tokens at %.1f/s%s; loaded in %.2f s, "
                "first token after %.2f s, "
                "peak memory %.0f MiB, %s, %d threads\n",
                opened.name, result.prompt_tokens, speeds.prefill_tokens_per_s,
                result.completion_tokens, speeds.decode_tokens_per_s, guessed, opened.load_s,
                result.ttft_s, static_cast<double>(PeakRssBytes()) / (1 << 20),
                opened.model->model().kernels().isa, opened.engine->pool().num_threads());
}

base::json::object LogprobJson(const engine::SampledToken& token,
                               const text::Tokenizer* tokenizer) {
  base::json::object out;
  PutTokenFields(token.id, tokenizer, &out);
  out["logprob"] = base::FiniteOrNull(token.logprob.value_or(0));
  base::json::array top;
  for (const engine::TokenLogprob& alternative : token.top) {
    base::json::object entry;
    PutTokenFields(alternative.id, tokenizer, &entry);
    entry["logprob"] = base::FiniteOrNull(alternative.logprob);
    top.push_back(std::move(entry));
  }
  out["top"] = std::move(top);
  return out;
}

}  // namespace cria::cli
