// Text to token ids and back.
#ifndef CRIA_TEXT_TOKENIZER_H_
#define CRIA_TEXT_TOKENIZER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace cria::text {

using TokenId = int32_t;

// What to do with text that spells a special token, such as "<|eot_id|>".
enum class SpecialText : uint8_t {
  kPlain,  // encode it like any other text: the only safe way for what users write
  kParse,  // turn it into the special id
};

// Immutable after creation: share freely between threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // Appends the ids of `text` (any bytes; invalid UTF-8 is encoded byte by byte or as the
  // tokenizer's own replacement) to `ids`. Bytes that a byte-level vocabulary has no token for are
  // left out, as by Hugging Face's tokenizers. No BOS is added. Linear in the length of the text
  // (up to log factors), whatever the text.
  virtual absl::Status Encode(std::string_view text, SpecialText special,
                              std::vector<TokenId>* ids) const = 0;

  // The bytes that a token stands for when it follows others. Special tokens give their name if
  // `special`, else nothing. Ids outside the vocabulary give nothing.
  virtual std::string TokenBytes(TokenId id, bool special) const = 0;

  // The text of a whole sequence. Differs from joining TokenBytes where the tokenizer drops a
  // leading space.
  virtual std::string Decode(const std::vector<TokenId>& ids, bool special) const = 0;

  virtual int32_t vocab_size() const = 0;        // ids are in [0, vocab_size)
  virtual bool IsSpecial(TokenId id) const = 0;  // control tokens: never part of a text
  // The id of the special token spelled `name`, e.g. "<|eot_id|>".
  virtual std::optional<TokenId> SpecialId(std::string_view name) const = 0;

  virtual std::optional<TokenId> bos() const = 0;
  virtual std::optional<TokenId> eos() const = 0;
  virtual bool add_bos() const = 0;  // whether a text starts with BOS by the tokenizer's own rule
  // Whether it ends with EOS by that rule: encoders want both around a text.
  virtual bool add_eos() const { return false; }
  // Whether Decode takes one space off the start of a sequence (SentencePiece puts one there when
  // it encodes).
  virtual bool drops_leading_space() const { return false; }
  virtual std::string_view kind()
      const = 0;  // "tiktoken", "byte-level BPE", "SentencePiece BPE", "WordPiece": for people
};

}  // namespace cria::text

#endif  // CRIA_TEXT_TOKENIZER_H_
