// Stored chat completions: what was asked and what was answered.
#ifndef CRIA_STORE_CHAT_COMPLETIONS_H_
#define CRIA_STORE_CHAT_COMPLETIONS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"
#include "store/owner.h"
#include "store/page.h"
#include "store/reader.h"
#include "store/writer.h"

namespace cria::store {

struct ChatCompletion {
  std::string id;
  int64_t created = 0;  // Unix seconds
  std::string model;
  std::string input;     // the input messages: a JSON array
  std::string response;  // the whole response: a JSON object
  Owner owner;
};

struct ChatCompletionListOptions : ListOptions {
  std::optional<std::string> model;  // absent: of every model
};

// Any thread. Errors as in sql.h and page.h, and of a full queue as in writer.h.
class ChatCompletions {
 public:
  // Both live longer.
  ChatCompletions(Reader& reader, Writer& writer) : reader_(reader), writer_(writer) {}

  // Returns when it is stored. kAlreadyExists if the id is taken.
  absl::Status Put(ChatCompletion completion);
  // Doesn't wait: `done` is called as Writer::Enqueue says.
  absl::Status PutLater(ChatCompletion completion, Writer::Done done);
  absl::StatusOr<ChatCompletion> Get(const std::string& id);  // kNotFound
  absl::StatusOr<Page<ChatCompletion>> List(const ChatCompletionListOptions& options);

 private:
  Reader& reader_;
  Writer& writer_;
};

}  // namespace cria::store

#endif  // CRIA_STORE_CHAT_COMPLETIONS_H_
