// For "did you mean ...?".
#ifndef CRIA_BASE_EDIT_DISTANCE_H_
#define CRIA_BASE_EDIT_DISTANCE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cria::base {

// Levenshtein distance; both are short.
size_t EditDistance(std::string_view a, std::string_view b);

// At most `most` of `candidates` that somebody may have meant by `wanted`, the nearest first: they
// contain it, or few letters differ. Case doesn't count.
std::vector<std::string> Nearest(std::string_view wanted,
                                 const std::vector<std::string>& candidates, size_t most);

}  // namespace cria::base

#endif  // CRIA_BASE_EDIT_DISTANCE_H_
