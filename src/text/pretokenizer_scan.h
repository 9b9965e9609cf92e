// Hand-written scanners for the split patterns of Llama 3, GPT-2 and SmolLM: what PCRE2 finds,
// several times faster.
#ifndef CRIA_TEXT_PRETOKENIZER_SCAN_H_
#define CRIA_TEXT_PRETOKENIZER_SCAN_H_

#include <memory>

#include "text/pretokenizer.h"

namespace cria::text {

std::unique_ptr<const PreTokenizer> MakeLlama3Scanner();  // kLlama3Pattern
std::unique_ptr<const PreTokenizer> MakeGpt2Scanner();    // kGpt2Pattern
std::unique_ptr<const PreTokenizer> MakeSmolLmScanner();  // kDigitPattern, then kGpt2Pattern

}  // namespace cria::text

#endif  // CRIA_TEXT_PRETOKENIZER_SCAN_H_
