#include "checkpoint/pickle.h"

#include "checkpoint/test_support.h"
#include "checkpoint/torch_test_support.h"

namespace cria::checkpoint {
namespace {

using absl::StatusCode;

absl::StatusOr<std::vector<PickledTensor>> Parse(const std::string& pickle) {
  return ParseTensorPickle(Bytes(pickle), "f.pth");
}

void ExpectDamaged(const std::string& pickle, const std::string& what) {
  ExpectError(Parse(pickle), StatusCode::kDataLoss, what);
}

const TorchTestTensor kMatrix = {.name = "w",
                                 .shape = {2, 3},
                                 .storage_class = "BFloat16Storage",
                                 .key = "7",
                                 .offset = 4,
                                 .elements = 10};

TEST(Pickle, Tensor) {
  const std::string pickle = PickleTensors({kMatrix});
  const auto tensors = Parse(pickle);
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  ASSERT_EQ(tensors->size(), 1u);
  const PickledTensor& tensor = tensors->front();
  EXPECT_EQ(tensor.name, "w");
  EXPECT_EQ(tensor.storage, "7");
  EXPECT_EQ(tensor.dtype, tensor::DType::kBf16);
  EXPECT_EQ(tensor.storage_elements, 10u);
  EXPECT_EQ(tensor.offset, 4u);
  EXPECT_EQ(tensor.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(tensor.strides, (std::vector<int64_t>{3, 1}));
}

// What state_dict() makes: an OrderedDict with attributes; and what Parameters become.
TEST(Pickle, StateDictOfParameters) {
  const std::string dict = PickleGlobal("collections", "OrderedDict") + ")R";
  const std::string parameter = PickleGlobal("torch._utils", "_rebuild_parameter") + "(" +
                                PickleTensor(kMatrix) + "\x88" + dict + "tR";
  const std::string attributes = "}" + PickleText("_metadata") + dict + "sb";
  const auto tensors = Parse(kProto + dict + PickleText("w") + parameter + "s" + attributes + ".");
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  EXPECT_EQ(tensors->size(), 1u);
}

// Protocol 4: frames, short strings, STACK_GLOBAL, MEMOIZE.
TEST(Pickle, Protocol4) {
  const auto text = [](const std::string& word) {
    return "\x8c" + std::string(1, static_cast<char>(word.size())) + word + "\x94";
  };
  const auto global = [&](const std::string& module, const std::string& name) {
    return text(module) + text(name) + "\x93\x94";
  };
  const std::string numbers("M\x00\x01tQK\x00K\x08\x85K\x01\x85\x89", 14);
  const auto tensors = Parse("\x80\x04\x95" + std::string(8, '\0') + "}\x94" + text("w") +
                             global("torch._utils", "_rebuild_tensor_v2") + "((" + text("storage") +
                             global("torch", "CharStorage") + text("0") + text("cpu") + numbers +
                             global("collections", "OrderedDict") + ")RtRs.");
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  EXPECT_EQ(tensors->front().storage_elements, 256u);
  EXPECT_EQ(tensors->front().dtype, tensor::DType::kI8);
}

TEST(Pickle, ForbiddenCallablesAreNamed) {
  const std::string call = PickleText("rm -rf /") + "\x85R.";
  ExpectDamaged(kProto + PickleGlobal("os", "system") + call, "'os.system'");
  ExpectDamaged(kProto + PickleGlobal("builtins", "eval") + call, "'builtins.eval'");
  ExpectDamaged(kProto + PickleText("posix") + PickleText("system") + "\x93" + call,
                "'posix.system'");
  ExpectDamaged(kProto + PickleGlobal("torch._utils", "_rebuild_tensor") + ".", "_rebuild_tensor'");
  ExpectDamaged(kProto + PickleGlobal("torch.evil", "FloatStorage") + ".",
                "'torch.evil.FloatStorage'");
  ExpectDamaged(kProto + PickleGlobal("a\nb", "c") + ".", "'a.b'");
}

TEST(Pickle, UnknownStorageClass) {
  TorchTestTensor tensor = kMatrix;
  tensor.storage_class = "ComplexFloatStorage";
  ExpectError(Parse(PickleTensors({tensor})), StatusCode::kUnimplemented,
              "'torch.ComplexFloatStorage'");
}

TEST(Pickle, UnknownOperations) {
  ExpectDamaged(kProto + "i", "operation 0x69 at byte 2");  // INST
  ExpectDamaged(kProto + "o", "operation 0x6f");            // OBJ
  ExpectDamaged(kProto + "\x81", "operation 0x81");         // NEWOBJ
  ExpectDamaged(kProto + "\x82\x01", "operation 0x82");     // EXT1
  ExpectDamaged("\x80\x09.", "protocol 9");
  ExpectDamaged(kProto + "}" + kProto + ".", "protocol 2 at byte 3");
}

TEST(Pickle, EveryTruncationIsAnError) {
  const std::string pickle = PickleTensors({kMatrix});
  for (size_t length = 0; length < pickle.size(); ++length)
    ExpectDamaged(pickle.substr(0, length), "f.pth: pickle: ");
  ExpectDamaged(pickle + "N", "1 bytes follow its end");
}

TEST(Pickle, Bombs) {
  std::string nested(1 << 20, '(');
  ExpectDamaged(kProto + nested, "nested deeper than 64");
  std::string tuples = kProto + "N";
  for (size_t i = 0; i < kMaxPickleObjects; ++i) tuples += '\x85';
  ExpectDamaged(tuples + ".", "builds more than 1048576 objects");
  ExpectDamaged(kProto + std::string(kMaxPickleStack + 1, 'N') + ".", "values on the stack");
  std::string memo = kProto + "N";
  for (uint32_t i = 0; i <= kMaxPickleMemo; ++i) {
    memo += 'r';
    AppendNumber<uint32_t>(0xffffffff - i, &memo);
  }
  ExpectDamaged(memo + ".", "values in the memo");
  std::string large = kProto;
  large.resize(kMaxPickleBytes + 1, 'N');
  ExpectDamaged(large, "at most 16777216 are read");
}

// A dictionary inside itself, and a tuple of a tuple of ... the same tuple, doubled each time.
TEST(Pickle, LoopsAndExponentialSharing) {
  ExpectDamaged(kProto + "}q\x01" + PickleText("self") + "h\x01s.", "entry 'self' is not a tensor");
  std::string shared = kProto + "Nq\x01";
  for (int i = 0; i < 1000; ++i) shared += "h\x01h\x01\x86q\x01";
  ExpectDamaged(shared + "0.", "operation 0x30");
}

TEST(Pickle, HostileLengths) {
  std::string text = kProto + "X";
  AppendNumber<uint32_t>(0xffffffff, &text);
  ExpectDamaged(text, "needs 4294967295 bytes");
  std::string large = kProto + "\x8d";
  AppendNumber<uint64_t>(UINT64_MAX, &large);
  ExpectDamaged(large, "needs 18446744073709551615 bytes");
  ExpectDamaged(kProto + "\x8a\x09" + "123456789", "an integer of at most 8 bytes");
  ExpectDamaged(kProto + "cno end", "has no end");
}

TEST(Pickle, StackUnderflow) {
  for (const std::string operation :
       {"\x85", "\x86", "\x87", "s", "u", "t", "d", "R", "b", "Q", "\x93", "q\x01"})
    ExpectDamaged(kProto + operation + ".", "the operation at byte 2 expected");
  ExpectDamaged(kProto + "N(\x85t.", "a value, found none");  // not below the mark
  ExpectDamaged(kProto + "h\x05.", "reads memo 5");
}

TEST(Pickle, WrongTypes) {
  ExpectDamaged(kProto + "N.", "something else than one dictionary");
  ExpectDamaged(kProto + "}(.", "something else than one dictionary");
  ExpectDamaged(kProto + "}}.", "something else than one dictionary");
  ExpectDamaged(kProto + "}" + PickleText("epoch") + "K\x03s.", "entry 'epoch' is not a tensor");
  ExpectDamaged(kProto + "}K\x03" + PickleTensor(kMatrix) + "s.", "is not a name");
  ExpectDamaged(kProto + "}(" + PickleText("w") + "u.", "keys with values");
  ExpectDamaged(kProto + "N)R.", "something to call");
  ExpectDamaged(kProto + PickleGlobal("torch", "FloatStorage") + ")R.", "found a storage class");
  ExpectDamaged(kProto + PickleGlobal("torch._utils", "_rebuild_tensor_v2") + ")R.",
                "the arguments of _rebuild_tensor_v2");
  ExpectDamaged(kProto + "(" + PickleText("storage") + "tQ.", "a persistent id");
  ExpectDamaged(PickleTensors({kMatrix, kMatrix}), "entry 'w' occurs twice");
}

TEST(Pickle, WrongShapes) {
  const auto with = [](std::vector<int64_t> shape, std::vector<int64_t> strides, int64_t offset) {
    TorchTestTensor tensor = kMatrix;
    tensor.shape = std::move(shape);
    tensor.strides = std::move(strides);
    tensor.offset = offset;
    return PickleTensors({tensor});
  };
  ExpectDamaged(with({2, -3}, {3, 1}, 0), "sizes and strides of 0 or more");
  ExpectDamaged(with({2, 3}, {-3, 1}, 0), "sizes and strides of 0 or more");
  ExpectDamaged(with({2, 3}, {3}, 0), "a stride for each dimension");
  ExpectDamaged(with({2, 3}, {3, 1}, -1), "the arguments of _rebuild_tensor_v2");
  ExpectDamaged(with(std::vector<int64_t>(9, 1), {}, 0), "a tensor of 9 dimensions");
}

}  // namespace
}  // namespace cria::checkpoint
