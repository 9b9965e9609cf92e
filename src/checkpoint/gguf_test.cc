#include "checkpoint/gguf.h"

#include "checkpoint/gguf_header.h"
#include "checkpoint/test_support.h"

namespace cria::checkpoint {
namespace {

using absl::StatusCode;
using tensor::DType;

template <typename... Numbers>
std::string Words(Numbers... numbers) {  // little-endian, one behind the other
  std::string out;
  (out.append(reinterpret_cast<const char*>(&numbers), sizeof numbers), ...);
  return out;
}
std::string Text(const std::string& text) { return Words(uint64_t{text.size()}) + text; }

// A header that claims so many tensors and keys, and what follows it.
std::string Raw(uint64_t tensors, uint64_t keys, const std::string& rest, uint32_t version = 3) {
  return "GGUF" + Words(version, tensors, keys) + rest + std::string(64, '\0');
}
std::string Key(const std::string& name, GgufType type, const std::string& value) {
  return Text(name) + Words(static_cast<uint32_t>(type)) + value;
}
std::string TensorInfo(const std::string& name, const std::vector<uint64_t>& dims, uint32_t type,
                       uint64_t offset) {
  std::string out = Text(name) + Words(static_cast<uint32_t>(dims.size()));
  for (const uint64_t dim : dims) out += Words(dim);
  return out + Words(type, offset);
}

absl::StatusOr<GgufFile> Parse(const std::string& file) {
  return GgufFile::Parse(Bytes(file), "f.gguf");
}
void ExpectDamaged(const std::string& file, const std::string& what) {
  ExpectError(Parse(file), StatusCode::kDataLoss, what);
}
void ExpectRefused(const std::string& file, const std::string& what) {
  ExpectError(Parse(file), StatusCode::kUnimplemented, what);
}

TEST(Gguf, Tensors) {
  const auto header = GgufHeader({}, {{"a", DType::kF32, {2, 3}}, {"b", DType::kQ8_0, {32}}});
  ASSERT_TRUE(header.ok()) << header.status();
  const std::string file = *header + std::string(32, 'a') + std::string(34, 'b');
  const auto parsed = Parse(file);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  ASSERT_EQ(parsed->tensors().size(), 2u);
  const tensor::View& a = parsed->FindTensor("a")->view;
  EXPECT_EQ(a.shape, tensor::Shape({2, 3}));
  EXPECT_EQ(std::string(a.bytes.begin(), a.bytes.end()), std::string(24, 'a'));
  EXPECT_EQ(parsed->FindTensor("b")->view.bytes[0], 'b');
  EXPECT_EQ(parsed->FindTensor("c"), nullptr);
  for (size_t length = 0; length < file.size(); ++length)
    ExpectDamaged(file.substr(0, length), "f.gguf: ");
}

TEST(Gguf, OtherVersionsAndOrders) {
  ExpectDamaged("not a model at all", "not a GGUF file");
  ExpectDamaged("", "the GGUF magic");
  ExpectRefused(Raw(0, 0, "", 1), "GGUF version 1");
  ExpectRefused(Raw(0, 0, "", 4), "GGUF version 4");
  ExpectRefused(Raw(0, 0, "", 0x03000000), "big-endian GGUF (version 3)");
  ExpectDamaged("GGUF but no more of it......", "not a GGUF file after");
  EXPECT_TRUE(Parse(Raw(0, 0, "", 2)).ok());
}

TEST(Gguf, HostileCounts) {
  for (const uint64_t count : {uint64_t{1} << 17, uint64_t{1} << 40, UINT64_MAX}) {
    ExpectDamaged(Raw(count, 0, ""), "tensors: more than the");
    ExpectDamaged(Raw(0, count, ""), "metadata keys: more than the");
    ExpectDamaged(Raw(0, 1, Key("k", GgufType::kArray, Words(uint32_t{8}, count))), "elements");
    ExpectDamaged(Raw(0, 1, Key("k", GgufType::kArray, Words(uint32_t{0}, count))), "elements");
  }
  ExpectDamaged(Raw(0, 1, Words(UINT64_MAX)), "a metadata key claims 18446744073709551615 bytes");
  ExpectDamaged(Raw(0, 1, Key("k", GgufType::kString, Words(uint64_t{1} << 63))), "key 'k' claims");
  ExpectDamaged(Raw(0, 1, Key("k", GgufType::kString, Words(uint64_t{5000}))), "needs 5000 bytes");
  ExpectDamaged(Raw(1, 0, Words(uint64_t{256}) + std::string(256, 'x')),
                "a tensor name claims 256");
}

TEST(Gguf, Metadata) {
  const std::string one = Words(uint32_t{1});
  ExpectDamaged(Raw(0, 2, Key("k", GgufType::kU32, one) + Key("k", GgufType::kU32, one)),
                "key 'k' occurs twice");
  ExpectDamaged(Raw(0, 1, Key("", GgufType::kU32, one)), "is empty");
  ExpectDamaged(Raw(0, 1, Key("k", static_cast<GgufType>(13), one)), "value type 13");
  ExpectDamaged(Raw(0, 1, Key("k", GgufType::kBool, "\x02")), "a bool of value 2");
  ExpectDamaged(Raw(0, 1, Key("k", GgufType::kArray, Words(uint32_t{99}, uint64_t{1}))),
                "value type 99");
  ExpectRefused(Raw(0, 1, Key("k", GgufType::kArray, Words(uint32_t{9}, uint64_t{1}))),
                "key 'k' is an array of arrays");
  const std::string two = Raw(
      0, 2, Key("f", GgufType::kF32, Words(0.5F)) + Key("u", GgufType::kU64, Words(UINT64_MAX)));
  const auto file = Parse(two);
  ASSERT_TRUE(file.ok()) << file.status();
  ExpectError(file->Int("f"), StatusCode::kDataLoss, "key 'f' is of type f32, expected an integer");
  ExpectError(file->String("f"), StatusCode::kDataLoss, "expected string");
  ExpectError(file->Strings("f"), StatusCode::kDataLoss, "expected array of string");
  ExpectError(file->Int("u"), StatusCode::kDataLoss, "out of range");
  EXPECT_EQ(file->Int("absent")->has_value(), false);
}

TEST(Gguf, TensorsThatDontFit) {
  const auto one = [](const std::vector<uint64_t>& dims, uint32_t type, uint64_t offset) {
    return Raw(1, 0, TensorInfo("w", dims, type, offset));
  };
  EXPECT_TRUE(Parse(one({4}, 0, 0)).ok());
  ExpectDamaged(one({400}, 0, 0), "tensor 'w': 1600 bytes of shape [400] F32 at offset 0");
  ExpectDamaged(one({4}, 0, 32 << 20), "at offset 33554432");
  ExpectDamaged(one({4}, 0, UINT64_MAX - 31), "at offset 18446744073709551584");
  ExpectDamaged(one({4}, 0, 8), "offset 8 is not a multiple of the alignment 32");
  ExpectDamaged(one({}, 0, 0), "has 0 dimensions");
  ExpectDamaged(one({1, 1, 1, 1, 1}, 0, 0), "has 5 dimensions");
  ExpectDamaged(one({0}, 0, 0), "dimension 0 is 0");
  ExpectDamaged(one({uint64_t{1} << 63}, 0, 0), "dimension 0 is 9223372036854775808");
  ExpectDamaged(one({uint64_t{1} << 62, 4}, 0, 0), "overflows");
  ExpectDamaged(one({33}, 8, 0), "rows of 33 elements are not a multiple of Q8_0's block of 32");
  ExpectRefused(one({256}, 23, 0), "tensor 'w' is stored as IQ4_XS");
  ExpectRefused(one({256}, 12345, 0), "tensor 'w' is stored as type 12345");
  ExpectDamaged(Raw(2, 0, TensorInfo("w", {4}, 0, 0) + TensorInfo("w", {4}, 0, 32)),
                "tensor 'w' occurs twice");
  ExpectDamaged(Raw(2, 0, TensorInfo("v", {9}, 0, 0) + TensorInfo("w", {4}, 0, 32)),
                "tensors 'v' and 'w' overlap");
}

TEST(Gguf, Alignment) {
  const auto aligned = [](uint32_t alignment) {
    return Raw(
        1, 1,
        Key("general.alignment", GgufType::kU32, Words(alignment)) + TensorInfo("w", {4}, 0, 8));
  };
  EXPECT_TRUE(Parse(aligned(8)).ok());
  EXPECT_TRUE(Parse(aligned(1)).ok());
  for (const uint32_t wrong : {0U, 24U, 1U << 21, UINT32_MAX})
    ExpectDamaged(aligned(wrong), "general.alignment is");
}

}  // namespace
}  // namespace cria::checkpoint
