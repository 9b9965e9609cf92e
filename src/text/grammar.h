// Constrained generation: which tokens may come next so that the text stays inside a grammar.
#ifndef CRIA_TEXT_GRAMMAR_H_
#define CRIA_TEXT_GRAMMAR_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "text/tokenizer.h"

namespace cria::text {

// A compiled grammar over bytes. Immutable; share freely.
class Grammar;

// GBNF (the notation of llama.cpp's grammars): `root ::= "yes" | "no"`, char classes, groups, ? * +
// {m,n}, comments. kInvalidArgument with line and column. `root` is the start.
absl::StatusOr<std::shared_ptr<const Grammar>> GrammarFromGbnf(std::string_view source);

// One value that a JSON Schema allows, with nothing before or after it (grammar_json_schema.h lists
// the keywords). A keyword outside them is kUnimplemented with its path; what is no schema, or
// allows nothing, kInvalidArgument.
absl::StatusOr<std::shared_ptr<const Grammar>> GrammarFromJsonSchema(
    const base::json::value& schema);

// The vocabulary of a tokenizer as a byte trie: built once per model, shared by all sessions.
// Immutable.
class TokenTrie;
std::shared_ptr<const TokenTrie> BuildTokenTrie(const Tokenizer& tokenizer);

// Where one generation stands in a grammar. One thread at a time. Copyable state is not needed.
class GrammarMatcher {
 public:
  virtual ~GrammarMatcher() = default;
  // Sets bit id of `mask` (vocab_size bits, 64 a word) for every token whose bytes may come next.
  // Special tokens are never set here, but see CanEnd().
  virtual void FillMask(std::span<uint64_t> mask) = 0;
  // True if the text so far is a whole sentence of the grammar: then end-of-turn tokens are allowed
  // too.
  virtual bool CanEnd() const = 0;
  // Moves on by the bytes of `id`. False (and no move) if the token was not allowed.
  virtual bool Accept(TokenId id) = 0;
  // kResourceExhausted once the grammar is so ambiguous that not every reading could be followed:
  // from then on masks may leave out tokens that the grammar allows (never the other way round).
  virtual absl::Status status() const { return absl::OkStatus(); }
};
std::unique_ptr<GrammarMatcher> MakeGrammarMatcher(std::shared_ptr<const Grammar> grammar,
                                                   std::shared_ptr<const TokenTrie> trie);

}  // namespace cria::text

#endif  // CRIA_TEXT_GRAMMAR_H_
