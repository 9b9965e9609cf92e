#include "text/tokenizer_wordpiece.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "base/quote.h"

namespace cria::text {
namespace {

constexpr size_t kMaxTextBytes = size_t{1} << 30;

class WordPieceTokenizer final : public Tokenizer {
 public:
  static absl::StatusOr<std::unique_ptr<const Tokenizer>> Make(WordPieceParts parts) {
    std::unique_ptr<WordPieceTokenizer> tokenizer(new WordPieceTokenizer(std::move(parts)));
    CRIA_RETURN_IF_ERROR(tokenizer->Build());
    return std::unique_ptr<const Tokenizer>(std::move(tokenizer));
  }

  absl::Status Encode(std::string_view text, SpecialText special,
                      std::vector<TokenId>* ids) const override {
    if (text.size() > kMaxTextBytes)
      return absl::ResourceExhaustedError(
          absl::StrCat("tokenizer: a text of ", text.size(), " bytes, at most ", kMaxTextBytes));
    const AddedTokenFinder& finder = special == SpecialText::kParse ? all_added_ : plain_added_;
    size_t done = 0;
    while (!finder.empty()) {
      const auto match = finder.FindFirst(text, done);
      if (!match.has_value()) break;
      EncodeWords(text.substr(done, match->begin - done), ids);
      ids->push_back(match->id);
      done = match->end;
    }
    EncodeWords(text.substr(done), ids);
    return absl::OkStatus();
  }

  std::string TokenBytes(TokenId id, bool special) const override {
    if (!Shows(id, special)) return "";
    const std::string_view token = tokens_[static_cast<size_t>(id)];
    if (token.starts_with(parts_.continuing_prefix))
      return std::string(token.substr(parts_.continuing_prefix.size()));
    const bool follows = token == "." || token == "?" || token == "!" || token == ",";
    return (follows ? "" : " ") + std::string(token);
  }

  std::string Decode(const std::vector<TokenId>& ids, bool special) const override {
    std::string text;
    for (const TokenId id : ids) text += TokenBytes(id, special);
    if (text.starts_with(' ')) text.erase(0, 1);
    return text;
  }

  int32_t vocab_size() const override { return static_cast<int32_t>(tokens_.size()); }
  bool IsSpecial(TokenId id) const override {
    return id >= 0 && id < vocab_size() && special_[static_cast<size_t>(id)];
  }
  std::optional<TokenId> SpecialId(std::string_view name) const override {
    const auto found = names_.find(name);
    if (found == names_.end() || !IsSpecial(found->second)) return std::nullopt;
    return found->second;
  }
  std::optional<TokenId> bos() const override { return first_; }
  std::optional<TokenId> eos() const override { return last_; }
  bool add_bos() const override { return first_.has_value(); }
  bool add_eos() const override { return last_.has_value(); }
  bool drops_leading_space() const override { return true; }
  std::string_view kind() const override { return "WordPiece"; }

 private:
  using Index = absl::flat_hash_map<std::string_view, TokenId>;  // views into tokens_

  explicit WordPieceTokenizer(WordPieceParts parts) : parts_(std::move(parts)) {}

  absl::Status Build() {
    if (parts_.max_word_characters < 1 || parts_.max_word_characters > kMaxWordCharacters)
      return absl::UnimplementedError(
          absl::StrCat("tokenizer: words of up to ", parts_.max_word_characters,
                       " characters are not supported; expected 1 to ", kMaxWordCharacters));
    CRIA_RETURN_IF_ERROR(PlaceTokens());
    for (size_t i = 0; i < tokens_.size(); ++i) {
      const std::string_view token = tokens_[i];
      if (token.empty()) continue;
      names_.try_emplace(token, static_cast<TokenId>(i));
      if (special_[i]) continue;  // no word is one
      whole_.try_emplace(token, static_cast<TokenId>(i));
      if (token.starts_with(parts_.continuing_prefix))
        continuing_.try_emplace(token.substr(parts_.continuing_prefix.size()),
                                static_cast<TokenId>(i));
    }
    for (const std::string& token : tokens_) longest_ = std::max(longest_, token.size());
    CRIA_ASSIGN_OR_RETURN(unknown_, Resolve(parts_.unknown));
    if (parts_.first) {
      CRIA_ASSIGN_OR_RETURN(first_, Resolve(*parts_.first));
    }
    if (parts_.last) {
      CRIA_ASSIGN_OR_RETURN(last_, Resolve(*parts_.last));
    }
    std::vector<AddedToken> plain = parts_.added;
    std::erase_if(plain, [](const AddedToken& token) { return token.special; });
    CRIA_ASSIGN_OR_RETURN(plain_added_, AddedTokenFinder::Make(plain));
    CRIA_ASSIGN_OR_RETURN(all_added_, AddedTokenFinder::Make(parts_.added));
    return absl::OkStatus();
  }

