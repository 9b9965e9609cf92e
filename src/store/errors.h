// The errors of the repositories that name what was asked for.
#ifndef CRIA_STORE_ERRORS_H_
#define CRIA_STORE_ERRORS_H_

#include <string>
#include <string_view>

#include "base/status.h"

namespace cria::store {

// "no such WHAT 'id'", kNotFound.
absl::Status NoSuch(const std::string& what, std::string_view id);
// The same status, but for kAlreadyExists, which becomes "WHAT 'id' exists already".
absl::Status NameIfTaken(const absl::Status& status, const std::string& what, std::string_view id);

}  // namespace cria::store

#endif  // CRIA_STORE_ERRORS_H_
