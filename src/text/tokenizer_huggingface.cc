// Hugging Face tokenizer.json (huggingface/tokenizers) with a BPE model; WordPiece is handed on.
#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/quote.h"
#include "text/byte_level.h"
#include "text/sentencepiece.h"
#include "text/tokenizer_bpe.h"
#include "text/tokenizer_factory.h"
#include "text/tokenizer_huggingface_pipeline.h"
#include "text/tokenizer_wordpiece.h"

namespace cria::text {
namespace {

namespace json = base::json;

absl::Status Malformed(std::string_view what) {
  return absl::DataLossError(absl::StrCat("tokenizer.json: ", std::string(what)));
}

// Wrong types in a file are damage of the file, not a wrong request.
absl::Status AsDamage(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kInvalidArgument) return status;
  return absl::DataLossError(status.message());
}

absl::StatusOr<std::optional<bool>> ConfigFlag(const json::object& config, std::string_view key) {
  auto flag = base::GetBool(config, key);
  if (flag.ok()) return flag;
  return base::Annotate(AsDamage(flag.status()), "tokenizer_config.json");
}

class Reader {
 public:
  Reader(const json::object& tokenizer, const json::object& config)
      : tokenizer_(tokenizer), config_(config) {}

  absl::StatusOr<std::unique_ptr<const Tokenizer>> Read() {
    model_ = base::FindObject(tokenizer_, "model");
    if (model_ == nullptr) return Malformed("no model");
    CRIA_RETURN_IF_ERROR(CheckModel());
    CRIA_ASSIGN_OR_RETURN(pipeline_, ReadHuggingFacePipeline(tokenizer_));
    CRIA_RETURN_IF_ERROR(ReadVocabulary());
    CRIA_RETURN_IF_ERROR(ReadAddedTokens());
    parts_.vocabulary->BuildIndex();
    CRIA_RETURN_IF_ERROR(ReadMerges());
    CRIA_RETURN_IF_ERROR(MakePipeline());
    CRIA_RETURN_IF_ERROR(ReadConfig());
    return MakeBpeTokenizer(std::move(parts_));
  }

 private:
  absl::Status CheckModel() {
    CRIA_ASSIGN_OR_RETURN(std::optional<std::string> type, base::GetString(*model_, "type"));
    if (const std::string name = std::move(type).value_or("BPE"); name != "BPE") {
      return absl::UnimplementedError(absl::StrCat("tokenizer.json: model ", base::Quote(name),
                                                   " is not supported; BPE and WordPiece are"));
    }
    CRIA_ASSIGN_OR_RETURN(const std::optional<double> dropout, base::GetDouble(*model_, "dropout"));
    if (dropout.value_or(0.0) != 0.0)
      return absl::UnimplementedError("tokenizer.json: dropout is not supported");
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      CRIA_ASSIGN_OR_RETURN(const std::optional<std::string> affix, base::GetString(*model_, key));
      if (!affix.value_or("").empty()) {
        return absl::UnimplementedError(absl::StrCat("tokenizer.json: ", key, " is not supported"));
      }
    }
    CRIA_ASSIGN_OR_RETURN(const std::optional<bool> byte_fallback,
                          base::GetBool(*model_, "byte_fallback"));
    byte_fallback_ = byte_fallback.value_or(false);
    return absl::OkStatus();
  }

  // The bytes that a token of the model stands for; nullopt if no text becomes it.
  std::optional<std::string> BytesOf(std::string_view token) const {
    if (pipeline_.byte_level) return BytesOfByteLevel(token);
    return WithPlainSpaces(token);
  }

  absl::StatusOr<TokenId> IdOf(const json::value& value, std::string_view token) const {
    if (!value.is_int64() || value.get_int64() < 0 ||
        value.get_int64() >= static_cast<int64_t>(Vocabulary::kMaxTokens)) {
      return Malformed(absl::StrCat("token ", base::Quote(token), ": its id is no integer in 0..",
                                    Vocabulary::kMaxTokens - 1));
    }
    return static_cast<TokenId>(value.get_int64());
  }

