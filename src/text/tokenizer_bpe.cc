#include "text/tokenizer_bpe.h"

#include <utility>

#include "text/sentencepiece.h"
#include "text/tokenizer_chunks.h"

namespace cria::text {
namespace {

constexpr size_t kMaxTextBytes = size_t{1} << 30;

// The finders of one SpecialText: those for the text as it comes, and those for the normalised
// text.
struct Finders {
  AddedTokenFinder raw, normalized;
};

class BpeTokenizer final : public Tokenizer {
 public:
  BpeTokenizer(BpeTokenizerParts parts, Finders plain, Finders all)
      : parts_(std::move(parts)), plain_(std::move(plain)), all_(std::move(all)) {
    for (TokenId id = vocab_size() - 1; id >= 0; --id) {
      if (IsSpecial(id)) special_ids_[std::string(parts_.vocabulary->bytes(id))] = id;
    }
  }

  absl::Status Encode(std::string_view text, SpecialText special,
                      std::vector<TokenId>* ids) const override {
    if (text.size() > kMaxTextBytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat("tokenizer: a text of ", text.size(), " bytes, at most ", kMaxTextBytes));
    }
    Pass pass{special == SpecialText::kParse ? all_ : plain_, ids, {}};
    if (!parts_.chunked) return EncodeRaw(text, &pass);
    absl::Status status;
    ForEachChunk(text, [&](std::string_view chunk) { status.Update(EncodeRaw(chunk, &pass)); });
    return status;
  }

  std::string TokenBytes(TokenId id, bool special) const override {
    if (!parts_.vocabulary->Contains(id) || (!special && IsSpecial(id))) return "";
    return std::string(parts_.vocabulary->bytes(id));
  }

  std::string Decode(const std::vector<TokenId>& ids, bool special) const override {
    std::string text;
    for (const TokenId id : ids) {
      if (!parts_.vocabulary->Contains(id) || (!special && IsSpecial(id))) continue;
      text += parts_.vocabulary->bytes(id);
    }
    if (parts_.drops_leading_space && text.starts_with(' ')) text.erase(0, 1);
    return text;
  }

  int32_t vocab_size() const override { return parts_.vocabulary->size(); }
  bool IsSpecial(TokenId id) const override {
    return parts_.vocabulary->Contains(id) && parts_.vocabulary->type(id) == TokenType::kControl;
  }
  std::optional<TokenId> SpecialId(std::string_view name) const override {
    const auto found = special_ids_.find(std::string(name));
    if (found == special_ids_.end()) return std::nullopt;
    return found->second;
  }
  std::optional<TokenId> bos() const override { return parts_.bos; }
  std::optional<TokenId> eos() const override { return parts_.eos; }
  bool add_bos() const override { return parts_.add_bos; }
  bool drops_leading_space() const override { return parts_.drops_leading_space; }
  std::string_view kind() const override { return parts_.kind; }

 private:
  // The state of one Encode.
  struct Pass {
    const Finders& finders;
    std::vector<TokenId>* ids;
    BpeWorkspace workspace;
  };

  // Calls `between` for each part of `text` that is no added token, and appends those that are.
  template <typename Between>
  static absl::Status CutOutAdded(const AddedTokenFinder& finder, std::string_view text, Pass* pass,
                                  const Between& between) {
    size_t done = 0;
    while (!finder.empty()) {
      const auto match = finder.FindFirst(text, done);
      if (!match.has_value()) break;
      if (match->begin > done)
        CRIA_RETURN_IF_ERROR(between(text.substr(done, match->begin - done), done == 0));
      pass->ids->push_back(match->id);
      done = match->end;
    }
    return done < text.size() ? between(text.substr(done), done == 0) : absl::OkStatus();
  }

  absl::Status EncodeRaw(std::string_view text, Pass* pass) const {
    return CutOutAdded(pass->finders.raw, text, pass, [&](std::string_view part, bool first) {
      return EncodePart(part, first, pass);
    });
  }

  // Normalises a text that holds no added token that is looked for in the text as it comes.
  absl::Status EncodePart(std::string_view text, bool first, Pass* pass) const {
    const bool meta = parts_.meta_spaces && text.find(kMetaSpace) != std::string_view::npos;
    const bool prefix = NeedsPrefix(text, first);
    if (!meta && !prefix) return EncodeNormalized(text, pass);
    std::string normalized = meta ? WithPlainSpaces(text) : std::string(text);
    if (prefix) normalized.insert(0, 1, ' ');
    return EncodeNormalized(normalized, pass);
  }

  bool NeedsPrefix(std::string_view text, bool first) const {
    const bool space =
        text.starts_with(' ') || (parts_.meta_spaces && text.starts_with(kMetaSpace));
    switch (parts_.space_prefix) {
      case SpacePrefix::kNever:
        return false;
      case SpacePrefix::kAlways:
        return true;
      case SpacePrefix::kUnlessSpace:
        return !space;
      case SpacePrefix::kFirstUnlessSpace:
        return first && !space;
    }
    return false;
  }

  absl::Status EncodeNormalized(std::string_view text, Pass* pass) const {
    return CutOutAdded(pass->finders.normalized, text, pass, [&](std::string_view part, bool) {
      return parts_.pre_tokenizer->Split(part, [&](std::string_view piece) {
        parts_.model->Encode(piece, &pass->workspace, pass->ids);
      });
    });
  }

  const BpeTokenizerParts parts_;
  const Finders plain_, all_;  // for SpecialText::kPlain and kParse
  absl::flat_hash_map<std::string, TokenId> special_ids_;
};

absl::StatusOr<Finders> MakeFinders(const std::vector<AddedToken>& added, bool with_special) {
  std::vector<AddedToken> raw, normalized;
  for (const AddedToken& token : added) {
    if (token.special && !with_special) continue;
    (token.normalized ? normalized : raw).push_back(token);
  }
  Finders finders;
  CRIA_ASSIGN_OR_RETURN(finders.raw, AddedTokenFinder::Make(raw));
  CRIA_ASSIGN_OR_RETURN(finders.normalized, AddedTokenFinder::Make(normalized));
  return finders;
}

}  // namespace

absl::StatusOr<std::unique_ptr<const Tokenizer>> MakeBpeTokenizer(BpeTokenizerParts parts) {
  CRIA_ASSIGN_OR_RETURN(Finders plain, MakeFinders(parts.added, /*with_special=*/false));
  CRIA_ASSIGN_OR_RETURN(Finders all, MakeFinders(parts.added, /*with_special=*/true));
  return std::make_unique<BpeTokenizer>(std::move(parts), std::move(plain), std::move(all));
}

}  // namespace cria::text
