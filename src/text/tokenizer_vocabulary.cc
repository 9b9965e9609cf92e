// GGUF vocabularies (ggml-org/ggml, docs/gguf.md, tokenizer.ggml.*) and llama2.c's
// (karpathy/llama2.c, tokenizer.py).
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/quote.h"
#include "text/byte_level.h"
#include "text/sentencepiece.h"
#include "text/tokenizer_bpe.h"
#include "text/tokenizer_factory.h"

namespace cria::text {
namespace {

// tokenizer.ggml.token_type
enum GgufType : int32_t {
  kGgufUndefined = 0,  // taken as normal
  kGgufNormal = 1,
  kGgufUnknown = 2,
  kGgufControl = 3,
  kGgufUserDefined = 4,
  kGgufUnused = 5,
  kGgufByte = 6,
};

bool HasTypes(const VocabularySpec& spec) { return spec.types != nullptr && !spec.types->empty(); }

// Without types the special tokens are known by id and by the names that SentencePiece and llama2.c
// give them.
int32_t GuessType(const VocabularySpec& spec, TokenId id, std::string_view token) {
  if (id == spec.bos || id == spec.eos) return kGgufControl;
  if (spec.model != "llama") return kGgufNormal;
  if (token == "<unk>") return kGgufUnknown;
  if (token == "<s>" || token == "</s>" || token == "\n<s>\n" || token == "\n</s>\n")
    return kGgufControl;
  return ByteOfBytePiece(token).has_value() ? kGgufByte : kGgufNormal;
}

absl::Status SetByteLevel(TokenId id, std::string_view token, int32_t type,
                          Vocabulary* vocabulary) {
  if (type == kGgufControl || type == kGgufUnknown)
    return vocabulary->Set(id, token, TokenType::kControl);
  if (type == kGgufUserDefined) return vocabulary->Set(id, token, TokenType::kUserDefined);
  const std::optional<std::string> bytes = BytesOfByteLevel(token);
  if (!bytes.has_value()) return vocabulary->Set(id, token, TokenType::kUnfindable);
  return vocabulary->Set(id, *bytes, TokenType::kNormal);
}

absl::Status SetSentencePiece(TokenId id, std::string_view token, int32_t type,
                              Vocabulary* vocabulary) {
  if (type == kGgufControl || type == kGgufUnknown)
    return vocabulary->Set(id, token, TokenType::kControl);
  if (type == kGgufByte) {
    const std::optional<char> byte = ByteOfBytePiece(token);
    if (!byte.has_value()) {
      return absl::DataLossError(
          absl::StrCat("vocabulary: token ", id, " has type byte, but its text is not <0xXX>"));
    }
    return vocabulary->Set(id, std::string(1, *byte), TokenType::kByte);
  }
  return vocabulary->Set(id, WithPlainSpaces(token),
                         type == kGgufUserDefined ? TokenType::kUserDefined : TokenType::kNormal);
}

absl::Status FillTokens(const VocabularySpec& spec, BpeTokenizerParts* parts) {
  parts->vocabulary = std::make_unique<Vocabulary>();
  CRIA_RETURN_IF_ERROR(parts->vocabulary->Resize(spec.tokens->size()));
  for (size_t i = 0; i < spec.tokens->size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const std::string& token = (*spec.tokens)[i];
    const int32_t type = HasTypes(spec) ? (*spec.types)[i] : GuessType(spec, id, token);
    if (type < kGgufUndefined || type > kGgufByte) {
      return absl::DataLossError(
          absl::StrCat("vocabulary: token ", id, " has type ", type, ", expected 0..6"));
    }
    const auto set = spec.model == "gpt2" ? SetByteLevel : SetSentencePiece;
    CRIA_RETURN_IF_ERROR(set(id, token, type, parts->vocabulary.get()));
    const bool special = type == kGgufControl || type == kGgufUnknown;
    if (special || type == kGgufUserDefined) {
      parts->added.push_back(
          {.id = id, .text = std::string(parts->vocabulary->bytes(id)), .special = special});
    }
  }
  parts->vocabulary->BuildIndex();
  return absl::OkStatus();
}

absl::StatusOr<MergeList> ParseMerges(const std::vector<std::string>& merges,
                                      const Vocabulary& vocabulary) {
  MergeList list;
  list.Reserve(merges.size());
  for (size_t i = 0; i < merges.size(); ++i) {
    const std::string_view merge = merges[i];
    const size_t space = merge.find(' ', 1);
    const auto bad = [&] {
      return absl::DataLossError(
          absl::StrCat("vocabulary: merge ", i, " ", base::Quote(merge),
                       ": expected two tokens of the vocabulary that join to a third"));
    };
    if (space == std::string_view::npos) return bad();
    const std::optional<std::string> left = BytesOfByteLevel(merge.substr(0, space));
    const std::optional<std::string> right = BytesOfByteLevel(merge.substr(space + 1));
    if (!left.has_value() || !right.has_value()) return bad();
    const TokenId left_id = vocabulary.Find(*left), right_id = vocabulary.Find(*right);
    const TokenId merged = vocabulary.Find(*left + *right);
    if (left_id == kNoToken || right_id == kNoToken || merged == kNoToken) return bad();
    list.Add(left_id, right_id, merged);
  }
  return list;
}

absl::Status FillByteLevel(const VocabularySpec& spec, BpeTokenizerParts* parts) {
  if (spec.merges == nullptr) return absl::DataLossError("vocabulary: model 'gpt2' without merges");
  const auto patterns = PatternsOfGgufPre(spec.pre);
  if (!patterns.has_value()) {
    return absl::UnimplementedError(
        absl::StrCat("vocabulary: pre-tokenizer ", base::Quote(spec.pre),
                     " is not supported; supported are llama-bpe, smollm, gpt-2 and default"));
  }
  parts->kind = "byte-level BPE";
  CRIA_ASSIGN_OR_RETURN(parts->pre_tokenizer, MakePreTokenizer(*patterns));
  CRIA_ASSIGN_OR_RETURN(MergeList merges, ParseMerges(*spec.merges, *parts->vocabulary));
  parts->model = MakeMergeListBpe(*parts->vocabulary, std::move(merges),
                                  {.whole_pieces = spec.pre == "llama-bpe"});
  parts->add_bos = spec.add_bos.value_or(spec.pre == "llama-bpe");
  return absl::OkStatus();
}

// Rank 0 is the best score; equal scores are equal ranks.
absl::StatusOr<std::vector<uint32_t>> RanksOfScores(const std::vector<float>& scores) {
  if (std::any_of(scores.begin(), scores.end(), [](float score) { return std::isnan(score); })) {
    return absl::DataLossError("vocabulary: a score is NaN");
  }
  std::vector<uint32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return scores[a] > scores[b]; });
  std::vector<uint32_t> ranks(scores.size());
  uint32_t rank = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && scores[order[i]] != scores[order[i - 1]]) ++rank;
    ranks[order[i]] = rank;
  }
  return ranks;
}