  absl::Status ReadVocabulary() {
    const json::object* vocab = base::FindObject(*model_, "vocab");
    if (vocab == nullptr || vocab->empty()) return Malformed("the model has no vocab");
    added_ = base::FindArray(tokenizer_, "added_tokens");
    const size_t entries = vocab->size() + (added_ != nullptr ? added_->size() : 0);
    TokenId largest = 0;
    for (const auto& [token, value] : *vocab) {
      CRIA_ASSIGN_OR_RETURN(const TokenId id, IdOf(value, {token.data(), token.size()}));
      largest = std::max(largest, id);
    }
    CRIA_RETURN_IF_ERROR(FindLargestAdded(&largest));
    if (static_cast<size_t>(largest) > 2 * entries + 1024) {
      return Malformed(absl::StrCat("id ", largest, " among ", entries,
                                    " tokens: most ids would have no token"));
    }
    parts_.vocabulary = std::make_unique<Vocabulary>();
    CRIA_RETURN_IF_ERROR(parts_.vocabulary->Resize(static_cast<size_t>(largest) + 1));
    for (const auto& [token, value] : *vocab) {
      CRIA_RETURN_IF_ERROR(
          SetModelToken(static_cast<TokenId>(value.get_int64()), {token.data(), token.size()}));
    }
    return absl::OkStatus();
  }

  absl::Status FindLargestAdded(TokenId* largest) const {
    if (added_ == nullptr) return absl::OkStatus();
    for (const json::value& value : *added_) {
      if (!value.is_object() || base::Find(value.as_object(), "id") == nullptr) {
        return Malformed("an added token without an id");
      }
      CRIA_ASSIGN_OR_RETURN(const TokenId id, IdOf(value.as_object().at("id"), "added"));
      *largest = std::max(*largest, id);
    }
    return absl::OkStatus();
  }

  absl::Status SetModelToken(TokenId id, std::string_view token) {
    Vocabulary& vocabulary = *parts_.vocabulary;
    if (vocabulary.Contains(id)) return Malformed(absl::StrCat("two tokens have id ", id));
    if (!pipeline_.byte_level && byte_fallback_) {
      if (const auto byte = ByteOfBytePiece(token)) {
        return vocabulary.Set(id, std::string(1, *byte), TokenType::kByte);
      }
    }
    const std::optional<std::string> bytes = BytesOf(token);
    if (!bytes.has_value()) return vocabulary.Set(id, token, TokenType::kUnfindable);
    return vocabulary.Set(id, *bytes, TokenType::kNormal);
  }

  absl::Status ReadAddedTokens() {
    if (added_ == nullptr) return absl::OkStatus();
    for (const json::value& value : *added_)
      CRIA_RETURN_IF_ERROR(ReadAddedToken(value.as_object()));
    return absl::OkStatus();
  }

  absl::Status ReadAddedToken(const json::object& fields) {
    AddedToken token;
    token.id = static_cast<TokenId>(fields.at("id").get_int64());
    CRIA_ASSIGN_OR_RETURN(std::optional<std::string> content, base::GetString(fields, "content"));
    if (!content.has_value())
      return Malformed(absl::StrCat("added token ", token.id, " without content"));
    bool single_word = false;
    const std::pair<const char*, bool*> flags[] = {{"special", &token.special},
                                                   {"lstrip", &token.takes_space_before},
                                                   {"rstrip", &token.takes_space_after},
                                                   {"normalized", &token.normalized},
                                                   {"single_word", &single_word}};
    for (const auto& [key, flag] : flags) {
      CRIA_ASSIGN_OR_RETURN(const std::optional<bool> set, base::GetBool(fields, key));
      *flag = set.value_or(false);
    }
    if (single_word) {
      return absl::UnimplementedError(absl::StrCat(
          "tokenizer.json: added token ", base::Quote(*content), ": single_word is not supported"));
    }
    const std::string text = pipeline_.byte_level ? *content : WithPlainSpaces(*content);
    CRIA_RETURN_IF_ERROR(parts_.vocabulary->Set(
        token.id, text, token.special ? TokenType::kControl : TokenType::kUserDefined));
    // A normalised token is looked for as the normalizer would write it.
    token.normalized = token.normalized && pipeline_.normalizes;
    const bool prefix = token.normalized && pipeline_.space_prefix == SpacePrefix::kAlways;
    token.text = token.normalized ? (prefix ? " " : "") + text : *content;
    parts_.added.push_back(std::move(token));
    return absl::OkStatus();
  }