  // Puts every token in its place; an added one may be in the vocabulary too.
  absl::Status PlaceTokens() {
    TokenId largest = -1;
    for (const auto& [id, token] : parts_.tokens) largest = std::max(largest, id);
    for (const AddedToken& token : parts_.added) largest = std::max(largest, token.id);
    const size_t entries = parts_.tokens.size() + parts_.added.size();
    if (largest < 0 || static_cast<size_t>(largest) >= 2 * entries + 1024)
      return absl::DataLossError(absl::StrCat("tokenizer: largest id ", largest, " among ", entries,
                                              " tokens: most ids would have no token"));
    tokens_.resize(static_cast<size_t>(largest) + 1);
    special_.resize(tokens_.size());
    for (auto& [id, token] : parts_.tokens) {
      std::string& place = tokens_[static_cast<size_t>(id)];
      if (!place.empty())
        return absl::DataLossError(absl::StrCat("tokenizer: two tokens have id ", id));
      place = std::move(token);
    }
    parts_.tokens.clear();
    for (const AddedToken& token : parts_.added) {
      tokens_[static_cast<size_t>(token.id)] = token.text;
      special_[static_cast<size_t>(token.id)] = token.special;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<TokenId> Resolve(const std::string& name) const {
    const auto found = names_.find(name);
    if (found != names_.end()) return found->second;
    return absl::DataLossError(
        absl::StrCat("tokenizer: ", base::Quote(name), " is not in the vocabulary"));
  }

  bool Shows(TokenId id, bool special) const {
    return id >= 0 && id < vocab_size() && (special || !IsSpecial(id));
  }

  void EncodeWords(std::string_view text, std::vector<TokenId>* ids) const {
    if (text.empty()) return;
    const std::string normalized = NormalizeForBert(text, parts_.normalizer);
    ForEachBertWord(normalized, [&](std::string_view word) { EncodeWord(word, ids); });
  }

  // Each piece is the longest that the vocabulary has; where it has none, the word is unknown.
  void EncodeWord(std::string_view word, std::vector<TokenId>* ids) const {
    const auto is_start = [](char byte) { return (static_cast<uint8_t>(byte) & 0xC0) != 0x80; };
    const auto characters = std::count_if(word.begin(), word.end(), is_start);
    const size_t before = ids->size();
    bool known = characters <= parts_.max_word_characters;
    for (size_t begin = 0; known && begin < word.size();) {
      const Index& index = begin == 0 ? whole_ : continuing_;
      size_t length = std::min(word.size() - begin, longest_);
      for (; length > 0; --length) {
        const size_t end = begin + length;
        if (end < word.size() && !is_start(word[end])) continue;  // cuts a character
        const auto found = index.find(word.substr(begin, length));
        if (found == index.end()) continue;
        ids->push_back(found->second);
        break;
      }
      known = length > 0;
      begin += length;
    }
    if (known) return;
    ids->resize(before);
    ids->push_back(unknown_);
  }

  WordPieceParts parts_;
  std::vector<std::string> tokens_;  // by id; "" for ids without a token
  std::vector<bool> special_;
  Index names_;               // all tokens
  Index whole_, continuing_;  // of words: by the whole token, by what stands behind the prefix
  size_t longest_ = 0;        // bytes of a token
  TokenId unknown_ = 0;
  std::optional<TokenId> first_, last_;
  AddedTokenFinder plain_added_, all_added_;  // for SpecialText::kPlain and kParse
};

}  // namespace

absl::StatusOr<std::unique_ptr<const Tokenizer>> MakeWordPieceTokenizer(WordPieceParts parts) {
  return WordPieceTokenizer::Make(std::move(parts));
}

}  // namespace cria::text
