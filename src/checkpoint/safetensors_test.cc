#include "checkpoint/safetensors.h"

#include "checkpoint/test_support.h"

namespace cria::checkpoint {
namespace {

using absl::StatusCode;

absl::StatusOr<Safetensors> ParseText(const std::string& file) {
  return ParseSafetensors(Bytes(file), "f");
}

TEST(Safetensors, ReadsTensorsInTheOrderOfTheirBytes) {
  // Odd sizes leave "b" misaligned, which is allowed; a scalar and an empty tensor are too.
  const std::string file =
      RawSafetensors(R"({"__metadata__":{"format":"pt"},)"
                     R"("b":{"dtype":"F32","shape":[2,1],"data_offsets":[3,11]},)"
                     R"("a":{"dtype":"I8","shape":[3],"data_offsets":[0,3]},)"
                     R"("none":{"dtype":"BF16","shape":[0,4],"data_offsets":[11,11]},)"
                     R"("scalar":{"dtype":"F64","shape":[],"data_offsets":[11,19]}}   )",
                     19);
  const auto parsed = ParseText(file);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  ASSERT_EQ(parsed->tensors.size(), 4u);
  EXPECT_EQ(parsed->tensors[0].name, "a");
  EXPECT_EQ(parsed->tensors[1].name, "b");
  EXPECT_EQ(parsed->tensors[1].view.shape, tensor::Shape({2, 1}));
  EXPECT_EQ(parsed->tensors[1].view.bytes.size(), 8u);
  EXPECT_EQ(parsed->tensors[1].view.bytes.data() - parsed->tensors[0].view.bytes.data(), 3);
  EXPECT_EQ(parsed->tensors[3].view.dtype, tensor::DType::kF64);
  EXPECT_EQ(parsed->metadata.at("format"), "pt");
}

TEST(Safetensors, NoTensorsAtAll) {
  const std::string file = RawSafetensors("{}", 0);
  const auto parsed = ParseText(file);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_TRUE(parsed->tensors.empty());
}

TEST(Safetensors, HeaderLengthIsBounded) {
  for (const uint64_t length : {uint64_t{1} << 63, UINT64_MAX, kMaxSafetensorsHeader + 1}) {
    std::string file = RawSafetensors("{}", 4);
    std::memcpy(file.data(), &length, 8);
    ExpectError(ParseText(file), StatusCode::kDataLoss, absl::StrCat("header length is ", length));
  }
}

TEST(Safetensors, EveryTruncationIsAnError) {
  const std::string file =
      RawSafetensors(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8);
  ASSERT_TRUE(ParseText(file).ok());
  for (size_t size = 0; size < file.size(); ++size)
    EXPECT_EQ(ParseText(file.substr(0, size)).status().code(), StatusCode::kDataLoss) << size;
}

struct Malformed {
  std::string header;
  size_t data_bytes;
  StatusCode code;
  std::string message;
};

std::string Tensor(const std::string& name, const std::string& rest) {
  return "\"" + name + "\":{\"dtype\":\"F32\"," + rest + "}";
}

class SafetensorsMalformed : public testing::TestWithParam<Malformed> {};

TEST_P(SafetensorsMalformed, NamesTheThing) {
  const Malformed& bad = GetParam();
  ExpectError(ParseText(RawSafetensors(bad.header, bad.data_bytes)), bad.code, bad.message);
}

const std::string kOneTensor = Tensor("a", R"("shape":[2],"data_offsets":[0,8])");

INSTANTIATE_TEST_SUITE_P(
    All, SafetensorsMalformed,
    testing::Values(
        Malformed{"[]", 0, StatusCode::kDataLoss, "doesn't start with '{'"},
        Malformed{"{\"a\":}", 0, StatusCode::kDataLoss, "not valid JSON"},
        Malformed{"{} x", 0, StatusCode::kDataLoss, "not valid JSON"},
        Malformed{std::string(100000, '{'), 0, StatusCode::kDataLoss, "not valid JSON"},
        Malformed{"{\"a\":" + std::string(50, '[') + std::string(50, ']') + "}", 0,
                  StatusCode::kDataLoss, "not valid JSON"},
        Malformed{"{\"a\":1}", 0, StatusCode::kDataLoss, "'a': expected an object"},
        Malformed{"{" + kOneTensor + "," + kOneTensor + "}", 8, StatusCode::kDataLoss,
                  "'a' is there twice"},
        Malformed{
            "{" + kOneTensor + "," + Tensor("\\u0061", R"("shape":[0],"data_offsets":[8,8])") + "}",
            8, StatusCode::kDataLoss, "'a' is there twice"},
        Malformed{"{" + Tensor("a", R"("shape":[2],"shape":[2],"data_offsets":[0,8])") + "}", 8,
                  StatusCode::kDataLoss, "'shape' is there twice"},
        Malformed{R"({"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}})", 2,
                  StatusCode::kUnimplemented, "'a': dtype 'F8_E4M3' is not supported"},
        Malformed{R"({"a":{"dtype":"Q8_0","shape":[32],"data_offsets":[0,34]}})", 34,
                  StatusCode::kUnimplemented, "dtype 'Q8_0' is not supported"},
        Malformed{R"({"a\nb":{"dtype":"?\n?","shape":[2],"data_offsets":[0,2]}})", 2,
                  StatusCode::kUnimplemented, R"(tensor 'a\nb': dtype '?\n?')"},
        Malformed{R"({"a":{"dtype":7,"shape":[2],"data_offsets":[0,2]}})", 2, StatusCode::kDataLoss,
                  "'a': no 'dtype'"},
        Malformed{"{" + Tensor("a", R"("data_offsets":[0,8])") + "}", 8, StatusCode::kDataLoss,
                  "'a': no 'shape'"},
        Malformed{"{" + Tensor("a", R"("shape":[-2],"data_offsets":[0,8])") + "}", 8,
                  StatusCode::kDataLoss, "'a': shape holds"},
        Malformed{"{" + Tensor("a", R"("shape":[2.5],"data_offsets":[0,8])") + "}", 8,
                  StatusCode::kDataLoss, "'a': shape holds"},
        Malformed{"{" + Tensor("a", R"("shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8])") + "}", 8,
                  StatusCode::kDataLoss, "'a': shape has 9 dimensions"},
        Malformed{
            "{" + Tensor("a", R"("shape":[4294967296,4294967296],"data_offsets":[0,8])") + "}", 8,
            StatusCode::kDataLoss, "'a': the size of shape [4294967296, 4294967296]"},
        Malformed{"{" + Tensor("a", R"("shape":[4611686018427387904],"data_offsets":[0,0])") + "}",
                  8, StatusCode::kDataLoss, "'a': the size of shape"},
        Malformed{"{" + Tensor("a", R"("shape":[2],"data_offsets":[0])") + "}", 8,
                  StatusCode::kDataLoss, "'a': no 'data_offsets'"},
        Malformed{"{" + Tensor("a", R"("shape":[2],"data_offsets":[8,0])") + "}", 8,
                  StatusCode::kDataLoss, "'a': data_offsets are not a byte range"},
        Malformed{"{" + Tensor("a", R"("shape":[2],"data_offsets":[-8,0])") + "}", 8,
                  StatusCode::kDataLoss, "'a': data_offsets are not a byte range"},
        Malformed{"{" + Tensor("a", R"("shape":[3],"data_offsets":[0,8])") + "}", 8,
                  StatusCode::kDataLoss, "'a': offsets 0..8 hold 8 bytes, shape [3] F32 needs 12"},
        Malformed{"{" + Tensor("a", R"("shape":[2],"data_offsets":[4,12])") + "}", 8,
                  StatusCode::kDataLoss, "'a': offsets 4..12, the file has only 8 bytes"},
        Malformed{
            "{" +
                Tensor(
                    "a",
                    R"("shape":[2],"data_offsets":[18446744073709551608,18446744073709551615])") +
                "}",
            8, StatusCode::kDataLoss, "'a': offsets"},
        Malformed{
            "{" + kOneTensor + "," + Tensor("b", R"("shape":[2],"data_offsets":[4,12])") + "}", 12,
            StatusCode::kDataLoss, "'b': offsets 4..12 overlap tensor 'a'"},
        Malformed{
            "{" + kOneTensor + "," + Tensor("b", R"("shape":[1],"data_offsets":[12,16])") + "}", 16,
            StatusCode::kDataLoss, "'b': starts at 12, leaving a gap from 8"},
        Malformed{"{" + kOneTensor + "}", 9, StatusCode::kDataLoss,
                  "need 8 bytes of data, the file has 9"},
        Malformed{R"({"__metadata__":{"k":1}})", 0, StatusCode::kDataLoss,
                  "'__metadata__': 'k': expected a string"},
        Malformed{R"({"__metadata__":[]})", 0, StatusCode::kDataLoss, "'__metadata__'"}));

