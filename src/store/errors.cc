#include "store/errors.h"

#include "base/quote.h"

namespace cria::store {

absl::Status NoSuch(const std::string& what, std::string_view id) {
  return absl::NotFoundError(absl::StrCat("no such ", what, " ", base::Quote(id)));
}

absl::Status NameIfTaken(const absl::Status& status, const std::string& what, std::string_view id) {
  if (!absl::IsAlreadyExists(status)) return status;
  return absl::AlreadyExistsError(absl::StrCat(what, " ", base::Quote(id), " exists already"));
}

}  // namespace cria::store
