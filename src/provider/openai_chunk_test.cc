#include "provider/openai_chunk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace cria::provider {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

const RemoteName kName{"provider 'p' (remote::vllm at http://h:1)", "", ""};

// Everything that a sequence of chunks becomes.
struct Answer {
  absl::Status status;  // the first that a chunk gave
  std::vector<chat::Event> events;
  chat::Outcome outcome;
  std::string text;
  std::map<int, std::string> ids, names, arguments;  // of the deltas, by index
  std::vector<int> order;                            // indices of the deltas
};

Answer ReadAll(const std::vector<std::string>& chunks,
               OpenAiAnswerKind kind = OpenAiAnswerKind::kChat) {
  Answer answer;
  OpenAiChunkReader reader(kind, kName);
  for (const std::string& chunk : chunks) {
    answer.status = reader.Read(chunk, &answer.events);
    if (!answer.status.ok()) break;
  }
  answer.outcome = reader.Finish(answer.status, &answer.events);
  for (const chat::Event& event : answer.events) {
    answer.text += event.text;
    for (const chat::ToolCallDelta& delta : event.calls) {
      if (!delta.id.empty()) answer.ids[delta.index] = delta.id;
      if (!delta.name.empty()) answer.names[delta.index] = delta.name;
      answer.arguments[delta.index] += delta.arguments;
      answer.order.push_back(delta.index);
    }
  }
  return answer;
}

std::string Delta(const std::string& delta, const std::string& more = "\"finish_reason\":null") {
  return R"({"id":"c","choices":[{"index":0,"delta":)" + delta + "," + more + "}]}";
}

std::string Calls(const std::string& calls) { return Delta(R"({"tool_calls":[)" + calls + "]}"); }

std::string End(const std::string& reason) {
  return Delta("{}", R"("finish_reason":")" + reason + "\"");
}

TEST(OpenAiChunk, ReadsTextReasonAndUsage) {
  const Answer answer =
      ReadAll({Delta(R"({"role":"assistant","content":""})"), Delta(R"({"content":"Hä"})"),
               Delta(R"({"content":"llo"})"), End("stop"),
               R"({"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9,
           "prompt_tokens_details":{"cached_tokens":4}}})",
               "[DONE]"});
  EXPECT_TRUE(answer.outcome.status.ok()) << answer.outcome.status;
  EXPECT_EQ(answer.text, "Hällo");
  EXPECT_THAT(answer.events, SizeIs(2));
  EXPECT_EQ(answer.outcome.stop_reason, text::StopReason::kEndOfTurn);
  EXPECT_EQ(answer.outcome.usage.prompt_tokens, 7);
  EXPECT_EQ(answer.outcome.usage.completion_tokens, 2);
  EXPECT_EQ(answer.outcome.usage.cached_tokens, 4);
}

