// What the handlers work with. Made once, before the server listens; everything in it may be called
// from any thread.
#ifndef CRIA_SERVER_SERVICES_H_
#define CRIA_SERVER_SERVICES_H_

#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <functional>

#include "api/schema.h"
#include "stack/model_router.h"
#include "store/chat_completions.h"
#include "store/conversations.h"
#include "store/files.h"
#include "store/prompts.h"

namespace cria::server {

struct Services {
  const api::SchemaSet& schemas;
  stack::ModelRouter& models;
  store::ChatCompletions& chat_completions;
  store::Conversations& conversations;
  store::Prompts& prompts;
  store::Files& files;
  // Where calls go that wait: providers, the store. Never the threads that serve connections.
  boost::asio::thread_pool& workers;
  std::function<int64_t()> now;  // seconds since 1970
};

}  // namespace cria::server

#endif  // CRIA_SERVER_SERVICES_H_
