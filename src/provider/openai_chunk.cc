#include "provider/openai_chunk.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "base/quote.h"
#include "provider/openai_logprobs.h"

namespace cria::provider {
namespace {

namespace json = base::json;

constexpr size_t kMaxDepth = 32;
constexpr size_t kMaxCalls = 256;

std::string_view View(const json::string& text) { return {text.data(), text.size()}; }

// The member if it is a string, else empty.
std::string_view StringIn(const json::object& object, std::string_view key) {
  const json::value* value = base::Find(object, key);
  return value != nullptr && value->is_string() ? View(value->get_string()) : std::string_view();
}

std::optional<int64_t> IntIn(const json::object& object, std::string_view key) {
  const json::value* value = base::Find(object, key);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  return value->get_int64();
}

// A string, or parts of which the text ones count.
void AppendContent(const json::value* content, std::string* text) {
  if (content == nullptr) return;
  if (const json::string* string = content->if_string()) text->append(View(*string));
  if (const json::array* parts = content->if_array()) {
    for (const json::value& part : *parts)
      if (part.is_object()) text->append(StringIn(part.get_object(), "text"));
  }
}

std::string NewCallId() {
  std::random_device random;
  const auto word = [&] { return absl::StrCat(absl::Hex(random(), absl::kZeroPad8)); };
  return absl::StrCat("call_", word(), word(), word());
}

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

OpenAiChunkReader::OpenAiChunkReader(OpenAiAnswerKind kind, const RemoteName& name)
    : kind_(kind), name_(name), parser_({}, [] {
        json::parse_options options;
        options.max_depth = kMaxDepth;
        return options;
      }()) {}

absl::Status OpenAiChunkReader::Unexpected(std::string_view what) const {
  return absl::UnavailableError(
      absl::StrCat(name_.provider, ": a chunk of the answer ", std::string(what)));
}

absl::Status OpenAiChunkReader::Read(std::string_view data, std::vector<chat::Event>* events) {
  if (data == "[DONE]") {
    done_ = true;
    return absl::OkStatus();
  }
  json::monotonic_resource resource(scratch_.data(), scratch_.size());
  // What is left in the parser goes before the memory that it lies in.
  const auto emptied = absl::MakeCleanup([this] { parser_.reset(); });
  try {
    parser_.reset(&resource);
    boost::system::error_code error;
    parser_.write(data.data(), data.size(), error);
    if (error)
      return Unexpected(
          absl::StrCat("is no valid JSON (", error.message(), "): ", base::Quote(data)));
    const json::value chunk = parser_.release();
    if (!chunk.is_object())
      return Unexpected(absl::StrCat("is no JSON object: ", base::Quote(data)));
    return ReadChunk(chunk.get_object(), events);
  } catch (const std::exception& failure) {  // out of memory
    return absl::ResourceExhaustedError(
        absl::StrCat(name_.provider, ": cannot hold a chunk of the answer: ", failure.what()));
  }
}

absl::Status OpenAiChunkReader::ReadChunk(const json::object& chunk,
                                          std::vector<chat::Event>* events) {
  if (base::Find(chunk, "error") != nullptr || StringIn(chunk, "object") == "error")
    return RemoteErrorInStream(name_, chunk);
  if (const json::object* usage = base::FindObject(chunk, "usage")) ReadUsage(*usage);
  const json::array* choices = base::FindArray(chunk, "choices");
  if (choices == nullptr) return absl::OkStatus();
  for (const json::value& choice : *choices) {
    const json::object* object = choice.if_object();
    if (object == nullptr) return Unexpected("has a choice that is no object");
    if (IntIn(*object, "index").value_or(0) != 0) continue;
    CRIA_RETURN_IF_ERROR(ReadChoice(*object, events));
  }
  return absl::OkStatus();
}

absl::Status OpenAiChunkReader::ReadChoice(const json::object& choice,
                                           std::vector<chat::Event>* events) {
  chat::Event event;
  if (kind_ == OpenAiAnswerKind::kCompletion) {
    event.text = StringIn(choice, "text");
  } else {
    const json::object* delta = base::FindObject(choice, "delta");
    if (delta == nullptr) delta = base::FindObject(choice, "message");
    if (delta != nullptr) CRIA_RETURN_IF_ERROR(ReadDelta(*delta, &event));
  }
  if (const json::object* logprobs = base::FindObject(choice, "logprobs"))
    ReadLogprobs(*logprobs, &event.logprobs);
  if (const std::string_view reason = StringIn(choice, "finish_reason"); !reason.empty()) {
    finish_reason_ = reason;
    stop_string_ = StringIn(choice, "stop_reason");  // vLLM: the stop string that was met
  }
  if (!event.text.empty() || !event.calls.empty() || !event.logprobs.empty())
    events->push_back(std::move(event));
  return absl::OkStatus();
}

absl::Status OpenAiChunkReader::ReadDelta(const json::object& delta, chat::Event* event) {
  AppendContent(base::Find(delta, "content"), &event->text);
  AppendContent(base::Find(delta, "refusal"), &event->text);
  const json::array* calls = base::FindArray(delta, "tool_calls");
  if (calls == nullptr || calls->empty()) return absl::OkStatus();
  CRIA_RETURN_IF_ERROR(ReadCalls(*calls));
  SendCalls(event);
  return absl::OkStatus();
}

absl::Status OpenAiChunkReader::ReadCalls(const json::array& deltas) {
  for (const json::value& value : deltas) {
    const json::object* delta = value.if_object();
    if (delta == nullptr) return Unexpected("has a tool call that is no object");
    CRIA_RETURN_IF_ERROR(ReadCall(*delta));
  }
  return absl::OkStatus();
}

absl::Status OpenAiChunkReader::ReadCall(const json::object& delta) {
  const json::object* function = base::FindObject(delta, "function");
  const std::string_view id = StringIn(delta, "id");
  const std::string_view name = function == nullptr ? "" : StringIn(*function, "name");
  const std::optional<int64_t> index = IntIn(delta, "index");
  Call* call = FindCall(index, id, !name.empty());
  if (call == nullptr) {
    if (calls_.size() == kMaxCalls)
      return Unexpected(absl::StrCat("makes more than ", kMaxCalls, " tool calls"));
    call = &calls_.emplace_back();
    call->their_index = index.value_or(-1);
  }
  if (call->id.empty()) call->id = id;
  if (call->name.empty()) call->name = name;
  if (function == nullptr) return absl::OkStatus();
  if (const json::value* arguments = base::Find(*function, "arguments")) {
    if (const json::string* text = arguments->if_string()) {
      call->arguments.append(View(*text));
    } else {  // some servers give the object itself
      call->arguments.append(json::serialize(*arguments));
    }
  }
  return absl::OkStatus();
}

// The call that a delta belongs to: by its index, and where that is absent or the same for all (as
// of some servers), by its id. nullptr: a new one.
OpenAiChunkReader::Call* OpenAiChunkReader::FindCall(std::optional<int64_t> index,
                                                     std::string_view id, bool has_name) {
  for (size_t i = calls_.size(); i-- > 0;) {
    Call& call = calls_[i];
    const bool other_id = !id.empty() && !call.id.empty() && call.id != id;
    if (index) {
      if (call.their_index == *index) return other_id ? nullptr : &call;
    } else if (!id.empty()) {
      if (call.id == id) return &call;
    } else {
      return has_name ? nullptr : &call;
    }
  }
  return nullptr;
}

void OpenAiChunkReader::SendCalls(chat::Event* event) {
  for (size_t i = 0; i < calls_.size(); ++i) {
    Call& call = calls_[i];
    if (!call.begun && call.name.empty()) return;  // the ones behind it wait too
    if (call.begun && call.sent == call.arguments.size()) continue;
    chat::ToolCallDelta delta;
    delta.index = static_cast<int>(i);
    if (!call.begun) {
      if (call.id.empty()) call.id = NewCallId();
      delta.id = call.id;
      delta.name = call.name;
    }
    delta.arguments = call.arguments.substr(call.sent);
    call.begun = true;
    call.sent = call.arguments.size();
    event->calls.push_back(std::move(delta));
  }
}

void OpenAiChunkReader::ReadUsage(const json::object& usage) {
  const auto count = [](const json::object& object, std::string_view key, int64_t* to) {
    if (const auto value = IntIn(object, key)) *to = std::max<int64_t>(*value, 0);
  };
  count(usage, "prompt_tokens", &usage_.prompt_tokens);
  count(usage, "completion_tokens", &usage_.completion_tokens);
  if (const json::object* details = base::FindObject(usage, "prompt_tokens_details"))
    count(*details, "cached_tokens", &usage_.cached_tokens);
}

absl::Status OpenAiChunkReader::StopFor(chat::Outcome* outcome) const {
  const std::string& reason = finish_reason_;
  outcome->stop_string = stop_string_;
  if (IsOneOf(reason, {"length", "max_tokens"})) {
    outcome->stop_reason = text::StopReason::kMaxTokens;
  } else if (!stop_string_.empty() || reason == "stop_sequence") {
    outcome->stop_reason = text::StopReason::kStopString;
  } else {
    outcome->stop_reason = kind_ == OpenAiAnswerKind::kChat ? text::StopReason::kEndOfTurn
                                                            : text::StopReason::kEndOfText;
  }
  if (reason == "content_filter")
    return absl::PermissionDeniedError(
        absl::StrCat(name_.provider, ": its content filter ended the answer"));
  if (IsOneOf(reason, {"error", "abort"}))
    return absl::UnavailableError(
        absl::StrCat(name_.provider, " broke off its answer (finish_reason '", reason, "')"));
  return absl::OkStatus();
}

// Whole calls go to `outcome`. One that isn't is an error, unless the answer was cut.
absl::Status OpenAiChunkReader::CloseCalls(std::vector<chat::Event>* events,
                                           chat::Outcome* outcome) {
  chat::Event event;
  absl::Status status;
  for (Call& call : calls_) {
    const bool cut = !complete() || outcome->stop_reason == text::StopReason::kMaxTokens;
    if (call.arguments.empty() && !cut) call.arguments = "{}";
    absl::StatusOr<json::value> arguments = base::ParseJson(call.arguments, "arguments");
    if (!call.name.empty() && arguments.ok() && arguments->is_object()) {
      if (call.id.empty()) call.id = NewCallId();
      outcome->calls.push_back({call.id, call.name, std::move(arguments->get_object())});
    } else if (!cut) {
      status.Update(absl::UnavailableError(
          absl::StrCat(name_.provider, ": the answer calls ", base::Quote(call.name),
                       " with what is no JSON object: ", base::Quote(call.arguments))));
    }
  }
  SendCalls(&event);
  if (!event.calls.empty()) events->push_back(std::move(event));
  return status;
}

chat::Outcome OpenAiChunkReader::Finish(const absl::Status& status,
                                        std::vector<chat::Event>* events) {
  chat::Outcome outcome;
  outcome.usage = usage_;
  outcome.status = status;
  if (complete()) outcome.status.Update(StopFor(&outcome));
  outcome.status.Update(CloseCalls(events, &outcome));
  if (!complete())
    outcome.status.Update(absl::UnavailableError(
        absl::StrCat(name_.provider, ": the answer ended without a finish_reason: it is cut")));
  return outcome;
}

}  // namespace cria::provider
