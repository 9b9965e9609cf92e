// Regular expressions of JSON Schema's `pattern`, as expressions of a grammar.
#ifndef CRIA_TEXT_GRAMMAR_JSON_PATTERN_H_
#define CRIA_TEXT_GRAMMAR_JSON_PATTERN_H_

#include <string_view>

#include "text/grammar_json_text.h"

namespace cria::text {

// The content of a JSON string whose value matches `pattern` (ECMA-262 with the u flag, the part of
// it that is regular): alternatives, groups (also (?:...)), classes, ranges, \d \w \s \D \W \S,
// escapes, . * + ? {m,n} (lazy ones too: they match the same texts), ^ at the start and $ at the
// end of the pattern or of its alternatives. Without ^ or $ anything may stand before or after.
//
// kInvalidArgument for what is no regular expression; kUnimplemented for look-around, back
// references, \b, \p{..} and anchors elsewhere, each named with its offset.
absl::StatusOr<ExprId> JsonPattern(std::string_view pattern, GrammarBuilder& builder,
                                   JsonText& text);

}  // namespace cria::text

#endif  // CRIA_TEXT_GRAMMAR_JSON_PATTERN_H_
