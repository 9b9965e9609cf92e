#include "provider/openai_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "provider/http_testing.h"
#include "provider/remote_inference.h"

namespace cria::provider {
namespace {

namespace json = base::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

std::string Text(const std::string& text) {
  return R"(data: {"choices":[{"index":0,"delta":{"content":")" + text + "\"}}]}\n\n";
}
const char* const kEnd =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const char* const kUsage =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n";
const char* const kDone = "data: [DONE]\n\n";

void StreamHello(TestConnection& connection) {
  connection.StartStream();
  for (const std::string& event :
       {Text("Hel"), Text("lo"), std::string(kEnd), std::string(kUsage), std::string(kDone)})
    connection.Chunk(event);
  connection.EndStream();
}

// A pool, a server and a provider of it.
class Remote {
 public:
  explicit Remote(TestServer::Handler handler, const std::string& type = "remote::vllm",
                  json::object config = {}, RemoteOptions options = {})
      : server(std::move(handler)), pool(*HttpPool::Create()) {
    config["base_url"] = server.url();
    absl::StatusOr<std::unique_ptr<Inference>> made =
        MakeRemoteInference(type, "mine", config, *pool, std::move(options));
    EXPECT_TRUE(made.ok()) << made.status();
    inference = *std::move(made);
  }

  chat::WholeAnswer Chat(chat::ChatRequest request = {}) {
    request.model = request.model.empty() ? "m" : request.model;
    absl::StatusOr<std::unique_ptr<chat::Stream>> stream = inference->Chat(request);
    if (!stream.ok()) {
      chat::WholeAnswer answer;
      answer.outcome.status = stream.status();
      return answer;
    }
    return chat::WaitForAnswer(**stream);
  }

  TestServer server;
  std::unique_ptr<HttpPool> pool;
  std::unique_ptr<Inference> inference;
};

TEST(OpenAiClient, StreamsAChat) {
  Remote remote([](const TestRequest&, TestConnection& c) { StreamHello(c); }, "remote::vllm",
                {{"api_token", "sk-config"}});
  const chat::WholeAnswer answer = remote.Chat();
  ASSERT_TRUE(answer.outcome.status.ok()) << answer.outcome.status;
  EXPECT_EQ(answer.text, "Hello");
  EXPECT_EQ(answer.outcome.stop_reason, text::StopReason::kEndOfTurn);
  EXPECT_EQ(answer.outcome.usage.prompt_tokens, 3);
  EXPECT_GT(answer.outcome.ttft_s, 0);
  const TestRequest request = remote.server.requests().at(0);
  EXPECT_EQ(request.target, "/v1/chat/completions");
  EXPECT_EQ(request.Header("content-type"), "application/json");
  EXPECT_EQ(request.Header("authorization"), "Bearer sk-config");
}

TEST(OpenAiClient, StreamsCutAtEveryByteAreTheSame) {
  const std::string stream = Text("H\xC3\xA4l") + Text("lo") + kEnd + kUsage + kDone;
  for (size_t cut = 1; cut < stream.size(); ++cut) {
    Remote remote([&](const TestRequest&, TestConnection& c) {
      c.StartStream();
      c.Chunk(stream.substr(0, cut));
      c.Chunk(stream.substr(cut));
      c.EndStream();
    });
    const chat::WholeAnswer answer = remote.Chat();
    ASSERT_TRUE(answer.outcome.status.ok()) << cut << answer.outcome.status;
    ASSERT_EQ(answer.text, "H\xC3\xA4llo") << "cut at " << cut;
  }
}

TEST(OpenAiClient, ByteByByte) {
  const std::string stream = Text("Hel") + Text("lo") + kEnd + kUsage + kDone;
  Remote remote([&](const TestRequest&, TestConnection& c) {
    c.StartStream();
    for (const char byte : stream) c.Chunk(std::string(1, byte));
    c.EndStream();
  });
  EXPECT_EQ(remote.Chat().text, "Hello");
}

TEST(OpenAiClient, TheAnswerEndsWithDoneThoughTheConnectionStays) {
  std::promise<void> over;
  const std::shared_future<void> answered = over.get_future().share();
  Remote remote([&](const TestRequest&, TestConnection& c) {
    c.StartStream();
    c.Chunk(Text("x") + kEnd + kDone);
    answered.wait();
    c.EndStream();
  });
  EXPECT_EQ(remote.Chat().text, "x");
  over.set_value();
}

TEST(OpenAiClient, UsesConnectionsAgain) {
  Remote remote([](const TestRequest&, TestConnection& c) { StreamHello(c); });
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(remote.Chat().text, "Hello");
    while (remote.pool->stats().running > 0) std::this_thread::yield();
  }
  EXPECT_EQ(remote.server.connections(), 1);
}