absl::Status FillSentencePiece(const VocabularySpec& spec, BpeTokenizerParts* parts) {
  if (spec.scores == nullptr || spec.scores->size() != spec.tokens->size()) {
    return absl::DataLossError(absl::StrCat("vocabulary: ", spec.tokens->size(), " tokens but ",
                                            spec.scores == nullptr ? 0 : spec.scores->size(),
                                            " scores"));
  }
  CRIA_ASSIGN_OR_RETURN(std::vector<uint32_t> ranks, RanksOfScores(*spec.scores));
  BpeModel::Options options{.unit = BpeUnit::kCharacter};
  for (size_t i = 0; i < spec.tokens->size() && options.unknown == kNoToken; ++i) {
    const auto id = static_cast<TokenId>(i);
    const int32_t type = HasTypes(spec) ? (*spec.types)[i] : GuessType(spec, id, (*spec.tokens)[i]);
    if (type == kGgufUnknown) options.unknown = id;
  }
  parts->kind = "SentencePiece BPE";
  parts->pre_tokenizer = SentencePiecePreTokenizer(*parts->vocabulary);
  parts->model = MakeRankedBpe(*parts->vocabulary, std::move(ranks), options);
  parts->space_prefix = spec.add_space_prefix ? SpacePrefix::kAlways : SpacePrefix::kNever;
  parts->meta_spaces = true;
  parts->drops_leading_space = spec.add_space_prefix;
  parts->add_bos = spec.add_bos.value_or(true);
  return absl::OkStatus();
}

absl::Status CheckId(const std::optional<TokenId>& id, std::string_view name,
                     const Vocabulary& vocabulary) {
  if (!id.has_value() || vocabulary.Contains(*id)) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("vocabulary: the ", std::string(name), " id ", *id,
                                          " is outside of ", vocabulary.size(), " tokens"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<const Tokenizer>> TokenizerFromVocabulary(
    const VocabularySpec& spec) {
  if (spec.model != "gpt2" && spec.model != "llama") {
    return absl::UnimplementedError(
        absl::StrCat("vocabulary: tokenizer model ", base::Quote(spec.model),
                     " is not supported; supported are gpt2 and llama"));
  }
  if (spec.tokens == nullptr || spec.tokens->empty())
    return absl::DataLossError("vocabulary: no tokens");
  if (HasTypes(spec) && spec.types->size() != spec.tokens->size()) {
    return absl::DataLossError(absl::StrCat("vocabulary: ", spec.tokens->size(), " tokens but ",
                                            spec.types->size(), " token types"));
  }
  BpeTokenizerParts parts;
  CRIA_RETURN_IF_ERROR(FillTokens(spec, &parts));
  CRIA_RETURN_IF_ERROR(CheckId(spec.bos, "BOS", *parts.vocabulary));
  CRIA_RETURN_IF_ERROR(CheckId(spec.eos, "EOS", *parts.vocabulary));
  parts.bos = spec.bos;
  parts.eos = spec.eos;
  CRIA_RETURN_IF_ERROR(spec.model == "gpt2" ? FillByteLevel(spec, &parts)
                                            : FillSentencePiece(spec, &parts));
  return MakeBpeTokenizer(std::move(parts));
}

}  // namespace cria::text
