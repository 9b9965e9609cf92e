#include "checkpoint/safetensors_writer.h"

#include "checkpoint/safetensors.h"
#include "checkpoint/test_support.h"

namespace cria::checkpoint {
namespace {

using absl::StatusCode;
using tensor::DType;

const std::vector<SafetensorsSpec> kSpecs = {{"empty", DType::kF32, {0}},
                                             {"a \"quoted\"\n", DType::kI8, {3}},
                                             {"between", DType::kF32, {4, 0}},
                                             {"b", DType::kBf16, {2, 2}},
                                             {"last", DType::kF64, {0, 0}}};

TEST(SafetensorsWriter, WhatItWritesIsRead) {
  const TempDirectory directory;
  const std::string path = directory.File("model.safetensors");
  auto writer = CreateSafetensors(path, kSpecs, {{"format", "pt"}});
  ASSERT_TRUE(writer.ok()) << writer.status();
  ASSERT_TRUE((*writer)->Append("a \"quoted\"\n", Bytes("xy")).ok());
  ASSERT_TRUE((*writer)->Append("a \"quoted\"\n", Bytes("z")).ok());
  ASSERT_TRUE((*writer)->Append("b", Bytes("12345678")).ok());
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_TRUE((*writer)->Finish().ok());
  EXPECT_EQ(directory.NumFiles(), 1u);

  const auto file = SafetensorsFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ(file->content.tensors.size(), kSpecs.size());
  EXPECT_EQ(file->content.metadata.at("format"), "pt");
  std::map<std::string, tensor::View> views;
  for (const SafetensorsTensor& tensor : file->content.tensors) views[tensor.name] = tensor.view;
  for (const SafetensorsSpec& spec : kSpecs) {
    EXPECT_EQ(views.at(spec.name).dtype, spec.dtype) << spec.name;
    EXPECT_EQ(views.at(spec.name).shape, spec.shape) << spec.name;
  }
  const auto text = [&](const std::string& name) {
    const auto bytes = views.at(name).bytes;
    return std::string(bytes.begin(), bytes.end());
  };
  EXPECT_EQ(text("a \"quoted\"\n"), "xyz");
  EXPECT_EQ(text("b"), "12345678");
}

TEST(SafetensorsWriter, DataStartsAtAMultipleOfEight) {
  for (size_t length = 1; length < 20; ++length) {
    const auto header = SafetensorsHeader({{std::string(length, 'x'), DType::kF32, {1}}}, {});
    ASSERT_TRUE(header.ok());
    EXPECT_EQ(header->size() % 8, 0u);
  }
}

TEST(SafetensorsWriter, RefusesWhatTheFormatCannotSay) {
  const auto header = [](const std::vector<SafetensorsSpec>& specs) {
    return SafetensorsHeader(specs, {}).status();
  };
  const auto code = StatusCode::kInvalidArgument;
  ExpectError(header({{"a", DType::kF32, {1}}, {"a", DType::kF32, {1}}}), code,
              "'a' is given twice");
  ExpectError(header({{"a", DType::kQ4K, {256}}}), code, "'a': safetensors has no type for Q4_K");
  ExpectError(header({{"a", DType::kF32, {-1}}}), code, "'a': the size of shape [-1]");
  ExpectError(header({{"a", DType::kF64, {int64_t{1} << 62}}}), code, "overflows");
  const tensor::Shape huge = {int64_t{1} << 61};
  ExpectError(header({{"a", DType::kF32, huge}, {"b", DType::kF32, huge}}), code, "together");
  ExpectError(header({{"__metadata__", DType::kF32, {1}}}), code, "'__metadata__'");
  ExpectError(header({{"", DType::kF32, {1}}}), code, "can't be written");
}

TEST(SafetensorsWriter, OrderAndSizeAreChecked) {
  const TempDirectory directory;
  const auto create = [&] { return CreateSafetensors(directory.File("m"), kSpecs).value(); };
  const auto code = StatusCode::kInvalidArgument;
  ExpectError(create()->Append("b", Bytes("1")), code, "bytes of tensor 'b', expected 'a ");
  ExpectError(create()->Append("a \"quoted\"\n", Bytes("1234")), code, "4 more bytes, it wants 3");
  ExpectError(create()->Finish(), code, "are missing");
  auto writer = create();
  ASSERT_TRUE(writer->Append("a \"quoted\"\n", Bytes("xyz")).ok());
  ASSERT_TRUE(writer->Append("b", Bytes("12345678")).ok());
  ExpectError(writer->Append("b", Bytes("9")), code, "expected no more");
  writer.reset();
  EXPECT_EQ(directory.NumFiles(), 0u) << "a writer that didn't finish leaves nothing behind";
}

TEST(SafetensorsWriter, FileErrors) {
  const TempDirectory directory;
  ExpectError(CreateSafetensors(directory.File("none/m"), kSpecs).status(), StatusCode::kNotFound,
              "none/m: cannot create");
}

}  // namespace
}  // namespace cria::checkpoint