TEST(OpenAiClient, ABrokenStreamIsAnErrorWithWhatCame) {
  for (const bool reset : {false, true}) {
    Remote remote([&](const TestRequest&, TestConnection& c) {
      c.StartStream();
      c.Chunk(Text("half"));
      if (reset) {
        c.Reset();
      } else {
        c.EndStream();
        c.Close();
      }
    });
    const chat::WholeAnswer answer = remote.Chat();
    EXPECT_EQ(answer.outcome.status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(answer.outcome.status.message()),
                HasSubstr("provider 'mine' (remote::vllm at http://127.0.0.1:"));
    if (!reset) {
      EXPECT_EQ(answer.text, "half");
    }
    EXPECT_THAT(remote.server.requests(), SizeIs(1)) << "a chat isn't sent twice";
  }
}

TEST(OpenAiClient, AWholeAnswerIsOne) {
  Remote remote([](const TestRequest&, TestConnection& c) {
    c.Answer(200, R"({"choices":[{"index":0,"message":{"content":"whole"},
                     "finish_reason":"length"}]})");
  });
  const chat::WholeAnswer answer = remote.Chat();
  EXPECT_TRUE(answer.outcome.status.ok()) << answer.outcome.status;
  EXPECT_EQ(answer.text, "whole");
  EXPECT_EQ(answer.outcome.stop_reason, text::StopReason::kMaxTokens);
}

TEST(OpenAiClient, ErrorsOfTheServerAreTold) {
  std::atomic<int> status{400};
  Remote remote(
      [&](const TestRequest&, TestConnection& c) {
        c.Answer(status, R"({"error":{"message":"it said sk-config"}})");
      },
      "remote::openai", {{"api_key", "sk-config"}});
  const auto told = [&](int http) {
    status = http;
    return remote.Chat().outcome.status;
  };
  const absl::Status invalid = told(400);
  EXPECT_EQ(invalid.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(invalid.message()), HasSubstr("answered 400: it said ***"));
  const absl::Status refused = told(401);
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("'openai_api_key'"));
  EXPECT_EQ(told(429).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(told(500).code(), absl::StatusCode::kUnavailable);
}

TEST(OpenAiClient, AHugeErrorIsCut) {
  Remote remote([](const TestRequest&, TestConnection& c) {
    c.Answer(400, std::string(1 << 20, 'x'));
    c.Close();
  });
  const absl::Status status = remote.Chat().outcome.status;
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_LT(status.message().size(), 1000u);
}

TEST(OpenAiClient, AWebPageIsNoAnswer) {
  Remote remote([](const TestRequest&, TestConnection& c) {
    c.Answer(200, "<html>Welcome</html>", "text/html");
  });
  const absl::Status status = remote.Chat().outcome.status;
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("check base_url"));
}

TEST(OpenAiClient, ARequestsOwnKeyIsUsed) {
  Remote remote([](const TestRequest&, TestConnection& c) { StreamHello(c); }, "remote::groq",
                {{"api_key", "sk-config"}});
  chat::ChatRequest request;
  request.caller.provider_data = {{"groq_api_key", "sk-own"}, {"openai_api_key", "sk-other"}};
  request.caller.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  EXPECT_TRUE(remote.Chat(request).outcome.status.ok());
  const TestRequest sent = remote.server.requests().at(0);
  EXPECT_EQ(sent.target, "/openai/v1/chat/completions");
  EXPECT_EQ(sent.Header("authorization"), "Bearer sk-own");
  EXPECT_EQ(sent.Header("traceparent"), request.caller.traceparent);
  request.caller.provider_data = {{"groq_api_key", "evil\r\nX-Injected: 1"}};
  const absl::Status status = remote.Chat(request).outcome.status;
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("groq_api_key"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("evil")));
}

