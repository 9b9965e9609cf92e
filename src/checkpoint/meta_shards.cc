#include "checkpoint/meta_shards.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/check.h"
#include "base/checked_math.h"
#include "base/quote.h"
#include "checkpoint/meta_names.h"

namespace cria::checkpoint {
namespace {

using tensor::Shape;

constexpr uint64_t kMaxCopies = 2;  // of the files' bytes: a tied head may be stored twice

std::string Describe(const StridedTensor& tensor) {
  return absl::StrCat(tensor.shape.ToString(), " ", std::string(tensor::Name(tensor.dtype)));
}

class Merger {
 public:
  Merger(const std::vector<MetaShard>& shards, int64_t dim, Checkpoint::Parts* parts)
      : shards_(shards), dim_(dim), parts_(parts), index_(shards.size()) {
    for (size_t i = 0; i < shards.size(); ++i) {
      copies_left_ += kMaxCopies * shards[i].file_bytes;
      for (const StridedTensor& tensor : shards[i].tensors) index_[i][tensor.name] = &tensor;
    }
  }

  absl::Status Merge() {
    const MetaShard& first = shards_[0];
    for (const MetaShard& shard : shards_) {
      for (const StridedTensor& tensor : shard.tensors)
        if (!index_[0].contains(tensor.name))
          return absl::DataLossError(absl::StrCat(shard.path, ": tensor ", base::Quote(tensor.name),
                                                  " is not in ", first.path));
      parts_->owners.push_back(shard.owner);
    }
    for (const StridedTensor& tensor : first.tensors)
      if (absl::Status status = Add(tensor); !status.ok())
        return base::Annotate(status,
                              absl::StrCat(first.path, ": tensor ", base::Quote(tensor.name)));
    return absl::OkStatus();
  }

 private:
  // `first` of rank 0, with its fellows of the other ranks.
  absl::Status Add(const StridedTensor& first) {
    CRIA_ASSIGN_OR_RETURN(const std::vector<const StridedTensor*> slices, Slices(first));
    const std::optional<MetaName> known = CanonicalFromMeta(first.name);
    const MetaName name = known.value_or(MetaName{first.name, ShardCut::kReplicated});
    const std::string_view canonical = name.canonical;
    if (canonical.ends_with(".zeros")) return CheckZeros(first);
    if (known && slices.size() > 1 &&
        (!canonical.ends_with(".weight") || canonical.find(".adaptor.") != std::string_view::npos))
      return absl::UnimplementedError(
          "shards of a quantised model can't be merged, expected a single consolidated.00.pth");
    const bool whole = slices.size() == 1 || name.cut == ShardCut::kReplicated;
    if (whole && first.IsContiguous()) {
      parts_->tensors.push_back(
          {name.canonical, first.name, {first.dtype, first.shape, first.bytes}});
      return absl::OkStatus();
    }
    if (whole) return Copy(name.canonical, first.name, {&first}, /*by_columns=*/false);
    if (first.shape.rank() != 2)
      return absl::DataLossError(
          absl::StrCat("shape ", first.shape.ToString(), ", expected a matrix"));
    const bool by_columns = name.cut == ShardCut::kColumns ||
                            (name.cut == ShardCut::kEmbedding && first.shape[1] != dim_);
    return Copy(name.canonical, first.name, slices, by_columns);
  }

  absl::StatusOr<std::vector<const StridedTensor*>> Slices(const StridedTensor& first) const {
    std::vector<const StridedTensor*> slices;
    for (size_t i = 0; i < shards_.size(); ++i) {
      const auto found = index_[i].find(first.name);
      if (found == index_[i].end())
        return absl::DataLossError(absl::StrCat("is missing in ", shards_[i].path));
      const StridedTensor& slice = *found->second;
      if (slice.dtype != first.dtype || !(slice.shape == first.shape))
        return absl::DataLossError(absl::StrCat("is ", Describe(first), ", but ", Describe(slice),
                                                " in ", shards_[i].path,
                                                ": the shards are not of one model"));
      slices.push_back(&slice);
    }
    return slices;
  }

  // Zero points of 0 say nothing; others would need another arithmetic.
  absl::Status CheckZeros(const StridedTensor& zeros) const {
    if (std::all_of(zeros.bytes.begin(), zeros.bytes.end(), [](uint8_t byte) { return byte == 0; }))
      return absl::OkStatus();
    return absl::UnimplementedError("zero points other than 0 are not supported");
  }

  // One tensor of all slices, side by side or one under the other.
  absl::Status Copy(const std::string& name, const std::string& source,
                    const std::vector<const StridedTensor*>& slices, bool by_columns) {
    std::vector<int64_t> dims = slices[0]->shape.dims();
    const auto count = static_cast<int64_t>(slices.size());
    if (count > 1) dims[by_columns ? 1 : 0] *= count;  // no overflow: the slices lie in files
    const Shape shape(dims);
    const uint64_t slice_bytes = slices[0]->size_bytes();
    const auto bytes = base::CheckedMul(slice_bytes, slices.size());
    if (!bytes || *bytes > copies_left_)
      return absl::DataLossError(
          "the tensors of the model are larger than its files: they share too much to be copied");
    copies_left_ -= *bytes;
    const auto buffer = std::make_shared<base::AlignedBuffer>();
    if (!base::AlignedBuffer::Allocate(*bytes, buffer.get()))
      return absl::ResourceExhaustedError(absl::StrCat("no memory for its ", *bytes, " bytes"));
    const tensor::View view{slices[0]->dtype, shape, {buffer->data(), buffer->size()}};
    uint8_t* out = buffer->data();
    for (const StridedTensor* slice : slices) {
      slice->CopyTo(out, view.row_bytes());
      out += by_columns ? view.row_bytes() / slices.size() : slice_bytes;
    }
    parts_->tensors.push_back({name, source, view});
    parts_->owners.push_back(buffer);
    return absl::OkStatus();
  }

  const std::vector<MetaShard>& shards_;
  const int64_t dim_;
  Checkpoint::Parts* const parts_;
  std::vector<std::map<std::string_view, const StridedTensor*>> index_;  // of each shard, by name
  uint64_t copies_left_ = 0;
};

}  // namespace

absl::Status MergeMetaShards(const std::vector<MetaShard>& shards, int64_t dim,
                             Checkpoint::Parts* parts) {
  CRIA_CHECK(!shards.empty());
  return Merger(shards, dim, parts).Merge();
}

}  // namespace cria::checkpoint