TEST(Safetensors, MessagesStayShort) {
  const std::string name(100000, 'n');
  const auto parsed = ParseText(RawSafetensors("{\"" + name + "\":1}", 0));
  EXPECT_LT(parsed.status().message().size(), 300u);
}

TEST(Safetensors, ManyTensorsTakeLinearTime) {
  std::string header = "{";
  constexpr int kCount = 20000;
  for (int i = 0; i < kCount; ++i)
    absl::StrAppend(&header, i > 0 ? "," : "", "\"t", i,
                    "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[", i, ",", i + 1, "]}");
  const auto parsed = ParseText(RawSafetensors(header + "}", kCount));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->tensors.size(), static_cast<size_t>(kCount));
}

TEST(Safetensors, OpenNamesTheFile) {
  const TempDirectory directory;
  ExpectError(SafetensorsFile::Open(directory.File("none")), StatusCode::kNotFound, "none");
  const std::string path = directory.Write("empty.safetensors", "");
  ExpectError(SafetensorsFile::Open(path), StatusCode::kDataLoss, "empty.safetensors: 0 bytes");
}

TEST(DuplicateJsonKey, LooksAtEachObjectAlone) {
  EXPECT_EQ(DuplicateJsonKey(R"({"a":{"x":1},"b":{"x":2},"c":["a","a",{"a":"a"}]})"), std::nullopt);
  EXPECT_EQ(DuplicateJsonKey(R"({"a":[{"x":1,"y":"\"x\":","x" : 2}]})"), "x");
  EXPECT_EQ(DuplicateJsonKey(R"({"":1,"":2})"), "");
  EXPECT_EQ(DuplicateJsonKey(R"({"\"":1,"\u0022":2})"), "\"");
}

}  // namespace
}  // namespace cria::checkpoint
