// The files that a WordPiece tokenizer comes in: tokenizer.json, or vocab.txt.
#include "absl/strings/str_split.h"
#include "base/quote.h"
#include "text/tokenizer_factory.h"
#include "text/tokenizer_wordpiece.h"
#include "text/vocabulary.h"

namespace cria::text {
namespace {

namespace json = base::json;

absl::Status Malformed(const std::string& what) {
  return absl::DataLossError("tokenizer.json: " + what);
}

absl::Status Unsupported(const std::string& what) {
  return absl::UnimplementedError("tokenizer.json: " + what + " is not supported for WordPiece");
}

absl::StatusOr<std::string> TypeOf(const json::object& component) {
  CRIA_ASSIGN_OR_RETURN(std::optional<std::string> type, base::GetString(component, "type"));
  return std::move(type).value_or("");
}

// The component under `key`, which must be of that type.
absl::StatusOr<const json::object*> Component(const json::object& tokenizer, std::string_view key,
                                              std::string_view wanted) {
  const json::object* component = base::FindObject(tokenizer, key);
  const std::string name(key);
  if (component == nullptr) return Unsupported("no " + name);
  CRIA_ASSIGN_OR_RETURN(const std::string type, TypeOf(*component));
  if (type != wanted) return Unsupported(absl::StrCat(name, " ", base::Quote(type)));
  return component;
}

absl::StatusOr<TokenId> ReadId(const json::value& value, std::string_view token) {
  if (!value.is_int64() || value.get_int64() < 0 ||
      value.get_int64() >= static_cast<int64_t>(Vocabulary::kMaxTokens))
    return Malformed(absl::StrCat("token ", base::Quote(token), ": its id is no integer in 0..",
                                  Vocabulary::kMaxTokens - 1));
  return static_cast<TokenId>(value.get_int64());
}

absl::Status ReadModel(const json::object& model, WordPieceParts* parts) {
  const json::object* vocab = base::FindObject(model, "vocab");
  if (vocab == nullptr || vocab->empty()) return Malformed("the model has no vocab");
  for (const auto& [token, value] : *vocab) {
    if (token.empty()) return Malformed("the vocab has an empty token");
    CRIA_ASSIGN_OR_RETURN(const TokenId id, ReadId(value, {token.data(), token.size()}));
    parts->tokens.emplace_back(id, std::string(token.data(), token.size()));
  }
  CRIA_ASSIGN_OR_RETURN(auto unknown, base::GetString(model, "unk_token"));
  CRIA_ASSIGN_OR_RETURN(auto prefix, base::GetString(model, "continuing_subword_prefix"));
  CRIA_ASSIGN_OR_RETURN(const auto longest, base::GetInt(model, "max_input_chars_per_word"));
  parts->unknown = std::move(unknown).value_or("[UNK]");
  parts->continuing_prefix = std::move(prefix).value_or("##");
  if (parts->continuing_prefix.empty()) return Unsupported("an empty continuing_subword_prefix");
  parts->max_word_characters = longest.value_or(100);
  return absl::OkStatus();
}

absl::Status ReadAdded(const json::object& tokenizer, WordPieceParts* parts) {
  const json::array* added = base::FindArray(tokenizer, "added_tokens");
  if (added == nullptr) return absl::OkStatus();
  for (const json::value& value : *added) {
    const json::object* fields = value.if_object();
    const json::value* id = fields == nullptr ? nullptr : base::Find(*fields, "id");
    if (id == nullptr) return Malformed("an added token without an id");
    AddedToken token;
    CRIA_ASSIGN_OR_RETURN(token.id, ReadId(*id, "added"));
    CRIA_ASSIGN_OR_RETURN(std::optional<std::string> content, base::GetString(*fields, "content"));
    token.text = std::move(content).value_or("");
    if (token.text.empty())
      return Malformed(absl::StrCat("added token ", token.id, " without content"));
    bool single_word = false;
    const std::pair<const char*, bool*> flags[] = {{"special", &token.special},
                                                   {"lstrip", &token.takes_space_before},
                                                   {"rstrip", &token.takes_space_after},
                                                   {"normalized", &token.normalized},
                                                   {"single_word", &single_word}};
    for (const auto& [key, flag] : flags) {
      CRIA_ASSIGN_OR_RETURN(const std::optional<bool> set, base::GetBool(*fields, key));
      *flag = set.value_or(false);
    }
    if (single_word || token.normalized)
      return Unsupported(absl::StrCat("added token ", base::Quote(token.text), " that is ",
                                      single_word ? "single_word" : "normalized"));
    parts->added.push_back(std::move(token));
  }
  return absl::OkStatus();
}

absl::Status ReadNormalizer(const json::object& fields, BertNormalizerOptions* options) {
  const auto flag = [&](std::string_view key, bool otherwise) -> absl::StatusOr<bool> {
    CRIA_ASSIGN_OR_RETURN(const std::optional<bool> set, base::GetBool(fields, key));
    return set.value_or(otherwise);
  };
  CRIA_ASSIGN_OR_RETURN(options->clean_text, flag("clean_text", true));
  CRIA_ASSIGN_OR_RETURN(options->handle_chinese_chars, flag("handle_chinese_chars", true));
  CRIA_ASSIGN_OR_RETURN(options->lowercase, flag("lowercase", true));
  CRIA_ASSIGN_OR_RETURN(options->strip_accents, flag("strip_accents", options->lowercase));
  return absl::OkStatus();
}

// {"SpecialToken": {"id": "[CLS]"}} -> "[CLS]"; {"Sequence": {"id": "A"}} -> nothing.
absl::StatusOr<std::optional<std::string>> TemplateItem(const json::value& item) {
  const json::object* fields = item.if_object();
  if (fields != nullptr && base::FindObject(*fields, "Sequence") != nullptr)
    return std::optional<std::string>();
  const json::object* token =
      fields == nullptr ? nullptr : base::FindObject(*fields, "SpecialToken");
  if (token == nullptr)
    return Malformed("post_processor: a template item that is neither text nor special token");
  return base::GetString(*token, "id");
}

// At most one special token before the text, and at most one behind it.
absl::Status ReadTemplate(const json::object& fields, WordPieceParts* parts) {
  const json::array* items = base::FindArray(fields, "single");
  if (items == nullptr) return Malformed("post_processor without 'single'");
  bool text_seen = false;
  for (const json::value& item : *items) {
    CRIA_ASSIGN_OR_RETURN(std::optional<std::string> token, TemplateItem(item));
    if (!token.has_value()) {
      if (text_seen) return Unsupported("a template with the text twice");
      text_seen = true;
      continue;
    }
    std::optional<std::string>& place = text_seen ? parts->last : parts->first;
    if (place.has_value()) return Unsupported("a template with two tokens in a row");
    place = std::move(token);
  }
  return text_seen ? absl::OkStatus() : Malformed("post_processor: a template without the text");
}

// BertProcessing: ["[CLS]", 101] and ["[SEP]", 102].
absl::Status ReadBertProcessing(const json::object& fields, WordPieceParts* parts) {
  const std::pair<const char*, std::optional<std::string>*> places[] = {{"cls", &parts->first},
                                                                        {"sep", &parts->last}};
  for (const auto& [key, place] : places) {
    const json::array* pair = base::FindArray(fields, key);
    if (pair == nullptr || pair->empty() || !pair->front().is_string())
      return Malformed(absl::StrCat("post_processor: '", key, "' is no pair of token and id"));
    const json::string& name = pair->front().get_string();
    *place = std::string(name.data(), name.size());
  }
  return absl::OkStatus();
}

absl::Status ReadPostProcessor(const json::object& tokenizer, WordPieceParts* parts) {
  parts->first.reset();
  parts->last.reset();
  const json::object* component = base::FindObject(tokenizer, "post_processor");
  if (component == nullptr) return absl::OkStatus();
  CRIA_ASSIGN_OR_RETURN(const std::string type, TypeOf(*component));
  if (type == "TemplateProcessing") return ReadTemplate(*component, parts);
  if (type == "BertProcessing") return ReadBertProcessing(*component, parts);
  return Unsupported("post_processor " + base::Quote(type));
}

}  // namespace

bool IsWordPiece(const json::object& tokenizer) {
  const json::object* model = base::FindObject(tokenizer, "model");
  if (model == nullptr) return false;
  const absl::StatusOr<std::string> type = TypeOf(*model);
  return type.ok() && *type == "WordPiece";
}

absl::StatusOr<std::unique_ptr<const Tokenizer>> WordPieceFromJson(const json::object& tokenizer) {
  WordPieceParts parts;
  CRIA_RETURN_IF_ERROR(ReadModel(*base::FindObject(tokenizer, "model"), &parts));
  CRIA_RETURN_IF_ERROR(ReadAdded(tokenizer, &parts));
  CRIA_ASSIGN_OR_RETURN(const json::object* normalizer,
                        Component(tokenizer, "normalizer", "BertNormalizer"));
  CRIA_RETURN_IF_ERROR(ReadNormalizer(*normalizer, &parts.normalizer));
  CRIA_RETURN_IF_ERROR(Component(tokenizer, "pre_tokenizer", "BertPreTokenizer").status());
  CRIA_RETURN_IF_ERROR(ReadPostProcessor(tokenizer, &parts));
  return MakeWordPieceTokenizer(std::move(parts));
}

absl::StatusOr<std::unique_ptr<const Tokenizer>> TokenizerFromWordPieceVocabulary(
    std::string_view file, std::string_view config) {
  json::value fields = json::object();
  if (!config.empty()) {
    CRIA_ASSIGN_OR_RETURN(fields, base::ParseJson(config, "tokenizer_config.json"));
  }
  if (!fields.is_object()) return absl::DataLossError("tokenizer_config.json: expected an object");
  WordPieceParts parts;
  BertNormalizerOptions& options = parts.normalizer;
  const auto flag = [&](std::string_view key, bool otherwise) -> absl::StatusOr<bool> {
    const auto set = base::GetBool(fields.get_object(), key);
    if (!set.ok())
      return absl::DataLossError(absl::StrCat("tokenizer_config.json: ", set.status().message()));
    return set->value_or(otherwise);
  };
  CRIA_ASSIGN_OR_RETURN(options.lowercase, flag("do_lower_case", true));
  CRIA_ASSIGN_OR_RETURN(options.strip_accents, flag("strip_accents", options.lowercase));
  CRIA_ASSIGN_OR_RETURN(options.handle_chinese_chars, flag("tokenize_chinese_chars", true));
  constexpr std::string_view kSpecial[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  TokenId id = 0;
  for (absl::string_view line : absl::StrSplit(absl::string_view(file.data(), file.size()), '\n')) {
    if (absl::EndsWith(line, "\r")) line.remove_suffix(1);
    if (static_cast<size_t>(id) >= Vocabulary::kMaxTokens)
      return absl::DataLossError(
          absl::StrCat("vocab.txt: more than ", Vocabulary::kMaxTokens, " lines"));
    std::string token(line);
    for (const std::string_view special : kSpecial)
      if (token == special) parts.added.push_back({.id = id, .text = token, .special = true});
    if (!token.empty()) parts.tokens.emplace_back(id, std::move(token));
    ++id;
  }
  return MakeWordPieceTokenizer(std::move(parts));
}

}  // namespace cria::text
