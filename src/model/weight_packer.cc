#include "model/weight_packer.h"

#include <algorithm>
#include <optional>

#include "base/aligned_buffer.h"
#include "base/check.h"
#include "tensor/block_codec.h"

namespace cria::model {
namespace {

using kernels::WeightKind;
using tensor::DType;

constexpr int64_t kPartBytes = 16 << 20;  // of a stored matrix, packed at a time

// Integer weights that all fit in four bits are packed in four: nothing is lost, half the bytes are
// read.
bool FitsInt4(const tensor::View& view) {
  return std::all_of(view.bytes.begin(), view.bytes.end(), [](uint8_t byte) {
    const auto value = static_cast<int8_t>(byte);
    return value >= -8 && value <= 7;
  });
}

// Of every type but I8, whose kind depends on the values.
std::optional<WeightKind> KindOf(DType type) {
  switch (type) {
    case DType::kF32:
      return WeightKind::kF32;
    case DType::kF16:
      return WeightKind::kF16;
    case DType::kBf16:
      return WeightKind::kBf16;
    case DType::kQ8_0:
      return WeightKind::kQ8_0;
    case DType::kQ4_0:
      return WeightKind::kQ4_0;
    case DType::kQ4_1:
      return WeightKind::kQ4_1;
    case DType::kQ5_0:
      return WeightKind::kQ5_0;
    case DType::kQ5_1:
      return WeightKind::kQ5_1;
    case DType::kQ4K:
      return WeightKind::kQ4K;
    case DType::kQ5K:
      return WeightKind::kQ5K;
    case DType::kQ6K:
      return WeightKind::kQ6K;
    default:
      return std::nullopt;
  }
}

size_t PackedSize(const kernels::PackedMatrix& matrix) {
  return static_cast<size_t>(matrix.panels()) *
         kernels::PanelBytes(matrix.kind, matrix.cols, matrix.group);
}

}  // namespace

WeightPacker::WeightPacker(const checkpoint::Checkpoint& checkpoint, std::string path,
                           base::ThreadPool& pool)
    : checkpoint_(checkpoint), path_(std::move(path)), pool_(pool) {
  if (path_.empty()) return;
  fingerprint_ = Fingerprint(checkpoint);
  if (auto kept = PackedFile::Open(path_, fingerprint_, pool); kept.ok()) kept_ = *std::move(kept);
}

absl::StatusOr<PackedWeights> WeightPacker::Pack(const std::string& name) {
  const tensor::View* weight = checkpoint_.Find(name + ".weight");
  CRIA_CHECK(weight != nullptr);  // Checkpoint::FromParts has seen to it
  const tensor::View* scales = checkpoint_.Find(name + ".scales");
  kernels::PackedMatrix matrix;
  matrix.rows = weight->rows();
  matrix.cols = weight->cols();
  if (scales != nullptr) matrix.group = matrix.cols / scales->cols();
  std::optional<WeightKind> kind = KindOf(weight->dtype);
  const bool integers = weight->dtype == DType::kI8 && scales != nullptr;
  if (!kind && !integers)
    return absl::UnimplementedError(absl::StrCat("tensor '", name, ".weight': weights of type ",
                                                 std::string(tensor::Name(weight->dtype)),
                                                 " can't be run"));
  if (kept_ != nullptr && packed_.size() < kept_->matrices().size()) {
    const PackedBytes& bytes = kept_->matrices()[packed_.size()];
    matrix.kind = bytes.kind;
    matrix.data = bytes.bytes.data();
    const bool right_kind =
        kind ? bytes.kind == *kind
             : bytes.kind == WeightKind::kInt4Group || bytes.kind == WeightKind::kInt8Group;
    if (right_kind && PackedSize(matrix) == bytes.bytes.size()) {
      packed_.push_back({matrix, kept_, bytes.bytes.size()});
      return packed_.back();
    }
  }
  kept_ = nullptr;  // whatever it is, it doesn't fit
  if (!kind) kind = FitsInt4(*weight) ? WeightKind::kInt4Group : WeightKind::kInt8Group;
  matrix.kind = *kind;
  CRIA_ASSIGN_OR_RETURN(PackedWeights packed, PackAnew(name, matrix));
  packed_.push_back(packed);
  return packed;
}

absl::StatusOr<PackedWeights> WeightPacker::PackAnew(const std::string& name,
                                                     kernels::PackedMatrix matrix) {
  kernels::WeightSource source;
  source.kind = matrix.kind;
  source.rows = matrix.rows;
  source.cols = matrix.cols;
  source.group = matrix.group;
  const std::span<const uint8_t> stored = checkpoint_.Find(name + ".weight")->bytes;
  source.data = stored.data();
  std::vector<float> scale_values;  // F32, whatever the file holds
  if (const tensor::View* scales = checkpoint_.Find(name + ".scales")) {
    scale_values.resize(static_cast<size_t>(*scales->shape.Elements()));
    tensor::Decode(scales->dtype, scales->bytes.data(), static_cast<int64_t>(scale_values.size()),
                   scale_values.data());
    source.scales = reinterpret_cast<const uint8_t*>(scale_values.data());
  }
  const size_t bytes = PackedSize(matrix);
  auto buffer = std::make_shared<base::AlignedBuffer>();
  if (!base::AlignedBuffer::Allocate(bytes, buffer.get()))
    return absl::ResourceExhaustedError(
        absl::StrCat("no memory to pack tensor '", name, "': ", bytes, " bytes"));
  // In parts, so that of a large matrix there are never two whole copies in memory.
  const int64_t row_bytes = static_cast<int64_t>(stored.size()) / matrix.rows;
  const int64_t panel_bytes = row_bytes * kernels::kPanelRows;
  const int64_t part = std::max<int64_t>(kPartBytes / panel_bytes, pool_.num_threads());
  for (int64_t panel = 0; panel < matrix.panels(); panel += part) {
    const int64_t count = std::min(part, matrix.panels() - panel);
    pool_.ParallelFor(count, 1, [&](int64_t begin, int64_t end) {
      kernels::PackPanels(source, panel + begin, panel + end, buffer->data());
    });
    const auto first = static_cast<size_t>(panel * panel_bytes);
    checkpoint_.DropPages(stored.subspan(
        first, std::min(static_cast<size_t>(count * panel_bytes), stored.size() - first)));
  }
  matrix.data = buffer->data();
  return PackedWeights{matrix, std::move(buffer), bytes};
}

absl::Status WeightPacker::Finish() {
  if (path_.empty() || kept_ != nullptr) return absl::OkStatus();
  std::vector<PackedBytes> matrices;
  for (const PackedWeights& packed : packed_)
    matrices.push_back({packed.matrix.kind, {packed.matrix.data, packed.bytes}});
  return WritePackedFile(path_, fingerprint_, matrices, pool_);
}

}  // namespace cria::model
