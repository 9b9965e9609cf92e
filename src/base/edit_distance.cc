#include "base/edit_distance.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace cria::base {

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

std::vector<std::string> Nearest(std::string_view wanted,
                                 const std::vector<std::string>& candidates, size_t most) {
  const std::string lower_wanted = absl::AsciiStrToLower({wanted.data(), wanted.size()});
  std::map<std::string, size_t> distances;
  for (const std::string& name : candidates) {
    const std::string lower = absl::AsciiStrToLower(name);
    const size_t distance =
        absl::StrContains(lower, lower_wanted) ? 1 : EditDistance(lower_wanted, lower);
    if (distance <= std::max<size_t>(2, wanted.size() / 3)) distances[name] = distance;
  }
  std::vector<std::string> names;
  for (const auto& [name, distance] : distances) names.push_back(name);
  std::stable_sort(names.begin(), names.end(),
                   [&](const auto& a, const auto& b) { return distances[a] < distances[b]; });
  if (names.size() > most) names.resize(most);
  return names;
}

}  // namespace cria::base
