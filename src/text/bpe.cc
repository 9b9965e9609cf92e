#include "text/bpe.h"

#include <algorithm>
#include <functional>

#include "base/check.h"
#include "text/utf8.h"

namespace cria::text {
namespace {

using Symbol = BpeWorkspace::Symbol;
constexpr uint32_t kNoRank = BpeWorkspace::kNoRank;
constexpr uint32_t kEnd = UINT32_MAX;  // of the list of symbols

// From this number of symbols on a heap beats looking through all of them for each merge.
constexpr size_t kLongPiece = 64;

// Pairs by the bytes that they make.
class RankedMerges {
 public:
  RankedMerges(const Vocabulary& vocabulary, std::vector<uint32_t> ranks)
      : vocabulary_(vocabulary), ranks_(std::move(ranks)) {}

  void Find(std::string_view piece, Symbol* left, const Symbol& right) const {
    const TokenId id = vocabulary_.Find(piece.substr(left->begin, left->length + right.length));
    left->merged = id;
    left->rank = id == kNoToken   ? kNoRank
                 : ranks_.empty() ? static_cast<uint32_t>(id)
                                  : ranks_[static_cast<size_t>(id)];
  }

 private:
  const Vocabulary& vocabulary_;
  std::vector<uint32_t> ranks_;
};

// Pairs by the ids of their parts.
class ListedMerges {
 public:
  explicit ListedMerges(MergeList merges) : merges_(std::move(merges)) {}

  void Find(std::string_view, Symbol* left, const Symbol& right) const {
    const MergeList::Merge* merge =
        left->id == kNoToken || right.id == kNoToken ? nullptr : merges_.Find(left->id, right.id);
    left->rank = merge != nullptr ? merge->rank : kNoRank;
    left->merged = merge != nullptr ? merge->merged : kNoToken;
  }

 private:
  MergeList merges_;
};

template <typename Merges>
class Bpe final : public BpeModel {
 public:
  Bpe(const Vocabulary& vocabulary, Merges merges, const Options& options)
      : vocabulary_(vocabulary),
        merges_(std::move(merges)),
        options_(options),
        whole_(options.whole_pieces ? 0 : static_cast<size_t>(vocabulary.size())) {
    byte_ids_.fill(kNoToken);
    for (int byte = 0; byte < 256 && options.unit == BpeUnit::kByte; ++byte) {
      const char c = static_cast<char>(byte);
      byte_ids_[static_cast<size_t>(byte)] = vocabulary.Find({&c, 1});
    }
    for (TokenId id = 0; id < vocabulary.size() && options.unit == BpeUnit::kCharacter; ++id) {
      if (vocabulary.type(id) != TokenType::kByte || vocabulary.bytes(id).size() != 1) continue;
      byte_ids_[static_cast<uint8_t>(vocabulary.bytes(id)[0])] = id;
    }
  }

  void Encode(std::string_view piece, BpeWorkspace* workspace,
              std::vector<TokenId>* ids) const override {
    CRIA_CHECK(piece.size() <= size_t{INT32_MAX});
    if (piece.empty()) return;
    if (const TokenId id = vocabulary_.Find(piece); id != kNoToken && IsWhole(id, workspace)) {
      ids->push_back(id);
      return;
    }
    Merge(piece, workspace);
    Emit(piece, workspace->symbols, ids);
  }

 private:
  enum class Whole : uint8_t { kNotComputed, kYes, kNo };

  // Whether a piece of this token's bytes becomes this token. Computed when first asked; two
  // threads that compute it at once find the same.
  bool IsWhole(TokenId id, BpeWorkspace* workspace) const {
    if (options_.whole_pieces) return true;
    std::atomic<Whole>& memo = whole_[static_cast<size_t>(id)];
    Whole whole = memo.load(std::memory_order_relaxed);
    if (whole == Whole::kNotComputed) {
      Merge(vocabulary_.bytes(id), workspace);
      whole = workspace->symbols.size() == 1 && workspace->symbols[0].id == id ? Whole::kYes
                                                                               : Whole::kNo;
      memo.store(whole, std::memory_order_relaxed);
    }
    return whole == Whole::kYes;
  }

  // Leaves the symbols that remain in `workspace->symbols`.
  void Merge(std::string_view piece, BpeWorkspace* workspace) const {
    std::vector<Symbol>& symbols = workspace->symbols;
    Start(piece, &symbols);
    for (size_t i = 0; i + 1 < symbols.size(); ++i)
      merges_.Find(piece, &symbols[i], symbols[i + 1]);
    workspace->steps += symbols.size();
    if (symbols.size() < kLongPiece) {
      MergeShort(piece, workspace);
    } else {
      MergeLong(piece, workspace);
    }
  }

