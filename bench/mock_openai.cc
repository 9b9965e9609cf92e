// A server with OpenAI's API that answers at once and always the same: what is measured in front of
// it is what the program in front costs.
//
//   mock_openai PORT
#include <boost/asio/awaitable.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "server/dispatcher.h"
#include "server/http_server.h"
#include "server/router.h"

namespace {

using cria::server::Exchange;
using cria::server::Reply;

constexpr char kWhole[] =
    R"({"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"mock-model","choices":[)"
    R"({"index":0,"message":{"role":"assistant","content":"Hello there, this is a mock."},)"
    R"("logprobs":null,"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":9,"completion_tokens":7,"total_tokens":16}})";

std::string Chunk(const std::string& delta, const std::string& finish) {
  return "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,"
         "\"model\":\"mock-model\",\"choices\":[{\"index\":0,\"delta\":" +
         delta + ",\"finish_reason\":" + finish + "}]}\n\n";
}

std::string Stream() {
  std::string frames = Chunk(R"({"role":"assistant","content":""})", "null");
  for (const char* word : {"Hello", " there", ",", " this", " is", " a", " mock."})
    frames += Chunk("{\"content\":\"" + std::string(word) + "\"}", "null");
  frames += Chunk("{}", "\"stop\"");
  frames +=
      "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":"
      "\"mock-model\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":7,"
      "\"total_tokens\":16}}\n\ndata: [DONE]\n\n";
  return frames;
}

boost::asio::awaitable<void> Chat(Exchange& exchange) {
  static const std::string kStream = Stream();
  const bool stream = exchange.request().body.find("\"stream\":true") != std::string::npos ||
                      exchange.request().body.find("\"stream\": true") != std::string::npos;
  Reply reply;
  reply.body = stream ? kStream : kWhole;
  if (stream) reply.content_type = "text/event-stream";
  co_await exchange.Send(std::move(reply));
}

boost::asio::awaitable<void> Models(Exchange& exchange) {
  Reply reply;
  reply.body = R"({"object":"list","data":[{"id":"mock-model","object":"model","created":1,)"
               R"("owned_by":"mock"}]})";
  co_await exchange.Send(std::move(reply));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: mock_openai PORT\n", stderr);
    return 2;
  }
  cria::server::Router router;
  router.Add({"POST", "/v1/chat/completions", Chat, {}, {}});
  router.Add({"GET", "/v1/models", Models, {}, {}});
  cria::server::Dispatcher dispatcher(&router, {}, {});
  cria::server::ServerOptions options;
  options.host = "127.0.0.1";
  options.port = static_cast<uint16_t>(std::atoi(argv[1]));
  options.threads = 1;
  auto server = cria::server::HttpServer::Start(options, &dispatcher);
  if (!server.ok()) {
    std::fprintf(stderr, "mock_openai: %s\n", std::string(server.status().message()).c_str());
    return 1;
  }
  cria::server::ServeUntilSignal(**server, nullptr);
  return 0;
}
