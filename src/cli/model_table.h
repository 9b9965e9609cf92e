// Aligned columns for people.
#ifndef CRIA_CLI_MODEL_TABLE_H_
#define CRIA_CLI_MODEL_TABLE_H_

#include <string>
#include <vector>

namespace cria::cli {

// Rows of cells as text, columns as wide as their widest cell (in bytes; names here are ASCII), two
// spaces apart. The last column isn't padded.
std::string FormatTable(const std::vector<std::vector<std::string>>& rows);

}  // namespace cria::cli

#endif  // CRIA_CLI_MODEL_TABLE_H_