TEST(OpenAiChunk, MapsReasons) {
  const auto reason = [](const std::string& chunk,
                         OpenAiAnswerKind kind = OpenAiAnswerKind::kChat) {
    const Answer answer = ReadAll({chunk}, kind);
    EXPECT_TRUE(answer.outcome.status.ok()) << answer.outcome.status;
    return answer.outcome.stop_reason;
  };
  EXPECT_EQ(reason(End("length")), text::StopReason::kMaxTokens);
  EXPECT_EQ(reason(End("tool_calls")), text::StopReason::kEndOfTurn);
  EXPECT_EQ(reason(End("stop"), OpenAiAnswerKind::kCompletion), text::StopReason::kEndOfText);
  const Answer stopped = ReadAll({Delta("{}", R"("finish_reason":"stop","stop_reason":"###")")});
  EXPECT_EQ(stopped.outcome.stop_reason, text::StopReason::kStopString);
  EXPECT_EQ(stopped.outcome.stop_string, "###");
  EXPECT_EQ(ReadAll({End("content_filter")}).outcome.status.code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ReadAll({End("error")}).outcome.status.code(), absl::StatusCode::kUnavailable);
}

TEST(OpenAiChunk, AnAnswerWithoutAReasonIsCut) {
  for (const auto& chunks : {std::vector<std::string>{Delta(R"({"content":"half"})")},
                             {Delta(R"({"content":"half"})"), "[DONE]"},
                             {}}) {
    const Answer answer = ReadAll(chunks);
    EXPECT_EQ(answer.outcome.status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(answer.outcome.status.message()), HasSubstr("finish_reason"));
  }
}

TEST(OpenAiChunk, JoinsInterleavedCalls) {
  const Answer answer = ReadAll(
      {Calls(R"({"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}})"),
       Calls(R"({"index":0,"function":{"arguments":"{\"x\":"}},
                {"index":1,"id":"b","function":{"name":"g","arguments":"{"}})"),
       Calls(R"({"index":1,"function":{"arguments":"\"y\":2"}})"),
       Calls(R"({"index":0,"function":{"arguments":"1}"}})"),
       Calls(R"({"index":1,"function":{"arguments":"}"}})"), End("tool_calls")});
  ASSERT_TRUE(answer.outcome.status.ok()) << answer.outcome.status;
  ASSERT_THAT(answer.outcome.calls, SizeIs(2));
  EXPECT_EQ(answer.outcome.calls[0].id, "a");
  EXPECT_EQ(answer.outcome.calls[0].name, "f");
  EXPECT_EQ(answer.outcome.calls[0].arguments.at("x").as_int64(), 1);
  EXPECT_EQ(answer.outcome.calls[1].name, "g");
  EXPECT_EQ(answer.outcome.calls[1].arguments.at("y").as_int64(), 2);
  EXPECT_EQ(answer.arguments.at(0), R"({"x":1})");
  EXPECT_EQ(answer.arguments.at(1), R"({"y":2})");
  EXPECT_THAT(answer.order, ElementsAre(0, 0, 1, 1, 0, 1));
}

TEST(OpenAiChunk, TellsCallsApartWhereServersNumberThemAllZeroOrNot) {
  for (const std::string index : {R"("index":0,)", ""}) {
    const Answer answer =
        ReadAll({Calls("{" + index + R"("id":"a","function":{"name":"f","arguments":"{}"}})"),
                 Calls("{" + index + R"("id":"b","function":{"name":"f","arguments":"{\"n\":"}})"),
                 Calls("{" + index + R"("id":"b","function":{"arguments":"2}"}})"), End("stop")});
    ASSERT_TRUE(answer.outcome.status.ok()) << answer.outcome.status;
    ASSERT_THAT(answer.outcome.calls, SizeIs(2));
    EXPECT_EQ(answer.outcome.calls[1].id, "b");
    EXPECT_EQ(answer.outcome.calls[1].arguments.at("n").as_int64(), 2);
  }
}

TEST(OpenAiChunk, GivesCallsWhatTheyLack) {
  const Answer answer =
      ReadAll({Calls(R"({"index":3,"function":{"name":"no_arguments"}})"),
               Calls(R"({"index":4,"function":{"name":"object","arguments":{"a":[1]}}})"),
               End("tool_calls")});
  ASSERT_TRUE(answer.outcome.status.ok()) << answer.outcome.status;
  ASSERT_THAT(answer.outcome.calls, SizeIs(2));
  EXPECT_THAT(answer.outcome.calls[0].id, StartsWith("call_"));
  EXPECT_EQ(answer.ids.at(0), answer.outcome.calls[0].id);
  EXPECT_NE(answer.outcome.calls[0].id, answer.outcome.calls[1].id);
  EXPECT_EQ(answer.arguments.at(0), "{}") << "joined, they must be one JSON object";
  EXPECT_EQ(answer.arguments.at(1), R"({"a":[1]})");
}

TEST(OpenAiChunk, ACallWithoutItsNameWaits) {
  const Answer answer =
      ReadAll({Calls(R"({"index":0,"id":"a","function":{"arguments":"{\"x\""}})"),
               Calls(R"({"index":1,"id":"b","function":{"name":"g","arguments":"{}"}})"),
               Calls(R"({"index":0,"function":{"name":"f","arguments":":1}"}})"), End("stop")});
  ASSERT_TRUE(answer.outcome.status.ok()) << answer.outcome.status;
  EXPECT_THAT(answer.order, ElementsAre(0, 1));
  EXPECT_EQ(answer.names.at(0), "f");
  EXPECT_EQ(answer.arguments.at(0), R"({"x":1})");
}

