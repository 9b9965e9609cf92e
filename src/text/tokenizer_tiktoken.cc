// Meta's tokenizer.model (meta-llama/llama-models, models/llama3/tokenizer.py; openai/tiktoken,
// load.py).
#include <array>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "base/quote.h"
#include "text/tokenizer_bpe.h"
#include "text/tokenizer_factory.h"

namespace cria::text {
namespace {

constexpr size_t kMaxTokenBytes = size_t{1} << 16;
constexpr TokenId kSpecialTokens = 256;

// Special tokens follow the ranks, in this order; the reserved ones that remain fill up to 256.
constexpr std::array<std::string_view, 12> kNamedSpecial = {"<|begin_of_text|>",
                                                            "<|end_of_text|>",
                                                            "<|reserved_special_token_0|>",
                                                            "<|reserved_special_token_1|>",
                                                            "<|finetune_right_pad_id|>",
                                                            "<|step_id|>",
                                                            "<|start_header_id|>",
                                                            "<|end_header_id|>",
                                                            "<|eom_id|>",
                                                            "<|eot_id|>",
                                                            "<|python_tag|>",
                                                            "<|image|>"};
constexpr TokenId kBos = 0, kEos = 1, kFirstUnnamedReserved = 2;

std::string SpecialName(TokenId index) {
  const auto named = static_cast<TokenId>(kNamedSpecial.size());
  if (index < named) return std::string(kNamedSpecial[static_cast<size_t>(index)]);
  return absl::StrCat("<|reserved_special_token_", index - named + kFirstUnnamedReserved, "|>");
}

absl::Status BadLine(size_t line, std::string_view problem) {
  return absl::DataLossError(
      absl::StrCat("tokenizer.model: line ", line, ": ", std::string(problem)));
}

// One line: base64, a space, the rank.
absl::StatusOr<std::string> ParseLine(std::string_view line, size_t number, TokenId expected_rank) {
  const size_t space = line.find(' ');
  if (space == std::string_view::npos)
    return BadLine(number, "expected 'base64 rank': not a tiktoken file?");
  std::string bytes;
  const std::string_view base64 = line.substr(0, space);
  if (base64.size() > kMaxTokenBytes ||
      !absl::Base64Unescape({base64.data(), base64.size()}, &bytes) || bytes.empty()) {
    return BadLine(number, "the token is not base64 of at least one byte");
  }
  const std::string_view rank_text = line.substr(space + 1);
  TokenId rank = 0;
  if (!absl::SimpleAtoi(absl::string_view(rank_text.data(), rank_text.size()), &rank) ||
      rank != expected_rank) {
    return BadLine(number, absl::StrCat("expected rank ", expected_rank, ", found ",
                                        base::Quote(rank_text), ": ranks are dense and in order"));
  }
  return bytes;
}

absl::StatusOr<std::vector<std::string>> ParseRanks(std::string_view file) {
  std::vector<std::string> tokens;
  for (size_t number = 1; !file.empty(); ++number) {
    const size_t end = std::min(file.find('\n'), file.size());
    std::string_view line = file.substr(0, end);
    file.remove_prefix(std::min(end + 1, file.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    if (tokens.size() >= Vocabulary::kMaxTokens - kSpecialTokens) {
      return absl::DataLossError(absl::StrCat("tokenizer.model: more than ",
                                              Vocabulary::kMaxTokens - kSpecialTokens, " tokens"));
    }
    CRIA_ASSIGN_OR_RETURN(std::string token,
                          ParseLine(line, number, static_cast<TokenId>(tokens.size())));
    tokens.push_back(std::move(token));
  }
  return tokens;
}

absl::Status CheckComplete(const Vocabulary& vocabulary, TokenId ranks) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (vocabulary.Find({&c, 1}) == kNoToken) {
      return absl::DataLossError(absl::StrCat("tokenizer.model: no token for the single byte ",
                                              byte, " among ", ranks,
                                              ", expected all 256: truncated download?"));
    }
  }
  for (TokenId id = 0; id < ranks; ++id) {
    const TokenId found = vocabulary.Find(vocabulary.bytes(id));
    if (found != id) {
      return absl::DataLossError(
          absl::StrCat("tokenizer.model: ranks ", found, " and ", id, " are the same token"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<const Tokenizer>> TokenizerFromTiktoken(std::string_view file) {
  CRIA_ASSIGN_OR_RETURN(const std::vector<std::string> tokens, ParseRanks(file));
  const auto ranks = static_cast<TokenId>(tokens.size());
  BpeTokenizerParts parts;
  parts.kind = "tiktoken";
  parts.chunked = true;
  parts.vocabulary = std::make_unique<Vocabulary>();
  CRIA_RETURN_IF_ERROR(parts.vocabulary->Resize(tokens.size() + kSpecialTokens));
  for (TokenId id = 0; id < ranks; ++id) {
    CRIA_RETURN_IF_ERROR(
        parts.vocabulary->Set(id, tokens[static_cast<size_t>(id)], TokenType::kNormal));
  }
  for (TokenId index = 0; index < kSpecialTokens; ++index) {
    const std::string name = SpecialName(index);
    CRIA_RETURN_IF_ERROR(parts.vocabulary->Set(ranks + index, name, TokenType::kControl));
    parts.added.push_back({.id = ranks + index, .text = name, .special = true});
  }
  parts.vocabulary->BuildIndex();
  CRIA_RETURN_IF_ERROR(CheckComplete(*parts.vocabulary, ranks));
  parts.model = MakeRankedBpe(*parts.vocabulary, {}, {.whole_pieces = true});
  CRIA_ASSIGN_OR_RETURN(parts.pre_tokenizer, MakePreTokenizer({std::string(kLlama3Pattern)}));
  parts.bos = ranks + kBos;
  parts.eos = ranks + kEos;
  parts.add_bos = true;
  return MakeBpeTokenizer(std::move(parts));
}

}  // namespace cria::text
