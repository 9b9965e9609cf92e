#include "provider/openai_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace cria::provider {
namespace {

namespace json = base::json;
using ::testing::HasSubstr;

const RemoteType& Type(const char* name) { return *FindRemoteType(name); }

json::value Parsed(const absl::StatusOr<std::string>& body) {
  EXPECT_TRUE(body.ok()) << body.status();
  return body.ok() ? *base::ParseJson(*body, "body") : json::value();
}

json::value Json(const char* text) { return *base::ParseJson(text, "expected"); }

text::Message User(const std::string& text) {
  text::Message message;
  message.content = {{text::ContentPart::Type::kText, text, ""}};
  return message;
}

TEST(OpenAiRequest, HasOnlyWhatWasSet) {
  chat::ChatRequest request;
  request.messages = {User("hi")};
  EXPECT_EQ(Parsed(ChatBody(Type("remote::vllm"), request, "m")), Json(R"({
    "model": "m", "messages": [{"role": "user", "content": "hi"}],
    "stream": true, "stream_options": {"include_usage": true}})"));
}

TEST(OpenAiRequest, HasAllThatWasSet) {
  chat::ChatRequest request;
  request.messages = {User("hi")};
  request.tools = {{"f", "does", Json(R"({"type":"object","properties":{}})").as_object()}};
  request.tool_choice = "f";
  request.parallel_tool_calls = false;
  request.format.kind = chat::AnswerFormat::Kind::kJsonSchema;
  request.format.schema = Json(R"({"type":"object"})");
  chat::SamplingParams& sampling = request.sampling;
  sampling.max_tokens = 5;
  sampling.temperature = 0;
  sampling.top_p = 0.5;
  sampling.top_k = 40;
  sampling.min_p = 0.25;
  sampling.repetition_penalty = 1.5;
  sampling.frequency_penalty = 0.5;
  sampling.presence_penalty = -0.5;
  sampling.seed = 7;
  sampling.stop = {"a", "b"};
  sampling.logit_bias = {{12, -100.0f}};
  sampling.logprobs = 3;
  const json::value body = Parsed(ChatBody(Type("remote::vllm"), request, "m", 100));
  EXPECT_EQ(body, Json(R"({
    "model": "m", "messages": [{"role": "user", "content": "hi"}],
    "tools": [{"type": "function", "function": {"name": "f", "description": "does",
               "parameters": {"type": "object", "properties": {}}}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}}, "parallel_tool_calls": false,
    "response_format": {"type": "json_schema",
                        "json_schema": {"name": "answer", "schema": {"type": "object"}}},
    "max_tokens": 5, "temperature": 0.0, "top_p": 0.5, "top_k": 40, "min_p": 0.25,
    "repetition_penalty": 1.5, "frequency_penalty": 0.5, "presence_penalty": -0.5, "seed": 7,
    "stop": ["a", "b"], "logit_bias": {"12": -100.0}, "logprobs": true, "top_logprobs": 3,
    "stream": true, "stream_options": {"include_usage": true}})"));
  const json::value llama_cpp = Parsed(ChatBody(Type("remote::llama-cpp-server"), request, "m"));
  EXPECT_TRUE(llama_cpp.as_object().contains("repeat_penalty"));
}

TEST(OpenAiRequest, RefusesByNameWhatAServerDoesNotHave) {
  chat::ChatRequest request;
  request.sampling.top_k = 40;
  const absl::Status status = ChatBody(Type("remote::openai"), request, "m").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("remote::openai has no top_k"));
  request.sampling.top_k = 0;  // changes nothing, so it needs no refusal
  request.sampling.repetition_penalty = 1;
  request.sampling.max_tokens = 3;
  const json::value body = Parsed(ChatBody(Type("remote::openai"), request, "m"));
  EXPECT_EQ(body.at("max_completion_tokens").as_int64(), 3);
  EXPECT_FALSE(body.as_object().contains("top_k"));
  request.format.kind = chat::AnswerFormat::Kind::kGrammar;
  request.format.grammar = "root ::= \"a\"";
  EXPECT_EQ(ChatBody(Type("remote::openai"), request, "m").status().code(),
            absl::StatusCode::kUnimplemented);
  EXPECT_EQ(Parsed(ChatBody(Type("remote::vllm"), request, "m")).at("guided_grammar").as_string(),
            "root ::= \"a\"");
  request.sampling.temperature = std::numeric_limits<double>::infinity();
  EXPECT_EQ(ChatBody(Type("remote::vllm"), request, "m").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(OpenAiRequest, MessagesOfAllKinds) {
  chat::ChatRequest request;
  text::Message system;
  system.role = text::Role::kSystem;
  system.content = {{text::ContentPart::Type::kText, "be brief", ""}};
  text::Message image = User("what?");
  image.content.push_back({text::ContentPart::Type::kImage, "", "data:image/png;base64,AA=="});
  image.context = "found";
  text::Message calling;
  calling.role = text::Role::kAssistant;
  calling.tool_calls = {{"", "f", {{"x", 1}}}, {"given", "g", {}}};
  text::Message first;
  first.role = text::Role::kTool;
  first.tool_name = "f";
  first.content = {{text::ContentPart::Type::kText, "1", ""}};
  text::Message second = first;
  second.tool_call_id = "given";
  text::Message with_context = User("q");
  with_context.context = "c";
  request.messages = {system, image, calling, first, second, with_context};
  EXPECT_EQ(Parsed(ChatBody(Type("remote::vllm"), request, "m")).at("messages"), Json(R"([
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": [{"type": "text", "text": "what?"},
      {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
      {"type": "text", "text": "\n\nfound"}]},
    {"role": "assistant", "content": null, "tool_calls": [
      {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}},
      {"id": "given", "type": "function", "function": {"name": "g", "arguments": "{}"}}]},
    {"role": "tool", "content": "1", "tool_call_id": "call_1"},
    {"role": "tool", "content": "1", "tool_call_id": "given"},
    {"role": "user", "content": "q\n\nc"}])"));
}