TEST(OpenAiChunk, MalformedArgumentsAreAnErrorUnlessTheAnswerWasCut) {
  const std::string begun =
      Calls(R"({"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}})");
  const Answer whole = ReadAll({begun, End("tool_calls")});
  EXPECT_EQ(whole.outcome.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(whole.outcome.status.message()), HasSubstr("calls 'f'"));
  const Answer cut = ReadAll({begun, End("length")});
  EXPECT_TRUE(cut.outcome.status.ok()) << cut.outcome.status;
  EXPECT_THAT(cut.outcome.calls, IsEmpty());
}

TEST(OpenAiChunk, ReadsAWholeAnswer) {
  const Answer answer = ReadAll({R"({"choices":[{"index":0,"message":{"role":"assistant",
      "content":"hi","tool_calls":[{"id":"a","type":"function",
      "function":{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}],
      "usage":{"prompt_tokens":1,"completion_tokens":1}})"});
  EXPECT_TRUE(answer.outcome.status.ok());
  EXPECT_EQ(answer.text, "hi");
  EXPECT_THAT(answer.outcome.calls, SizeIs(1));
}

TEST(OpenAiChunk, ReadsLogprobsOfChats) {
  const Answer answer = ReadAll({Delta(R"({"content":"é"})",
                                       R"("logprobs":{"content":[
               {"token":"\\xc3","bytes":[195],"logprob":-0.5,"top_logprobs":[
                 {"token":"\\xc3","bytes":[195],"logprob":-0.5},
                 {"token":"a","bytes":null,"logprob":-2}]},
               {"token":"\\xa9","bytes":[169],"logprob":-0.25,"top_logprobs":[]}]})"),
                                 End("stop")});
  ASSERT_THAT(answer.events, SizeIs(1));
  const auto& tokens = answer.events[0].logprobs;
  ASSERT_THAT(tokens, SizeIs(2));
  EXPECT_EQ(tokens[0].chosen.bytes, "\xC3");
  EXPECT_EQ(tokens[0].chosen.logprob, -0.5);
  ASSERT_THAT(tokens[0].top, SizeIs(2));
  EXPECT_EQ(tokens[0].top[1].bytes, "a");
  EXPECT_EQ(tokens[1].chosen.bytes, "\xA9");
}

TEST(OpenAiChunk, ReadsLogprobsOfCompletions) {
  const Answer answer =
      ReadAll({R"({"choices":[{"index":0,"text":" two","finish_reason":"length","logprobs":{
                 "tokens":[" two","bytes:\\xe2\\x80"],"token_logprobs":[-1.5,-3],
                 "top_logprobs":[{" one":-2," two":-1.5},null],"text_offset":[0,4]}}]})"},
              OpenAiAnswerKind::kCompletion);
  EXPECT_EQ(answer.text, " two");
  ASSERT_THAT(answer.events, SizeIs(1));
  const auto& tokens = answer.events[0].logprobs;
  ASSERT_THAT(tokens, SizeIs(2));
  EXPECT_EQ(tokens[0].chosen.bytes, " two");
  EXPECT_EQ(tokens[0].chosen.logprob, -1.5);
  ASSERT_THAT(tokens[0].top, SizeIs(2));
  EXPECT_EQ(tokens[0].top[0].bytes, " two") << "the likeliest first";
  EXPECT_EQ(tokens[1].chosen.bytes, "\xE2\x80");
}

TEST(OpenAiChunk, OtherChoicesAndReasoningAreLeftOut) {
  const Answer answer =
      ReadAll({R"({"choices":[{"index":1,"delta":{"content":"no"},"finish_reason":"stop"}]})",
               Delta(R"({"reasoning_content":"hm","content":null})"), Delta(R"({"content":"yes"})"),
               End("stop")});
  EXPECT_EQ(answer.text, "yes");
}

