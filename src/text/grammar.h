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
// Immutable. Of a tokenizer that has more tokens than the model has logits (added tokens often lie
// beyond them) only the ids below `model_vocab` are taken.
class TokenTrie;
std::shared_ptr<const TokenTrie> BuildTokenTrie(const Tokenizer& tokenizer,
                                                int64_t model_vocab = INT32_MAX);

// Where one generation stands in a grammar. One thread at a time. Copyable state is not needed.
class GrammarMatcher {
 public:
  virtual ~GrammarMatcher() = default;
  // Sets bit id of `mask` (64 bits a word) for every token whose bytes may come next, and clears
  // all others. The mask may have fewer bits than the tokenizer has tokens: the rest are not
  // allowed. Special tokens are never set here, but see CanEnd().
  virtual void FillMask(std::span<uint64_t> mask) = 0;
  // True if the text so far is a whole sentence of the grammar: then end-of-turn tokens are allowed
  // too.
  virtual bool CanEnd() const = 0;
  // Moves on by the bytes of `id`. False (and no move) if the token was not allowed.
  virtual bool Accept(TokenId id) = 0;
  // kResourceExhausted once a limit was met while masks were made or tokens accepted: the grammar
  // is so ambiguous or so large that not every reading could be followed. From then on, for good,
  // masks may leave out tokens that the grammar allows, even all of them, but never allow others: a
  // caller that finds an empty mask should report this status as the reason. OK does not mean that
  // there are tokens: nesting beyond the grammar's own limit of depth is left out without a report.
  virtual absl::Status status() const { return absl::OkStatus(); }
};
std::unique_ptr<GrammarMatcher> MakeGrammarMatcher(std::shared_ptr<const Grammar> grammar,
                                                   std::shared_ptr<const TokenTrie> trie);

}  // namespace cria::text

#endif  // CRIA_TEXT_GRAMMAR_H_