TEST(OpenAiClient, CancellingAndDroppingFreeTheConnection) {
  for (const bool drop : {false, true}) {
    std::promise<bool> closed;
    Remote remote([&](const TestRequest&, TestConnection& c) {
      c.StartStream();
      c.Chunk(Text("x"));
      closed.set_value(c.WaitForClose());
      c.Close();
    });
    chat::ChatRequest request;
    request.model = "m";
    absl::StatusOr<std::unique_ptr<chat::Stream>> stream = remote.inference->Chat(request);
    ASSERT_TRUE(stream.ok()) << stream.status();
    if (drop) {
      stream->reset();
    } else {
      (*stream)->Cancel();
      EXPECT_EQ(chat::WaitForAnswer(**stream).outcome.status.code(), absl::StatusCode::kCancelled);
    }
    while (remote.pool->stats().running > 0) std::this_thread::yield();
    if (!remote.server.requests().empty()) {  // it may have ended before it was sent
      EXPECT_TRUE(closed.get_future().get());
    }
  }
}

TEST(OpenAiClient, AReaderWhoDoesNotTakeHoldsTheServerBack) {
  constexpr int kEvents = 400000;
  std::atomic<int> sent{0};
  Remote remote([&](const TestRequest&, TestConnection& c) {
    c.StartStream();
    std::string block;
    for (int i = 0; i < 100; ++i) block += Text("0123456789");
    for (; sent < kEvents && c.Chunk(block); sent += 100) continue;
    c.Chunk(std::string(kEnd) + kDone);
    c.EndStream();
  });
  chat::ChatRequest request;
  request.model = "m";
  const auto stream = remote.inference->Chat(request);
  ASSERT_TRUE(stream.ok());
  int last = -1;
  while (last != sent || last == 0) {  // until it stands still
    last = sent;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  EXPECT_LT(sent, kEvents);
  const chat::WholeAnswer answer = chat::WaitForAnswer(**stream);
  EXPECT_TRUE(answer.outcome.status.ok()) << answer.outcome.status;
  EXPECT_EQ(answer.text.size(), size_t{10} * kEvents);
}

TEST(OpenAiClient, SixtyFourStreamsAtOnce) {
  std::promise<void> all_here;
  const std::shared_future<void> go = all_here.get_future().share();
  std::atomic<int> here{0};
  Remote remote([&](const TestRequest&, TestConnection& c) {
    if (++here == 64) all_here.set_value();
    go.wait();
    StreamHello(c);
  });
  chat::ChatRequest request;
  request.model = "m";
  std::vector<std::unique_ptr<chat::Stream>> streams;
  for (int i = 0; i < 64; ++i) streams.push_back(*remote.inference->Chat(request));
  for (const auto& stream : streams) EXPECT_EQ(chat::WaitForAnswer(*stream).text, "Hello");
  EXPECT_EQ(remote.server.connections(), 64);
}

TEST(OpenAiClient, Completes) {
  Remote remote([](const TestRequest&, TestConnection& c) {
    c.StartStream();
    c.Chunk("data: {\"choices\":[{\"index\":0,\"text\":\" upon\"}]}\n\n");
    c.Chunk("data: {\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":\"length\"}]}\n\n");
    c.EndStream();
  });
  chat::CompletionRequest request;
  request.model = "m";
  request.prompt = "Once";
  const auto stream = remote.inference->Complete(request);
  ASSERT_TRUE(stream.ok());
  const chat::WholeAnswer answer = chat::WaitForAnswer(**stream);
  EXPECT_TRUE(answer.outcome.status.ok());
  EXPECT_EQ(answer.text, " upon");
  EXPECT_EQ(remote.server.requests().at(0).target, "/v1/completions");
}

TEST(OpenAiClient, Embeds) {
  std::string body = R"({"data":[{"index":1,"embedding":[0,2]},{"index":0,"embedding":[3,4]}],
                         "usage":{"prompt_tokens":5,"total_tokens":5}})";
  Remote remote([&](const TestRequest&, TestConnection& c) { c.Answer(200, body); });
  chat::EmbeddingRequest request;
  request.model = "m";
  request.inputs = {"a", "b"};
  absl::StatusOr<chat::Embeddings> embeddings = remote.inference->Embed(request);
  ASSERT_TRUE(embeddings.ok()) << embeddings.status();
  EXPECT_EQ(embeddings->vectors[0], (std::vector<float>{0.6f, 0.8f})) << "of length 1";
  EXPECT_EQ(embeddings->vectors[1], (std::vector<float>{0, 1}));
  EXPECT_EQ(embeddings->prompt_tokens, 5);
  for (const char* wrong : {"{}", "x", R"({"data":[{"index":0,"embedding":[1]}]})",
                            R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]})",
                            R"({"data":[{"embedding":[1]},{"embedding":[1,2]}]})",
                            R"({"data":[{"embedding":[1]},{"embedding":["x"]}]})",
                            R"({"data":[{"index":7,"embedding":[1]},{"embedding":[1]}]})"}) {
    body = wrong;
    EXPECT_EQ(remote.inference->Embed(request).status().code(), absl::StatusCode::kUnavailable)
        << wrong;
  }
}

