#include "checkpoint/torch_archive.h"

#include <numeric>

#include "checkpoint/test_support.h"
#include "checkpoint/torch_test_support.h"

namespace cria::checkpoint {
namespace {

using absl::StatusCode;

absl::StatusOr<std::vector<StridedTensor>> Parse(const std::string& file) {
  return ParseTorchArchive(Bytes(file), "f.pth");
}

// Bytes 0, 1, 2, ...
std::string Ramp(size_t count) {
  std::string bytes(count, '\0');
  std::iota(bytes.begin(), bytes.end(), '\0');
  return bytes;
}

TorchTestTensor Bytes8(std::vector<int64_t> shape, std::vector<int64_t> strides, int64_t offset) {
  return {.name = "w",
          .shape = std::move(shape),
          .data = Ramp(24),
          .storage_class = "ByteStorage",
          .element_bytes = 1,
          .strides = std::move(strides),
          .offset = offset};
}

std::vector<int> Copied(const StridedTensor& tensor, uint64_t gap = 0) {
  const tensor::View view{tensor.dtype, tensor.shape, tensor.bytes};
  const uint64_t row = view.row_bytes() + gap;
  std::vector<uint8_t> out(row * static_cast<uint64_t>(view.rows()), 99);
  tensor.CopyTo(out.data(), row);
  return {out.begin(), out.end()};
}

TEST(TorchArchive, Views) {
  const std::string file = MakeTorchFile({Bytes8({2, 3}, {}, 6)});
  const auto tensors = Parse(file);
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  const StridedTensor& tensor = tensors->front();
  EXPECT_TRUE(tensor.IsContiguous());
  EXPECT_EQ(tensor.bytes.size(), 6u);
  EXPECT_GE(tensor.bytes.data(), Bytes(file).data());  // in place
  EXPECT_EQ(Copied(tensor), (std::vector<int>{6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(Copied(tensor, 1), (std::vector<int>{6, 7, 8, 99, 9, 10, 11, 99}));
}

TEST(TorchArchive, StridedTensorsAreCopiedRowMajor) {
  const std::string file = MakeTorchFile({Bytes8({3, 2}, {1, 4}, 2)});
  const auto tensors = Parse(file);
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  EXPECT_FALSE(tensors->front().IsContiguous());
  EXPECT_EQ(Copied(tensors->front()), (std::vector<int>{2, 6, 3, 7, 4, 8}));
  EXPECT_EQ(Copied(tensors->front(), 1), (std::vector<int>{2, 6, 99, 3, 7, 99, 4, 8, 99}));
  const std::string cube = MakeTorchFile({Bytes8({2, 1, 3}, {1, 77, 8}, 0)});
  const auto more = Parse(cube);
  ASSERT_TRUE(more.ok()) << more.status();
  EXPECT_EQ(more->front().size_bytes(), 6u);
  std::vector<uint8_t> out(6);
  more->front().CopyTo(out.data(), 3);
  EXPECT_EQ(out, (std::vector<uint8_t>{0, 8, 16, 1, 9, 17}));
}

TEST(TorchArchive, TensorsShareStorages) {
  TorchTestTensor tail = Bytes8({2, 2}, {}, 20);
  tail.name = "tail";
  tail.key = "w";
  tail.elements = 24;
  tail.data.clear();
  const auto tensors = Parse(MakeTorchFile({Bytes8({4}, {}, 0), tail}));
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  EXPECT_EQ(tensors->size(), 2u);
}

TEST(TorchArchive, EmptyTensor) {
  const std::string file = MakeTorchFile({Bytes8({0, 5}, {}, 24)});
  const auto tensors = Parse(file);
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  EXPECT_TRUE(tensors->front().IsContiguous());
  EXPECT_EQ(tensors->front().size_bytes(), 0u);
}

TEST(TorchArchive, TensorsStayInTheirStorage) {
  const auto damaged = [](std::vector<int64_t> shape, std::vector<int64_t> strides, int64_t offset,
                          const std::string& what) {
    ExpectError(Parse(MakeTorchFile({Bytes8(std::move(shape), std::move(strides), offset)})),
                StatusCode::kDataLoss, what);
  };
  damaged({25}, {}, 0, "tensor 'w': shape [25], strides [1] from element 0 reach beyond");
  damaged({2, 3}, {}, 19, "reach beyond");
  damaged({2, 3}, {20, 2}, 0, "reach beyond");
  damaged({2}, {INT64_MAX}, 0, "reach beyond");
  damaged({INT64_MAX, INT64_MAX}, {INT64_MAX, INT64_MAX}, 0, "reach beyond");
  damaged({1}, {1}, INT64_MAX, "reach beyond");
}

// A storage of one element must not become terabytes.
TEST(TorchArchive, RepeatedElementsAreRefused) {
  ExpectError(Parse(MakeTorchFile({Bytes8({int64_t{1} << 20, int64_t{1} << 20}, {0, 0}, 0)})),
              StatusCode::kUnimplemented, "tensor 'w': shape [1048576, 1048576] repeats elements");
  ExpectError(Parse(MakeTorchFile({Bytes8({int64_t{1} << 40, int64_t{1} << 40}, {0, 0}, 0)})),
              StatusCode::kUnimplemented, "repeats elements");
}

TEST(TorchArchive, StoragesThatDontFit) {
  TorchTestTensor tensor = Bytes8({4}, {}, 0);
  tensor.elements = 23;
  ExpectError(Parse(MakeTorchFile({tensor})), StatusCode::kDataLoss,
              "tensor 'w': its storage 'x/data/w' has 24 bytes, 23 elements of U8 were expected");
  tensor.elements = INT64_MAX;
  tensor.storage_class = "DoubleStorage";
  ExpectError(Parse(MakeTorchFile({tensor})), StatusCode::kDataLoss, "were expected");
  tensor.data.clear();
  ExpectError(Parse(MakeTorchFile({tensor})), StatusCode::kDataLoss,
              "its storage 'x/data/w' is missing");
}

TEST(TorchArchive, OtherFiles) {
  const std::string pickle = PickleTensors({});
  ExpectError(Parse(MakeZip({{"x/version", "3"}})), StatusCode::kDataLoss,
              "there is no 'data.pkl'");
  ExpectError(Parse(MakeZip({{"x/data.pkl", pickle}, {"y/data.pkl", pickle}})),
              StatusCode::kDataLoss, "holds both 'x/data.pkl' and 'y/data.pkl'");
  ExpectError(Parse(MakeZip({{"x/data.pkl", pickle}, {"x/byteorder", "big"}})),
              StatusCode::kUnimplemented, "byte order 'big'");
  ExpectError(Parse(MakeZip({{"x/data.pkl", pickle}, {"x/constants.pkl", ""}})),
              StatusCode::kUnimplemented, "TorchScript");
  ExpectError(Parse("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20 and more"),
              StatusCode::kUnimplemented, "before version 1.6");
  ExpectError(Parse("version https://git-lfs.github.com/spec/v1"), StatusCode::kDataLoss, "f.pth");
}

}  // namespace
}  // namespace cria::checkpoint