TEST(OpenAiChunk, ErrorsInStreamsHaveCodes) {
  const auto status = [](const std::string& chunk) {
    return ReadAll({Delta(R"({"content":"a"})"), chunk}).outcome.status;
  };
  const absl::Status invalid =
      status(R"({"error":{"message":"too long","type":"BadRequestError","code":400}})");
  EXPECT_EQ(invalid.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(invalid.message()), HasSubstr("too long"));
  EXPECT_THAT(std::string(invalid.message()), HasSubstr(kName.provider));
  EXPECT_EQ(status(R"({"error":{"message":"m","type":"rate_limit_error"}})").code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status(R"({"error":"out of memory"})").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status(R"({"object":"error","message":"m","code":404})").code(),
            absl::StatusCode::kNotFound);
}

TEST(OpenAiChunk, HostileChunksAreErrors) {
  std::string deep = R"({"choices":)";
  for (int i = 0; i < 1000; ++i) deep += "[";
  std::string many;
  for (int i = 0; i < 300; ++i)
    many += absl::StrCat(i == 0 ? "" : ",", R"({"index":)", i, R"(,"function":{"name":"f"}})");
  for (const std::string& chunk :
       {std::string("{"), std::string("[]"), std::string("{} {}"), std::string("\"\xFF\""),
        std::string(R"({"choices":[7]})"), Calls("7"), deep, Calls(many)}) {
    const Answer answer = ReadAll({chunk});
    EXPECT_EQ(answer.status.code(), absl::StatusCode::kUnavailable) << chunk.substr(0, 100);
  }
  // Of other types than expected: nothing, but no harm either.
  EXPECT_TRUE(ReadAll({R"({"choices":[{"index":0,"delta":[],"logprobs":{"content":[1,{}]},
                          "finish_reason":"stop"}],"usage":{"prompt_tokens":"x"}})"})
                  .outcome.status.ok());
}

TEST(RemoteError, MapsStatusesAndFindsTheMessage) {
  const auto code = [](int status) { return RemoteError(kName, status, "").code(); };
  EXPECT_EQ(code(400), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(422), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(401), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(code(403), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(code(404), absl::StatusCode::kNotFound);
  EXPECT_EQ(code(408), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(code(504), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(code(413), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(code(429), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(code(500), absl::StatusCode::kUnavailable);
  EXPECT_EQ(code(503), absl::StatusCode::kUnavailable);
  EXPECT_EQ(code(301), absl::StatusCode::kUnavailable);
  const auto message = [](std::string_view body) {
    return std::string(RemoteError(kName, 400, body).message());
  };
  const std::string head = absl::StrCat(kName.provider, " answered 400: ");
  EXPECT_EQ(message(R"({"error":{"message":"bad\nmodel","type":"t"}})"), head + "bad model");
  EXPECT_EQ(message(R"({"error":"bad"})"), head + "bad");
  EXPECT_EQ(message(R"({"message":"bad"})"), head + "bad");
  EXPECT_EQ(message(R"({"error":{"detail":"bad"}})"), head + "bad");
  EXPECT_EQ(message(R"({"detail":[{"loc":["body"]}]})"), head + R"([{"loc":["body"]}])");
  EXPECT_EQ(message("<html>bad\xFF"), head + "<html>bad\xEF\xBF\xBD");
  EXPECT_LT(message(std::string(100000, 'x')).size(), 1000u);
}

TEST(RemoteError, KeepsSecrets) {
  const RemoteName name{"p", "check its api_key", "sk-secret"};
  const std::string message(
      RemoteError(name, 401, R"({"error":{"message":"wrong key sk-secret"}})").message());
  EXPECT_EQ(message, "p answered 401: wrong key ***; check its api_key");
  EXPECT_THAT(std::string(AnnotateRemote(name, absl::UnavailableError("x sk-secret")).message()),
              Not(HasSubstr("sk-secret")));
}

}  // namespace
}  // namespace cria::provider