  // "left right" or ["left", "right"].
  static std::optional<std::pair<std::string_view, std::string_view>> SplitMerge(
      const json::value& merge) {
    if (merge.is_array() && merge.as_array().size() == 2 && merge.as_array()[0].is_string() &&
        merge.as_array()[1].is_string()) {
      const json::string& left = merge.as_array()[0].as_string();
      const json::string& right = merge.as_array()[1].as_string();
      return {{{left.data(), left.size()}, {right.data(), right.size()}}};
    }
    if (!merge.is_string()) return std::nullopt;
    const std::string_view text(merge.as_string().data(), merge.as_string().size());
    const size_t space = text.find(' ');
    if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos)
      return std::nullopt;
    return {{text.substr(0, space), text.substr(space + 1)}};
  }

  absl::Status ReadMerges() {
    const json::array* merges = base::FindArray(*model_, "merges");
    if (merges == nullptr) return Malformed("the model has no merges");
    merges_.Reserve(merges->size());
    for (size_t i = 0; i < merges->size(); ++i) {
      const auto split = SplitMerge((*merges)[i]);
      if (!split.has_value())
        return Malformed(absl::StrCat("merge ", i, " is not a pair of tokens"));
      const std::optional<std::string> left = BytesOf(split->first), right = BytesOf(split->second);
      const auto find = [&](const std::string& bytes) { return parts_.vocabulary->Find(bytes); };
      const TokenId left_id = left.has_value() ? find(*left) : kNoToken;
      const TokenId right_id = right.has_value() ? find(*right) : kNoToken;
      const TokenId merged =
          left.has_value() && right.has_value() ? find(*left + *right) : kNoToken;
      if (left_id == kNoToken || right_id == kNoToken || merged == kNoToken) {
        if (!InVocab(split->first) || !InVocab(split->second) ||
            !InVocab(std::string(split->first) + std::string(split->second))) {
          return Malformed(
              absl::StrCat("merge ", i, ": its parts or their union are not in the vocab"));
        }
        continue;  // one of them is special: no text becomes that
      }
      merges_.Add(left_id, right_id, merged);
    }
    return absl::OkStatus();
  }

  bool InVocab(std::string_view token) const {
    return base::Find(*base::FindObject(*model_, "vocab"), token) != nullptr;
  }

  absl::Status MakePipeline() {
    BpeModel::Options options;
    options.unit = pipeline_.byte_level ? BpeUnit::kByte : BpeUnit::kCharacter;
    CRIA_ASSIGN_OR_RETURN(const std::optional<bool> ignore_merges,
                          base::GetBool(*model_, "ignore_merges"));
    CRIA_ASSIGN_OR_RETURN(const std::optional<bool> fuse_unknown,
                          base::GetBool(*model_, "fuse_unk"));
    options.whole_pieces = ignore_merges.value_or(false);
    options.fuse_unknown = fuse_unknown.value_or(false);
    CRIA_ASSIGN_OR_RETURN(const std::optional<std::string> unknown,
                          base::GetString(*model_, "unk_token"));
    if (unknown.has_value()) {
      CRIA_ASSIGN_OR_RETURN(options.unknown, Resolve(*unknown, "unk_token"));
    }
    parts_.model = MakeMergeListBpe(*parts_.vocabulary, std::move(merges_), options);
    parts_.kind = pipeline_.byte_level ? "byte-level BPE" : "SentencePiece BPE";
    parts_.space_prefix = pipeline_.space_prefix;
    parts_.meta_spaces = !pipeline_.byte_level;
    parts_.drops_leading_space = pipeline_.drops_leading_space;
    if (pipeline_.byte_level) {
      CRIA_ASSIGN_OR_RETURN(parts_.pre_tokenizer,
                            MakePreTokenizer(pipeline_.patterns, "tokenizer.json"));
    } else {
      parts_.pre_tokenizer = pipeline_.splits_at_spaces
                                 ? MakeSpacePreTokenizer()
                                 : SentencePiecePreTokenizer(*parts_.vocabulary);
    }
    return absl::OkStatus();
  }

  // The id of a token by its name in the file.
  absl::StatusOr<TokenId> Resolve(std::string_view name, std::string_view what) const {
    for (const AddedToken& token : parts_.added) {
      if (parts_.vocabulary->bytes(token.id) == name) return token.id;
    }
    const json::value* id = base::Find(*base::FindObject(*model_, "vocab"), name);
    if (id != nullptr) return static_cast<TokenId>(id->get_int64());
    return Malformed(
        absl::StrCat("the ", std::string(what), " ", base::Quote(name), " is not in the vocab"));
  }

  // A token in tokenizer_config.json: its text, or an object with it; null if absent.
  absl::StatusOr<std::optional<TokenId>> ConfigToken(std::string_view key) const {
    const json::value* value = base::Find(config_, key);
    if (value == nullptr) return std::optional<TokenId>();
    if (value->is_object()) value = base::Find(value->as_object(), "content");
    if (value == nullptr || !value->is_string()) {
      return absl::DataLossError(absl::StrCat("tokenizer_config.json: ", std::string(key),
                                              " is neither a text nor an object with content"));
    }
    CRIA_ASSIGN_OR_RETURN(const TokenId id,
                          Resolve({value->as_string().data(), value->as_string().size()}, key));
    return std::optional<TokenId>(id);
  }

  absl::Status ReadConfig() {
    CRIA_ASSIGN_OR_RETURN(parts_.bos, ConfigToken("bos_token"));
    CRIA_ASSIGN_OR_RETURN(parts_.eos, ConfigToken("eos_token"));
    if (pipeline_.bos.has_value()) {
      CRIA_ASSIGN_OR_RETURN(parts_.bos, Resolve(*pipeline_.bos, "post_processor's token"));
      parts_.add_bos = true;
    }
    CRIA_ASSIGN_OR_RETURN(const std::optional<bool> add_bos, ConfigFlag(config_, "add_bos_token"));
    CRIA_ASSIGN_OR_RETURN(const std::optional<bool> add_eos, ConfigFlag(config_, "add_eos_token"));
    if (add_eos.value_or(false)) {
      return absl::UnimplementedError(
          "tokenizer_config.json: add_eos_token is not supported: set it to false to use this "
          "tokenizer");
    }
    if (add_bos.has_value()) parts_.add_bos = *add_bos && parts_.bos.has_value();
    return absl::OkStatus();
  }

  const json::object& tokenizer_;
  const json::object& config_;
  const json::object* model_ = nullptr;
  const json::array* added_ = nullptr;
  bool byte_fallback_ = false;
  HuggingFacePipeline pipeline_;
  MergeList merges_;
  BpeTokenizerParts parts_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<const Tokenizer>> TokenizerFromHuggingFace(std::string_view file,
                                                                          std::string_view config) {
  CRIA_ASSIGN_OR_RETURN(const json::value tokenizer_json, base::ParseJson(file, "tokenizer.json"));
  json::value config_json = json::object();
  if (!config.empty()) {
    CRIA_ASSIGN_OR_RETURN(config_json, base::ParseJson(config, "tokenizer_config.json"));
  }
  if (!tokenizer_json.is_object() || !config_json.is_object()) {
    return Malformed("expected an object, in tokenizer_config.json too");
  }
  auto tokenizer = IsWordPiece(tokenizer_json.as_object())
                       ? WordPieceFromJson(tokenizer_json.as_object())
                       : Reader(tokenizer_json.as_object(), config_json.as_object()).Read();
  if (tokenizer.ok() || tokenizer.status().message().find("tokenizer_config.json: ") == 0)
    return tokenizer;
  return base::Annotate(AsDamage(tokenizer.status()), "tokenizer.json");
}

}  // namespace cria::text
