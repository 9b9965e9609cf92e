// What the handlers work with. Made once, before the server listens; everything in it may be called
// from any thread.
#ifndef CRIA_SERVER_SERVICES_H_
#define CRIA_SERVER_SERVICES_H_

#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <functional>

#include "api/schema.h"
#include "stack/config.h"
#include "stack/registry.h"
#include "stack/router.h"
#include "store/store.h"

namespace cria::server {

struct Services {
  const api::SchemaSet& schemas;
  const stack::StackConfig& config;
  stack::Registry& registry;
  const stack::Router& router;
  store::Store& store;
  // Where calls go that wait: providers, the store. Never the threads that serve connections.
  boost::asio::thread_pool& workers;
  std::function<int64_t()> now;  // seconds since 1970
  int64_t started = 0;           // when the server was
};

}  // namespace cria::server

#endif  // CRIA_SERVER_SERVICES_H_
