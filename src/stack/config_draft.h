// A run.yaml that is being put together by asking: questions, their answers checked, the file.
#ifndef CRIA_STACK_CONFIG_DRAFT_H_
#define CRIA_STACK_CONFIG_DRAFT_H_

#include <string>
#include <vector>

#include "base/status.h"
#include "stack/config.h"
#include "stack/environment.h"
#include "stack/provider_catalogue.h"
#include "stack/yaml_document.h"

namespace cria::stack {

// One thread.
class ConfigDraft {
 public:
  struct Question {
    std::string about;           // "inference ollama", "server"
    std::string text;            // "Address of its API"
    std::string default_answer;  // as the file has it now, perhaps with variables; may be empty
    bool secret = false;
    bool required = false;
  };

  // `run_yaml` is of the newest form. kDataLoss as ReadStackConfig.
  static absl::StatusOr<ConfigDraft> From(const std::string& run_yaml, const std::string& file);

  // Every key that its provider's row in the catalogue has a question for, and where the server
  // listens. Providers that the environment switches on and off are left to it.
  const std::vector<Question>& questions() const { return questions_; }

  // An empty answer keeps the default. kInvalidArgument says what was expected and what was found;
  // nothing changes then.
  absl::Status Answer(size_t question, const std::string& answer);

  void SetName(const std::string& name);

  std::string RunYaml() const;

 private:
  struct Place {                    // where an answer goes
    std::vector<std::string> path;  // of maps' keys; "#2" is an index
    ValueType type = ValueType::kString;
    int64_t low = 0, high = 0;  // where `high` isn't 0: of whole numbers
  };

  explicit ConfigDraft(YamlNode root) : root_(std::move(root)) {}
  void AskAboutProviders();
  void AskAboutProvider(const std::string& api, size_t index, const YamlNode& entry);
  void Ask(Question question, Place place);
  YamlNode* ParentOf(const Place& place);

  YamlNode root_;
  std::vector<Question> questions_;
  std::vector<Place> places_;
};

}  // namespace cria::stack

#endif  // CRIA_STACK_CONFIG_DRAFT_H_
