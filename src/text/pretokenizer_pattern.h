// Split patterns as tokenizer files write them, in the words of PCRE2.
#ifndef CRIA_TEXT_PRETOKENIZER_PATTERN_H_
#define CRIA_TEXT_PRETOKENIZER_PATTERN_H_

#include <string>
#include <string_view>

#include "base/status.h"

namespace cria::text {

// Published patterns are written for Oniguruma (Hugging Face) and Rust's regex (tiktoken). Where
// PCRE2 reads the same words otherwise they are rewritten: \s is White_Space (PCRE2 adds U+180E),
// \w has marks and connectors, as in Unicode Technical Standard 18, annex C. kUnimplemented names
// what cannot be: \b, \h, \K, set operations and nested sets in a class, \S and \W in a class,
// verbs.
absl::StatusOr<std::string> ToPcre2Pattern(std::string_view pattern);

}  // namespace cria::text

#endif  // CRIA_TEXT_PRETOKENIZER_PATTERN_H_
