// For "did you mean ...?".
#ifndef CRIA_HUB_EDIT_DISTANCE_H_
#define CRIA_HUB_EDIT_DISTANCE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cria::hub {

// Levenshtein distance; both are short.
size_t EditDistance(std::string_view a, std::string_view b);

// At most `most` of `candidates` that somebody may have meant by `wanted`, the nearest first: they
// contain it, or few letters differ. Case doesn't count.
std::vector<std::string> Nearest(std::string_view wanted,
                                 const std::vector<std::string>& candidates, size_t most);

}  // namespace cria::hub

#endif  // CRIA_HUB_EDIT_DISTANCE_H_
