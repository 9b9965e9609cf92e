#include "base/status.h"

namespace cria::base {

absl::Status Annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  std::string_view message(status.message().data(), status.message().size());
  const std::string_view name = context.substr(context.rfind('/') + 1);
  for (const std::string_view said : {context, name})
    if (!said.empty() && message.starts_with(said) &&
        message.substr(said.size()).starts_with(": ")) {
      message.remove_prefix(said.size() + 2);
      break;
    }
  return absl::Status(status.code(),
                      absl::StrCat(std::string(context), ": ", std::string(message)));
}

}  // namespace cria::base
