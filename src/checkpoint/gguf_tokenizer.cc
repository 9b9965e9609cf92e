#include "checkpoint/gguf_tokenizer.h"

#include <algorithm>
#include <array>

#include "base/quote.h"

namespace cria::checkpoint {
namespace {

constexpr std::string_view kTokens = "tokenizer.ggml.tokens";

absl::StatusOr<std::vector<std::string>> CopyStrings(const GgufFile& file, std::string_view key) {
  CRIA_ASSIGN_OR_RETURN(const GgufArray* array, file.Strings(key));
  if (array == nullptr) return std::vector<std::string>();
  return std::vector<std::string>(array->strings.begin(), array->strings.end());
}

absl::Status CheckLength(const GgufFile& file, std::string_view key, uint64_t length,
                         size_t tokens) {
  if (length == tokens) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(file.what(), ": key ", base::Quote(key), " has ", length,
                                          " elements, expected one for each of the ", tokens,
                                          " tokens"));
}

absl::Status ReadScoresAndTypes(const GgufFile& file, Vocabulary* vocabulary) {
  constexpr std::string_view kScores = "tokenizer.ggml.scores",
                             kTypes = "tokenizer.ggml.token_type";
  const size_t tokens = vocabulary->tokens.size();
  CRIA_ASSIGN_OR_RETURN(const GgufArray* scores, file.Floats(kScores));
  if (scores != nullptr) {
    CRIA_RETURN_IF_ERROR(CheckLength(file, kScores, scores->count, tokens));
    vocabulary->scores.reserve(tokens);
    for (size_t i = 0; i < tokens; ++i)
      vocabulary->scores.push_back(static_cast<float>(scores->FloatAt(i)));
  } else if (vocabulary->model == "llama") {
    return absl::DataLossError(
        absl::StrCat(file.what(), ": key ", base::Quote(kScores), " is missing"));
  }
  CRIA_ASSIGN_OR_RETURN(const GgufArray* types, file.Ints(kTypes));
  if (types == nullptr) return absl::OkStatus();
  CRIA_RETURN_IF_ERROR(CheckLength(file, kTypes, types->count, tokens));
  vocabulary->types.reserve(tokens);
  for (size_t i = 0; i < tokens; ++i) {
    const int64_t type = types->IntAt(i);
    if (type < 0 || type > 6)  // 0 is "undefined" in llama.h
      return absl::DataLossError(absl::StrCat(file.what(), ": key ", base::Quote(kTypes),
                                              ": element ", i, " is ", type, ", expected 0 to 6"));
    vocabulary->types.push_back(static_cast<int32_t>(type));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<int64_t>> TokenId(const GgufFile& file, std::string_view key,
                                               int64_t vocab) {
  CRIA_ASSIGN_OR_RETURN(const std::optional<int64_t> id, file.Int(key));
  if (id && (*id < 0 || *id >= vocab))
    return absl::DataLossError(absl::StrCat(file.what(), ": key ", base::Quote(key), " is ", *id,
                                            ", expected an id below the vocabulary's size ",
                                            vocab));
  return id;
}

absl::Status ReadTokenIds(const GgufFile& file, ModelConfig* config) {
  CRIA_ASSIGN_OR_RETURN(config->bos_id,
                        TokenId(file, "tokenizer.ggml.bos_token_id", config->vocab));
  for (const std::string_view key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                     "tokenizer.ggml.eom_token_id"}) {
    CRIA_ASSIGN_OR_RETURN(const auto id, TokenId(file, key, config->vocab));
    if (id &&
        std::find(config->eos_ids.begin(), config->eos_ids.end(), *id) == config->eos_ids.end())
      config->eos_ids.push_back(*id);
  }
  return absl::OkStatus();
}

// llm_vocab::load of llama.cpp: what holds until tokenizer.ggml.add_bos_token says otherwise.
bool DefaultAddBos(const Vocabulary& vocabulary) {
  constexpr std::array<std::string_view, 3> kLlama3 = {"llama-bpe", "llama3", "llama-v3"};
  return vocabulary.model == "llama" ||
         std::find(kLlama3.begin(), kLlama3.end(), vocabulary.pre) != kLlama3.end();
}

absl::StatusOr<Vocabulary> ReadVocabulary(const GgufFile& file, std::string_view model,
                                          int64_t rows) {
  Vocabulary vocabulary;
  vocabulary.model = std::string(model);
  CRIA_ASSIGN_OR_RETURN(const auto pre, file.String("tokenizer.ggml.pre"));
  vocabulary.pre = std::string(pre.value_or("default"));
  CRIA_ASSIGN_OR_RETURN(vocabulary.tokens, CopyStrings(file, kTokens));
  if (vocabulary.tokens.empty())
    return absl::DataLossError(
        absl::StrCat(file.what(), ": key ", base::Quote(kTokens), " is missing or empty"));
  if (static_cast<int64_t>(vocabulary.tokens.size()) > rows)
    return absl::DataLossError(
        absl::StrCat(file.what(), ": key ", base::Quote(kTokens), " has ", vocabulary.tokens.size(),
                     " tokens, the embedding table has only ", rows, " rows"));
  CRIA_RETURN_IF_ERROR(ReadScoresAndTypes(file, &vocabulary));
  CRIA_ASSIGN_OR_RETURN(vocabulary.merges, CopyStrings(file, "tokenizer.ggml.merges"));
  if (vocabulary.model == "gpt2" && file.Find("tokenizer.ggml.merges") == nullptr)
    return absl::DataLossError(
        absl::StrCat(file.what(), ": key 'tokenizer.ggml.merges' is missing"));
  CRIA_ASSIGN_OR_RETURN(const auto prefix, file.Bool("tokenizer.ggml.add_space_prefix"));
  vocabulary.add_space_prefix = prefix.value_or(model == "llama");
  return vocabulary;
}

}  // namespace

absl::StatusOr<TokenizerData> ReadGgufTokenizer(const GgufFile& file, ModelConfig* config) {
  TokenizerData data;
  CRIA_ASSIGN_OR_RETURN(const auto model, file.String("tokenizer.ggml.model"));
  CRIA_RETURN_IF_ERROR(ReadTokenIds(file, config));
  CRIA_ASSIGN_OR_RETURN(config->add_bos, file.Bool("tokenizer.ggml.add_bos_token"));
  CRIA_ASSIGN_OR_RETURN(const auto chat_template, file.String("tokenizer.chat_template"));
  if (chat_template) data.chat_template = std::string(*chat_template);
  if (!model || *model == "none" || *model == "no_vocab") return data;
  if (*model != "gpt2" && *model != "llama")
    return absl::UnimplementedError(absl::StrCat(file.what(), ": tokenizer model ",
                                                 base::Quote(*model),
                                                 " is not supported, only 'gpt2' and 'llama' are"));
  data.kind = TokenizerData::Kind::kVocabulary;
  CRIA_ASSIGN_OR_RETURN(data.vocabulary, ReadVocabulary(file, *model, config->vocab));
  if (!config->add_bos) config->add_bos = DefaultAddBos(data.vocabulary);
  return data;
}

}  // namespace cria::checkpoint
