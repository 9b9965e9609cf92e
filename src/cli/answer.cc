#include "cli/answer.h"

#include <chrono>
#include <cstdio>
#include <functional>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "cli/input.h"
#include "cli/interrupt.h"
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

// Passes on what comes. kCancelled on a signal, within kPoll.
absl::Status Follow(engine::Generation& stream,
                    const std::function<absl::Status(engine::TokenEvent)>& take) {
  constexpr std::chrono::milliseconds kPoll{50};
  const PolledInterrupts polled;
  while (true) {
    const bool there = !Interrupted() && stream.WaitFor(kPoll);
    if (Interrupted()) {
      stream.Cancel();
      return absl::CancelledError("interrupted");
    }
    if (!there) continue;
    std::optional<engine::TokenEvent> event = stream.Next();
    if (!event) return absl::OkStatus();
    if (absl::Status status = take(*std::move(event)); !status.ok()) {
      stream.Cancel();
      return status;
    }
  }
}

// The end of the line, and the calls.
absl::Status EndText(const Answer& answer) {
  const bool line_open = !answer.text.empty() && answer.text.back() != '\n';
  const bool nothing = answer.text.empty() && answer.calls.empty() && !answer.interrupted;
  if (line_open || nothing) std::fputc('\n', stdout);
  for (const base::json::value& call : text::ToolCallsToJson(answer.calls)) PrintJsonLine(call);
  return FlushOutput();  // before what stderr says next
}

}  // namespace

absl::StatusOr<Answer> Ask(engine::Engine& engine, engine::Request request,
                           text::ToolCallParser* parser, bool stream_to_stdout) {
  CRIA_ASSIGN_OR_RETURN(const std::shared_ptr<engine::Generation> stream,
                        engine.Submit(std::move(request)));
  Answer answer;
  const auto show = [&](const std::string& text) {
    answer.text += text;
    if (!stream_to_stdout) return absl::OkStatus();
    std::fwrite(text.data(), 1, text.size(), stdout);
    return FlushOutput();
  };
  const absl::Status followed = Follow(*stream, [&](engine::TokenEvent event) {
    if (event.token) answer.tokens.push_back(std::move(*event.token));
    return show(parser == nullptr ? event.text : parser->Feed(event.text));
  });
  answer.interrupted = absl::IsCancelled(followed);
  if (!followed.ok() && !answer.interrupted) return followed;
  if (answer.interrupted) {
    answer.result.status = followed;
  } else {
    answer.result = stream->result();
    if (parser != nullptr) {
      text::ToolCallParser::Result parsed = parser->Finish();
      CRIA_RETURN_IF_ERROR(show(parsed.text));
      answer.calls = std::move(parsed.calls);
    }
  }
  if (!stream_to_stdout) return answer;
  CRIA_RETURN_IF_ERROR(EndText(answer));
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

absl::Status AdviseOnContext(const absl::Status& status, const OpenedModel& opened, int64_t context,
                             const std::string& remedy) {
  if (!absl::IsResourceExhausted(status)) return status;
  const int64_t most = opened.model->config().max_context;
  const bool can_grow = context > 0 && context < most;
  const std::string advice =
      absl::StrCat(can_grow ? "raise --context, or " : "the model takes no more: ", remedy);
  return absl::ResourceExhaustedError(absl::StrReplaceAll(
      status.message(),
      {{"shorten the prompt or raise --context", advice}, {"raise --context", advice}}));
}

void NoteFullContext(const OpenedModel& opened, const engine::GenerationOptions& options,
                     const engine::GenerationResult& result, const CliContext& context) {
  const bool cut = result.status.ok() && result.stop_reason == text::StopReason::kMaxTokens;
  if (!cut || options.max_tokens || context.quiet) return;
  const int64_t most = opened.model->config().max_context;
  const int64_t holds = context.context > 0 ? context.context : most;
  absl::FPrintF(stderr, "llama: note: the answer is cut: the context of %d tokens is full%s\n",
                holds, holds < most ? "; raise --context" : ", and the model takes no more");
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