TEST(OpenAiClient, ListsModelsAndKeepsTheListForAWhile) {
  Remote remote(
      [](const TestRequest&, TestConnection& c) {
        c.Answer(200, R"({"object":"list","data":[{"id":"llama"},{"id":"text-embedding-3"},
                      {"id":"e5","type":"embedding"},{"id":"hidden"}]})");
      },
      "remote::together", {{"allowed_models", {"llama", "text-embedding-3", "e5"}}});
  for (int i = 0; i < 3; ++i) {
    const absl::StatusOr<std::vector<ModelInfo>> models = remote.inference->Models();
    ASSERT_TRUE(models.ok()) << models.status();
    ASSERT_THAT(*models, SizeIs(3));
    EXPECT_EQ((*models)[0].id, "llama");
    EXPECT_EQ((*models)[0].type, ModelType::kLlm);
    EXPECT_EQ((*models)[1].type, ModelType::kEmbedding);
    EXPECT_EQ((*models)[2].type, ModelType::kEmbedding);
  }
  EXPECT_THAT(remote.server.requests(), SizeIs(1));
  chat::ChatRequest request;
  request.model = "hidden";
  EXPECT_EQ(remote.Chat(request).outcome.status.code(), absl::StatusCode::kNotFound);
}

TEST(OpenAiClient, TellsItsHealth) {
  std::atomic<int> status{200};
  const auto answer = [&](const TestRequest&, TestConnection& c) { c.Answer(status, "{}"); };
  EXPECT_TRUE(Remote(answer).inference->health().ok);
  status = 401;
  EXPECT_TRUE(Remote(answer).inference->health().ok) << "each request may bring its own key";
  Remote keyed(answer, "remote::vllm", {{"api_token", "sk-wrong"}});
  EXPECT_FALSE(keyed.inference->health().ok);
  status = 200;
  EXPECT_FALSE(keyed.inference->health().ok) << "it was asked a moment ago";
  status = 500;
  const Health health = Remote(answer).inference->health();
  EXPECT_FALSE(health.ok);
  EXPECT_THAT(health.message, HasSubstr("answered 500"));
}

TEST(OpenAiClient, CountingIsRefusedByName) {
  Remote remote([](const TestRequest&, TestConnection&) {});
  const absl::Status status = remote.inference->CountTokens({}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("'mine'"));
}

