// Whether a remote server answers.
#ifndef CRIA_PROVIDER_REMOTE_HEALTH_H_
#define CRIA_PROVIDER_REMOTE_HEALTH_H_

#include <memory>

#include "provider/http_pool.h"
#include "provider/inference.h"

namespace cria::provider {

// Any thread may call.
class RemoteHealth {
 public:
  explicit RemoteHealth(HttpPool& pool);
  ~RemoteHealth();

  // What the last answer to `request` said. Asks anew, in the background, when that is older than
  // ten seconds; waits for the answer, two seconds at most, only while none is known. A server that
  // wants a key is well where `has_key` is false: each request may bring its own.
  Health Get(HttpRequest request, bool has_key);

 private:
  struct State;
  class Probe;

  void Ask(HttpRequest request, bool has_key);

  HttpPool& pool_;
  const std::shared_ptr<State> state_;  // an answer on its way may outlive this
};

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_REMOTE_HEALTH_H_
