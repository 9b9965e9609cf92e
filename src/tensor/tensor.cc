#include "tensor/tensor.h"

#include "base/checked_math.h"

namespace cria::tensor {

std::optional<int64_t> Shape::Elements() const {
  constexpr uint64_t kLimit = uint64_t{1} << 62;
  uint64_t product = 1;
  for (const int64_t dim : dims_) {
    if (dim < 0) return std::nullopt;
    const auto next = base::CheckedMul(product, static_cast<uint64_t>(dim));
    if (!next || *next > kLimit) return std::nullopt;
    product = *next;
  }
  return static_cast<int64_t>(product);
}

std::string Shape::ToString() const {
  std::string text = "[";
  for (size_t i = 0; i < dims_.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(dims_[i]);
  }
  return text + "]";
}

std::optional<uint64_t> ByteSize(DType dtype, const Shape& shape) {
  const auto elements = shape.Elements();
  if (!elements) return std::nullopt;
  const DTypeInfo& info = Info(dtype);
  const int64_t last = shape.rank() == 0 ? 1 : shape[shape.rank() - 1];
  if (last % info.block_elements != 0) return std::nullopt;
  return base::CheckedMul(static_cast<uint64_t>(*elements / info.block_elements),
                          static_cast<uint64_t>(info.block_bytes));
}

std::optional<Tensor> Tensor::Allocate(DType dtype, Shape shape) {
  const auto bytes = ByteSize(dtype, shape);
  CRIA_CHECK(bytes.has_value());
  Tensor tensor;
  tensor.dtype_ = dtype;
  tensor.shape_ = std::move(shape);
  if (!base::AlignedBuffer::Allocate(*bytes, &tensor.buffer_)) return std::nullopt;
  return tensor;
}

}  // namespace cria::tensor