TEST(OpenAiRequest, LocalImagesAreNotForRemotes) {
  chat::ChatRequest request;
  request.messages = {User("what?")};
  request.messages[0].content.push_back({text::ContentPart::Type::kImage, "", "/etc/passwd"});
  const absl::Status status = ChatBody(Type("remote::vllm"), request, "m").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("messages[0]"));
}

TEST(OpenAiRequest, Completions) {
  chat::CompletionRequest request;
  request.prompt = "Once";
  request.sampling.logprobs = 0;
  EXPECT_EQ(Parsed(CompletionBody(Type("remote::openai"), request, "m", 9)), Json(R"({
    "model": "m", "prompt": "Once", "max_tokens": 9, "logprobs": 0, "stream": true,
    "stream_options": {"include_usage": true}})"));
  request.prompt = std::vector<text::TokenId>{1, 2};
  const json::value stack = Parsed(CompletionBody(Type("remote::passthrough"), request, "m"));
  EXPECT_EQ(stack.at("prompt"), Json("[1, 2]"));
  EXPECT_EQ(stack.at("logprobs"), Json("true")) << "as Llama Stack's API has it";
  request.format.kind = chat::AnswerFormat::Kind::kJsonObject;
  EXPECT_EQ(CompletionBody(Type("remote::ollama"), request, "m").status().code(),
            absl::StatusCode::kUnimplemented);
}

TEST(OpenAiRequest, Embeddings) {
  chat::EmbeddingRequest request;
  request.inputs = {"a", "b"};
  EXPECT_EQ(Parsed(EmbeddingBody(Type("remote::openai"), request, "m")), Json(R"({
    "model": "m", "input": ["a", "b"], "encoding_format": "float"})"));
  request.inputs = {std::vector<text::TokenId>{3}};
  EXPECT_EQ(Parsed(EmbeddingBody(Type("remote::openai"), request, "m")).at("input"), Json("[[3]]"));
  request.inputs.push_back("mixed");
  EXPECT_EQ(EmbeddingBody(Type("remote::openai"), request, "m").status().code(),
            absl::StatusCode::kInvalidArgument);
  request.truncation = chat::EmbeddingRequest::Truncation::kEnd;
  EXPECT_EQ(EmbeddingBody(Type("remote::openai"), request, "m").status().code(),
            absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace cria::provider
