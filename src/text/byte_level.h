// GPT-2's alphabet for bytes: how byte-level tokens are written in tokenizer.json and GGUF.
#ifndef CRIA_TEXT_BYTE_LEVEL_H_
#define CRIA_TEXT_BYTE_LEVEL_H_

#include <optional>
#include <string>
#include <string_view>

namespace cria::text {

// The bytes that a token in that alphabet stands for: each byte is one character, the printable
// ones of Latin-1 themselves, the others U+0100 and up in order (openai/gpt-2, src/encoder.py,
// bytes_to_unicode). nullopt if a character is outside the alphabet.
std::optional<std::string> BytesOfByteLevel(std::string_view token);

// The other way.
std::string ByteLevelOfBytes(std::string_view bytes);

}  // namespace cria::text

#endif  // CRIA_TEXT_BYTE_LEVEL_H_
