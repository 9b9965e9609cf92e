#include "api/schemas.h"

#include <string>
#include <utility>

#include "base/check.h"

namespace cria::api {

SchemaSet AllSchemas() {
  std::string text;
  for (const std::string_view part :
       {OpenAiSchemas(), NativeSchemas(), AnthropicSchemas(), StackSchemas()})
    text += part;
  absl::StatusOr<SchemaSet> set = SchemaSet::Parse(text);
  CRIA_CHECK(set.ok());  // what is compiled in is right: schema_test sees to it
  return *std::move(set);
}

}  // namespace cria::api
