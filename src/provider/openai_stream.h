// The HTTP answer of an OpenAI-compatible server as a chat::Stream.
#ifndef CRIA_PROVIDER_OPENAI_STREAM_H_
#define CRIA_PROVIDER_OPENAI_STREAM_H_

#include <memory>

#include "chat/stream.h"
#include "provider/http_pool.h"
#include "provider/openai_chunk.h"
#include "provider/openai_error.h"

namespace cria::provider {

// Starts `request`, whose body asks for a stream, and never waits: whatever fails is told by the
// outcome. While nobody takes the events, the server isn't read from.
std::unique_ptr<chat::Stream> StartOpenAiStream(HttpPool& pool, HttpRequest request,
                                                OpenAiAnswerKind kind, RemoteName name);

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_OPENAI_STREAM_H_
