// Prompts with versions: a text with {{ variables }}, changed by adding a version.
#ifndef CRIA_STORE_PROMPTS_H_
#define CRIA_STORE_PROMPTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "store/clock.h"
#include "store/owner.h"
#include "store/page.h"
#include "store/reader.h"
#include "store/writer.h"

namespace cria::store {

// What one version of a prompt says.
struct PromptText {
  std::string text;
  std::vector<std::string> variables;
};

struct Prompt {
  std::string id;       // pmpt_<48 hex>
  int64_t created = 0;  // Unix seconds, of the first version
  int64_t version = 0;  // from 1
  bool is_default = false;
  PromptText content;
  Owner owner;
};

enum class PromptVersion : uint8_t { kDefault, kLatest };

// OK when every {{ name }} in the text is one of the variables, and those are names (letters,
// digits and '_', not begun by a digit), each once. kInvalidArgument names the one that isn't.
absl::Status CheckPrompt(const PromptText& prompt);

// Any thread. Errors as in sql.h and page.h, of a full queue as in writer.h, and of CheckPrompt;
// kNotFound names the prompt or the version that isn't there.
class Prompts {
 public:
  // Both live longer.
  Prompts(Reader& reader, Writer& writer, Clock clock)
      : reader_(reader), writer_(writer), clock_(std::move(clock)) {}

  // Version 1, the default.
  absl::StatusOr<Prompt> Create(PromptText content, const Owner& owner);
  // Absent: the default version.
  absl::StatusOr<Prompt> Get(const std::string& id, std::optional<int64_t> version);
  // A new version after `latest`. kInvalidArgument if that isn't the latest one any more, so that
  // nobody's change is lost unseen.
  absl::StatusOr<Prompt> AddVersion(const std::string& id, int64_t latest, PromptText content,
                                    bool set_as_default);
  absl::StatusOr<Prompt> SetDefault(const std::string& id, int64_t version);
  absl::Status Delete(const std::string& id);  // all versions

  // One version of each prompt.
  absl::StatusOr<Page<Prompt>> List(const ListOptions& options, PromptVersion which);
  absl::StatusOr<std::vector<Prompt>> Versions(const std::string& id);  // the oldest first

 private:
  Reader& reader_;
  Writer& writer_;
  const Clock clock_;
};

}  // namespace cria::store

#endif  // CRIA_STORE_PROMPTS_H_
