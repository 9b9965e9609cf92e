#include "checkpoint/torch_archive.h"

#include <cstring>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/checked_math.h"
#include "base/quote.h"
#include "checkpoint/pickle.h"
#include "checkpoint/zip.h"

namespace cria::checkpoint {
namespace {

constexpr std::string_view kPickle = "data.pkl";

// torch.save before version 1.6: a pickle of this magic number first.
bool IsLegacy(std::span<const uint8_t> bytes) {
  constexpr uint8_t kMagic[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20};
  return bytes.size() >= sizeof kMagic && std::memcmp(bytes.data(), kMagic, sizeof kMagic) == 0;
}

// "STEM/": the folder inside the archive that everything lies in.
absl::StatusOr<std::string> FindFolder(const ZipArchive& archive, const std::string& what) {
  std::optional<std::string> folder;
  for (const ZipEntry& entry : archive.entries()) {
    const size_t slash = entry.name.find('/');
    if (slash == std::string_view::npos || entry.name.substr(slash + 1) != kPickle) continue;
    if (folder)
      return absl::DataLossError(absl::StrCat(what, ": holds both ",
                                              base::Quote(*folder + "data.pkl"), " and ",
                                              base::Quote(entry.name)));
    folder = std::string(entry.name.substr(0, slash + 1));
  }
  if (!folder)
    return absl::DataLossError(
        absl::StrCat(what, ": there is no 'data.pkl' in it: not a file of torch.save"));
  return *folder;
}

absl::Status CheckKind(const ZipArchive& archive, const std::string& folder,
                       const std::string& what) {
  if (archive.Find(folder + "constants.pkl") != nullptr)
    return absl::UnimplementedError(
        absl::StrCat(what, ": is a TorchScript program, expected weights of torch.save"));
  const ZipEntry* order = archive.Find(folder + "byteorder");
  if (order == nullptr) return absl::OkStatus();
  const std::string_view text(reinterpret_cast<const char*>(order->bytes.data()),
                              order->bytes.size());
  if (text == "little") return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat(what, ": byte order ", base::Quote(text),
                                               " is not supported, only 'little' is"));
}

// Elements from the first to the last, both included; 0 for an empty tensor, nullopt on overflow.
std::optional<uint64_t> Extent(const PickledTensor& tensor) {
  uint64_t last = 0;
  for (size_t i = 0; i < tensor.shape.size(); ++i) {
    if (tensor.shape[i] == 0) return 0;
    const auto step = base::CheckedMul(static_cast<uint64_t>(tensor.shape[i] - 1),
                                       static_cast<uint64_t>(tensor.strides[i]));
    const auto sum = step ? base::CheckedAdd(last, *step) : std::nullopt;
    if (!sum) return std::nullopt;
    last = *sum;
  }
  return base::CheckedAdd(last, 1);
}

absl::StatusOr<StridedTensor> Place(const PickledTensor& pickled, const ZipArchive& archive,
                                    const std::string& folder) {
  const std::string name = absl::StrCat(folder, "data/", std::string(pickled.storage));
  const ZipEntry* storage = archive.Find(name);
  if (storage == nullptr)
    return absl::DataLossError(absl::StrCat("its storage ", base::Quote(name), " is missing"));
  const auto element = static_cast<uint64_t>(tensor::Info(pickled.dtype).block_bytes);
  const auto needed = base::CheckedMul(pickled.storage_elements, element);
  if (!needed || *needed != storage->bytes.size())
    return absl::DataLossError(
        absl::StrCat("its storage ", base::Quote(name), " has ", storage->bytes.size(), " bytes, ",
                     pickled.storage_elements, " elements of ",
                     std::string(tensor::Name(pickled.dtype)), " were expected"));
  StridedTensor tensor{
      std::string(pickled.name), pickled.dtype, tensor::Shape(pickled.shape), pickled.strides, {}};
  const auto extent = Extent(pickled);
  if (!extent || !base::RangeFits(pickled.offset, *extent, pickled.storage_elements))
    return absl::DataLossError(
        absl::StrCat("shape ", tensor.shape.ToString(), ", strides ",
                     tensor::Shape(pickled.strides).ToString(), " from element ", pickled.offset,
                     " reach beyond its storage of ", pickled.storage_elements, " elements"));
  const auto elements = tensor.shape.Elements();
  if (!elements || static_cast<uint64_t>(*elements) > pickled.storage_elements)
    return absl::UnimplementedError(absl::StrCat(
        "shape ", tensor.shape.ToString(), " repeats elements of its storage of ",
        pickled.storage_elements, ": such tensors are not supported; call contiguous() first"));
  tensor.bytes = storage->bytes.subspan(pickled.offset * element, *extent * element);
  return tensor;
}

}  // namespace

uint64_t StridedTensor::size_bytes() const {
  const auto size = tensor::ByteSize(dtype, shape);
  CRIA_CHECK(size.has_value());  // the shape was checked when the tensor was placed
  return *size;
}

bool StridedTensor::IsContiguous() const {
  if (size_bytes() == 0) return true;
  int64_t expected = 1;
  for (size_t i = shape.rank(); i-- > 0;) {
    if (shape[i] != 1 && strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

void StridedTensor::CopyTo(uint8_t* out, uint64_t out_row_bytes) const {
  const uint64_t total = size_bytes();
  if (total == 0) return;
  const tensor::View view{dtype, shape, bytes};
  const uint64_t row_bytes = view.row_bytes();
  const auto element = static_cast<uint64_t>(tensor::Info(dtype).block_bytes);
  const bool contiguous = IsContiguous();
  const uint64_t piece = contiguous ? row_bytes : element;
  std::vector<int64_t> index(shape.rank(), 0);
  uint64_t from = 0;  // of the element at `index`, in elements
  for (uint64_t to = 0; to < total; to += piece) {
    uint8_t* target = out + to / row_bytes * out_row_bytes + to % row_bytes;
    std::memcpy(target, bytes.data() + (contiguous ? to : from * element), piece);
    for (size_t i = contiguous ? 0 : shape.rank(); i-- > 0;) {
      from += static_cast<uint64_t>(strides[i]);
      if (++index[i] < shape[i]) break;
      from -= static_cast<uint64_t>(shape[i]) * static_cast<uint64_t>(strides[i]);
      index[i] = 0;
    }
  }
}

absl::StatusOr<std::vector<StridedTensor>> ParseTorchArchive(std::span<const uint8_t> bytes,
                                                             const std::string& what) {
  if (IsLegacy(bytes))
    return absl::UnimplementedError(absl::StrCat(
        what,
        ": is a file of torch.save before version 1.6; load it and save it with a newer torch"));
  CRIA_ASSIGN_OR_RETURN(const ZipArchive archive, ZipArchive::Parse(bytes, what));
  CRIA_ASSIGN_OR_RETURN(const std::string folder, FindFolder(archive, what));
  CRIA_RETURN_IF_ERROR(CheckKind(archive, folder, what));
  const ZipEntry* pickle = archive.Find(absl::StrCat(folder, std::string(kPickle)));
  CRIA_ASSIGN_OR_RETURN(const std::vector<PickledTensor> pickled,
                        ParseTensorPickle(pickle->bytes, what));
  std::vector<StridedTensor> tensors;
  for (const PickledTensor& one : pickled) {
    absl::StatusOr<StridedTensor> tensor = Place(one, archive, folder);
    if (!tensor.ok())
      return base::Annotate(tensor.status(),
                            absl::StrCat(what, ": tensor ", base::Quote(one.name)));
    tensors.push_back(*std::move(tensor));
  }
  return tensors;
}

}  // namespace cria::checkpoint
