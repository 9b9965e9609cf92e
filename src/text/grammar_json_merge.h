// Two JSON schemas that must both hold, as one.
#ifndef CRIA_TEXT_GRAMMAR_JSON_MERGE_H_
#define CRIA_TEXT_GRAMMAR_JSON_MERGE_H_

#include <string>

#include "base/json.h"
#include "base/status.h"

namespace cria::text {

// Keywords that describe and constrain nothing.
bool IsJsonAnnotation(std::string_view keyword);

// What both `a` and `b` allow. kUnimplemented, with the path, where two keywords can't be said as
// one; kInvalidArgument where nothing is allowed by both.
absl::StatusOr<base::json::object> MergeJsonSchemas(const base::json::object& a,
                                                    const base::json::object& b,
                                                    const std::string& path);

}  // namespace cria::text

#endif  // CRIA_TEXT_GRAMMAR_JSON_MERGE_H_