TEST(RemoteOllama, ListsByTagsAndKnowsAliases) {
  RemoteOptions options;
  options.alias = [](const std::string& model) {
    return model == "meta-llama/Llama-3.2-3B-Instruct" ? "llama3.2:3b" : "";
  };
  Remote remote(
      [](const TestRequest& request, TestConnection& c) {
        if (request.method == "POST") return StreamHello(c);
        c.Answer(200, R"({"models":[{"name":"llama3.2:3b","details":{"family":"llama"}},
                      {"name":"all-minilm:l6-v2","details":{"family":"bert"}}]})");
      },
      "remote::ollama", {{"model_aliases", {{"small", "llama3.2:1b"}}}}, options);
  const absl::StatusOr<std::vector<ModelInfo>> models = remote.inference->Models();
  ASSERT_TRUE(models.ok()) << models.status();
  ASSERT_THAT(*models, SizeIs(2));
  EXPECT_EQ((*models)[0].id, "llama3.2:3b");
  EXPECT_EQ((*models)[1].type, ModelType::kEmbedding);
  EXPECT_TRUE(remote.inference->health().ok);
  for (const auto& [asked, sent] :
       std::map<std::string, std::string>{{"meta-llama/Llama-3.2-3B-Instruct", "llama3.2:3b"},
                                          {"small", "llama3.2:1b"},
                                          {"other", "other"}}) {
    chat::ChatRequest request;
    request.model = asked;
    EXPECT_TRUE(remote.Chat(request).outcome.status.ok());
    EXPECT_THAT(remote.server.requests().back().body, HasSubstr("\"model\":\"" + sent + "\""));
  }
  EXPECT_EQ(remote.server.requests().at(0).target, "/api/tags");
  EXPECT_EQ(remote.server.requests().back().target, "/v1/chat/completions");
}

// Another Llama Stack of some version; "" has no version route.
TestServer::Handler Stack(const std::string& version) {
  return [version](const TestRequest& request, TestConnection& c) {
    if (request.method == "POST") return StreamHello(c);
    if (request.target == "/v1/health") {
      c.Answer(200, R"({"status":"OK"})");
    } else if (request.target == "/v1/version" && !version.empty()) {
      c.Answer(200, R"({"version":")" + version + "\"}");
    } else if (request.target.ends_with("/models") && version != "0.1.9") {
      c.Answer(200, R"({"data":[{"identifier":"m"}]})");
    } else {
      c.Answer(404, R"({"detail":"Not Found"})");
    }
  };
}

TEST(RemoteLlamaStack, FindsTheRoutesOfEachVersion) {
  const std::map<std::string, std::string> targets = {{"0.2.23", "/v1/openai/v1/chat/completions"},
                                                      {"0.3.0", "/v1/chat/completions"},
                                                      {"1.0.0", "/v1/chat/completions"},
                                                      {"", "/v1/chat/completions"}};
  for (const auto& [version, target] : targets) {
    Remote remote(Stack(version), "remote::passthrough");
    EXPECT_TRUE(remote.Chat().outcome.status.ok());
    EXPECT_TRUE(remote.Chat().outcome.status.ok());
    const std::vector<TestRequest> requests = remote.server.requests();
    ASSERT_THAT(requests, SizeIs(3)) << "the version is asked for once";
    EXPECT_EQ(requests.back().target, target) << version;
    EXPECT_TRUE(remote.inference->health().ok);
    ASSERT_TRUE(remote.inference->Models().ok());
    EXPECT_EQ(remote.inference->Models()->at(0).id, "m");
  }
  Remote old(Stack("0.1.9"), "remote");
  EXPECT_EQ(old.Chat().outcome.status.code(), absl::StatusCode::kUnimplemented);
}

TEST(RemoteLlamaStack, SendsProviderDataOn) {
  for (const auto& [version, header] : std::map<std::string, std::string>{
           {"0.2.23", "x-llamastack-provider-data"}, {"0.8.1", "x-ogx-provider-data"}}) {
    Remote remote(Stack(version), "remote::passthrough",
                  {{"forward_headers", {{"team", "X-Team"}}}});
    chat::ChatRequest request;
    request.caller.provider_data = {{"team", "red"}, {"key", "\xC3\xA4\xF0\x9F\x98\x80"}};
    EXPECT_TRUE(remote.Chat(request).outcome.status.ok());
    const TestRequest sent = remote.server.requests().back();
    EXPECT_EQ(sent.Header("x-team"), "red");
    EXPECT_EQ(sent.Header(header), R"({"team":"red","key":"\u00e4\ud83d\ude00"})");
  }
}

}  // namespace
}  // namespace cria::provider
