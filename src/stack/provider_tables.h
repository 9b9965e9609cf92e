// The rows behind provider_catalogue.h, one table a file.
#ifndef CRIA_STACK_PROVIDER_TABLES_H_
#define CRIA_STACK_PROVIDER_TABLES_H_

#include "stack/provider_catalogue.h"

namespace cria::stack {

std::span<const ProviderType> InferenceTable();
std::span<const ProviderType> OtherApisTable();
std::span<const ProviderType> BackendTable();
std::span<const ProviderType> AuthTable();

}  // namespace cria::stack

#endif  // CRIA_STACK_PROVIDER_TABLES_H_