  void Start(std::string_view piece, std::vector<Symbol>* symbols) const {
    symbols->clear();
    for (uint32_t begin = 0; begin < piece.size();) {
      Symbol symbol{.begin = begin,
                    .length = 1,
                    .id = kNoToken,
                    .rank = kNoRank,
                    .merged = kNoToken,
                    .next = kEnd,
                    .previous = kEnd};
      if (options_.unit == BpeUnit::kByte) {
        symbol.id = byte_ids_[static_cast<uint8_t>(piece[begin])];
      } else {
        const Utf8Char c = DecodeUtf8(piece.substr(begin));
        if (c.kind == Utf8Char::Kind::kValid) symbol.length = c.length;
        symbol.id = vocabulary_.Find(piece.substr(begin, symbol.length));
      }
      begin += symbol.length;
      // A byte that the vocabulary lacks is not there for its neighbours (Hugging Face tokenizers,
      // models/bpe).
      const bool dropped =
          symbol.id == kNoToken && options_.unit == BpeUnit::kByte && options_.unknown == kNoToken;
      if (!dropped) symbols->push_back(symbol);
    }
  }

  void MergeShort(std::string_view piece, BpeWorkspace* workspace) const {
    std::vector<Symbol>& symbols = workspace->symbols;
    const auto lower_rank = [](const Symbol& a, const Symbol& b) { return a.rank < b.rank; };
    while (symbols.size() > 1) {
      const auto left = std::min_element(symbols.begin(), symbols.end(), lower_rank);
      workspace->steps += symbols.size();
      if (left->rank == kNoRank) return;
      left->length += (left + 1)->length;
      left->id = left->merged;
      symbols.erase(left + 1);
      left->rank = kNoRank;
      if (left + 1 != symbols.end()) merges_.Find(piece, &*left, *(left + 1));
      if (left != symbols.begin()) merges_.Find(piece, &*(left - 1), *left);
    }
  }

  void MergeLong(std::string_view piece, BpeWorkspace* workspace) const {
    std::vector<Symbol>& symbols = workspace->symbols;
    std::vector<uint64_t>& heap = workspace->heap;
    heap.clear();
    const auto entry = [&symbols](uint32_t i) { return (uint64_t{symbols[i].rank} << 32) | i; };
    for (uint32_t i = 0; i < symbols.size(); ++i) {
      symbols[i].previous = i > 0 ? i - 1 : kEnd;
      symbols[i].next = i + 1 < symbols.size() ? i + 1 : kEnd;
      if (symbols[i].rank != kNoRank) heap.push_back(entry(i));
    }
    std::make_heap(heap.begin(), heap.end(), std::greater<>());
    const auto update = [&](uint32_t i) {
      symbols[i].rank = kNoRank;
      if (symbols[i].next == kEnd) return;
      merges_.Find(piece, &symbols[i], symbols[symbols[i].next]);
      if (symbols[i].rank == kNoRank) return;
      heap.push_back(entry(i));
      std::push_heap(heap.begin(), heap.end(), std::greater<>());
    };
    while (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end(), std::greater<>());
      const uint64_t top = heap.back();
      heap.pop_back();
      ++workspace->steps;
      const auto left = static_cast<uint32_t>(top);
      if (symbols[left].length == 0 || entry(left) != top)
        continue;  // what it was made of has been merged since
      const uint32_t right = symbols[left].next;
      symbols[left].length += symbols[right].length;
      symbols[left].id = symbols[left].merged;
      symbols[left].next = symbols[right].next;
      symbols[right].length = 0;
      if (symbols[left].next != kEnd) symbols[symbols[left].next].previous = left;
      update(left);
      if (symbols[left].previous != kEnd) update(symbols[left].previous);
    }
    std::erase_if(symbols, [](const Symbol& symbol) { return symbol.length == 0; });
  }

  void Emit(std::string_view piece, const std::vector<Symbol>& symbols,
            std::vector<TokenId>* ids) const {
    bool after_unknown = false;
    for (const Symbol& symbol : symbols) {
      const std::string_view bytes = piece.substr(symbol.begin, symbol.length);
      const bool known = symbol.id != kNoToken || SpelledByBytes(bytes);
      if (symbol.id != kNoToken) {
        ids->push_back(symbol.id);
      } else if (known) {
        for (const char byte : bytes) ids->push_back(byte_ids_[static_cast<uint8_t>(byte)]);
      } else if (options_.unknown != kNoToken && !(after_unknown && options_.fuse_unknown)) {
        ids->push_back(options_.unknown);
      }
      after_unknown = !known;
    }
  }

  bool SpelledByBytes(std::string_view bytes) const {
    return std::all_of(bytes.begin(), bytes.end(), [this](char byte) {
      return byte_ids_[static_cast<uint8_t>(byte)] != kNoToken;
    });
  }

  const Vocabulary& vocabulary_;
  const Merges merges_;
  const Options options_;
  std::array<TokenId, 256> byte_ids_;
  mutable std::vector<std::atomic<Whole>> whole_;  // by id
};

}  // namespace

std::unique_ptr<const BpeModel> MakeRankedBpe(const Vocabulary& vocabulary,
                                              std::vector<uint32_t> ranks,
                                              const BpeModel::Options& options) {
  CRIA_CHECK(ranks.empty() || ranks.size() == static_cast<size_t>(vocabulary.size()));
  return std::make_unique<Bpe<RankedMerges>>(vocabulary, RankedMerges(vocabulary, std::move(ranks)),
                                             options);
}

std::unique_ptr<const BpeModel> MakeMergeListBpe(const Vocabulary& vocabulary, MergeList merges,
                                                 const BpeModel::Options& options) {
  return std::make_unique<Bpe<ListedMerges>>(vocabulary, ListedMerges(std::move(merges)), options);
}

}  // namespace cria::text
