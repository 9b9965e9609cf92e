// Identifiers that nobody can guess or meet twice.
#ifndef CRIA_BASE_RANDOM_ID_H_
#define CRIA_BASE_RANDOM_ID_H_

#include <string>

namespace cria::base {

// `digits` lower-case hexadecimal digits from the system's random source.
std::string RandomHex(int digits);

// A random UUID (RFC 4122, version 4): "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx".
std::string RandomUuid();

}  // namespace cria::base

#endif  // CRIA_BASE_RANDOM_ID_H_
