// Shapes, and tensors that own (Tensor) or borrow (View) their bytes. Row-major, the last dimension
// is contiguous.
#ifndef CRIA_TENSOR_TENSOR_H_
#define CRIA_TENSOR_TENSOR_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/check.h"
#include "tensor/dtype.h"

namespace cria::tensor {

// Dimensions, outermost first: a weight matrix is [out_features, in_features]. A scalar has no
// dimension.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) : dims_(dims) {}
  explicit Shape(std::vector<int64_t> dims) : dims_(std::move(dims)) {}

  size_t rank() const { return dims_.size(); }
  int64_t operator[](size_t i) const { return dims_[i]; }
  const std::vector<int64_t>& dims() const { return dims_; }
  bool operator==(const Shape& other) const = default;

  // Product of the dimensions; nullopt if one is negative or the product exceeds 2^62.
  std::optional<int64_t> Elements() const;
  std::string ToString() const;  // "[576, 1536]"

 private:
  std::vector<int64_t> dims_;
};

// Bytes of a tensor; nullopt if the count overflows or the last dimension isn't a multiple of the
// block size.
std::optional<uint64_t> ByteSize(DType dtype, const Shape& shape);

// Borrowed bytes with a type and a shape. Cheap to copy. The owner must outlive it.
struct View {
  DType dtype = DType::kF32;
  Shape shape;
  std::span<const uint8_t> bytes;

  int64_t rows() const { return shape.rank() < 2 ? 1 : shape[0]; }
  int64_t cols() const { return shape.rank() == 0 ? 1 : shape[shape.rank() - 1]; }
  // Bytes of one row of a matrix; rows start at multiples of it.
  size_t row_bytes() const {
    const DTypeInfo& info = Info(dtype);
    return static_cast<size_t>(cols() / info.block_elements) *
           static_cast<size_t>(info.block_bytes);
  }
};

// Owned bytes, zero at first. Movable.
class Tensor {
 public:
  Tensor() = default;
  // CHECKs that the shape is valid; nullopt when there is no memory.
  static std::optional<Tensor> Allocate(DType dtype, Shape shape);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  View view() const { return {dtype_, shape_, {buffer_.data(), buffer_.size()}}; }
  uint8_t* data() { return buffer_.data(); }
  const uint8_t* data() const { return buffer_.data(); }
  size_t size_bytes() const { return buffer_.size(); }
  template <typename T>
  T* as() {
    return buffer_.as<T>();
  }
  template <typename T>
  const T* as() const {
    return buffer_.as<T>();
  }

 private:
  DType dtype_ = DType::kF32;
  Shape shape_;
  base::AlignedBuffer buffer_;
};

}  // namespace cria::tensor

#endif  // CRIA_TENSOR_TENSOR_H_
