// Who made a row: kept beside everything that is stored, so that the caller can check access.
#ifndef CRIA_STORE_OWNER_H_
#define CRIA_STORE_OWNER_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace cria::store {

struct Owner {
  std::string principal;                                       // empty: nobody was known
  std::map<std::string, std::vector<std::string>> attributes;  // roles, teams, ...

  friend bool operator==(const Owner&, const Owner&) = default;
};

// As the column `owner` has it: empty for nobody, else a JSON object.
std::string OwnerText(const Owner& owner);
// kDataLoss for another text.
absl::StatusOr<Owner> ParseOwner(std::string_view text);

}  // namespace cria::store

#endif  // CRIA_STORE_OWNER_H_
