#include "checkpoint/pickle.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_format.h"
#include "base/checked_math.h"
#include "base/quote.h"

namespace cria::checkpoint {
namespace {

using tensor::DType;

enum class Op : uint8_t {
  kProto = 0x80,
  kFrame = 0x95,
  kStop = '.',
  kMark = '(',
  kNone = 'N',
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kLong1 = 0x8a,
  kBinFloat = 'G',
  kBinUnicode = 'X',
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kBinString = 'T',
  kShortBinString = 'U',
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kBinBytes8 = 0x8e,
  kEmptyTuple = ')',
  kTuple = 't',
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kEmptyDict = '}',
  kDict = 'd',
  kSetItem = 's',
  kSetItems = 'u',
  kGlobal = 'c',
  kStackGlobal = 0x93,
  kReduce = 'R',
  kBuild = 'b',
  kBinPersId = 'Q',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kMemoize = 0x94,
  kBinGet = 'h',
  kLongBinGet = 'j',
};

enum class Kind : uint8_t {
  kNone,
  kBool,
  kInt,      // number
  kOther,    // floats and bytes: nothing that a tensor is made of
  kText,     // text
  kTuple,    // number: which of tuples_
  kDict,     // number: which of dicts_
  kGlobal,   // number: a Callable, or kFirstStorage + a DType
  kStorage,  // number: which of storages_
  kTensor,   // number: which of tensors_
};

struct Value {
  Kind kind = Kind::kNone;
  int64_t number = 0;
  std::string_view text;
};

enum class Callable : uint8_t { kOrderedDict, kRebuildTensor, kRebuildParameter };
constexpr int64_t kFirstStorage = 16;  // beyond the callables

struct NamedCallable {
  std::string_view module, name;
  Callable callable;
};
constexpr NamedCallable kCallables[] = {
    {"collections", "OrderedDict", Callable::kOrderedDict},
    {"torch._utils", "_rebuild_tensor_v2", Callable::kRebuildTensor},
    {"torch._utils", "_rebuild_parameter", Callable::kRebuildParameter},
};

struct NamedStorage {
  std::string_view name;
  DType dtype;
};
constexpr NamedStorage kStorages[] = {
    {"FloatStorage", DType::kF32}, {"HalfStorage", DType::kF16}, {"BFloat16Storage", DType::kBf16},
    {"CharStorage", DType::kI8},   {"ByteStorage", DType::kU8},  {"ShortStorage", DType::kI16},
    {"IntStorage", DType::kI32},   {"LongStorage", DType::kI64}, {"DoubleStorage", DType::kF64},
    {"BoolStorage", DType::kBool},
};

constexpr uint8_t kMaxProtocol = 5;

// The machine: a stack of values, the positions of open marks, and a memo.
class Unpickler {
 public:
  Unpickler(std::span<const uint8_t> bytes, std::string_view what) : bytes_(bytes), what_(what) {}

  absl::StatusOr<std::vector<PickledTensor>> Run() {
    if (bytes_.size() > kMaxPickleBytes)
      return DataLoss("has ", bytes_.size(), " bytes, at most ", kMaxPickleBytes, " are read");
    while (!stopped_) {
      opcode_at_ = at_;
      CRIA_ASSIGN_OR_RETURN(const auto opcode, Read<uint8_t>());
      CRIA_RETURN_IF_ERROR(Step(static_cast<Op>(opcode)));
    }
    if (at_ != bytes_.size())
      return DataLoss(bytes_.size() - at_, " bytes follow its end at byte ", at_);
    return Result();
  }

 private:
  struct Storage {
    DType dtype;
    std::string_view key;
    uint64_t elements;
  };
  using Pairs = std::vector<std::pair<Value, Value>>;

  template <typename... Parts>
  absl::Status DataLoss(const Parts&... parts) const {
    return absl::DataLossError(absl::StrCat(what_, ": pickle: ", parts...));
  }
  absl::Status Unexpected(std::string_view expected) const {
    return DataLoss("the operation at byte ", opcode_at_, " expected ", std::string(expected));
  }

  template <typename T>
  absl::StatusOr<T> Read() {
    CRIA_ASSIGN_OR_RETURN(const std::string_view bytes, ReadBytes(sizeof(T)));
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  absl::StatusOr<std::string_view> ReadBytes(uint64_t count);
  absl::StatusOr<std::string_view> ReadLine();

  absl::Status Push(Value value);
  absl::Status PushNumber(Kind kind, int64_t number) { return Push({kind, number, {}}); }
  template <typename Integer>
  absl::Status PushInteger();
  absl::Status PushLong();
  template <typename Length>
  absl::Status PushBytes(Kind kind);
  absl::StatusOr<Value> Pop();
  absl::StatusOr<Value> Pop(Kind kind, std::string_view expected);
  absl::StatusOr<Value*> Top();
  absl::StatusOr<std::vector<Value>> PopToMark();
  absl::Status Count(size_t objects);

  absl::Status Step(Op op);
  absl::Status StepLiteral(Op op);
  absl::Status StepContainer(Op op);
  absl::Status StepObject(Op op);
  absl::Status StepMemo(Op op);

  absl::Status Proto();
  absl::Status Mark();
  absl::Status PushTuple(std::vector<Value> values);
  absl::Status PopIntoTuple(size_t count);
  absl::Status NewDict();
  absl::Status AddItems(const std::vector<Value>& items);
  absl::Status Global(std::string_view module, std::string_view name);
  absl::Status Reduce();
  absl::Status RebuildTensor(const std::vector<Value>& arguments);
  absl::StatusOr<std::vector<int64_t>> Sizes(const Value& value) const;
  absl::Status PersistentId();
  absl::Status Put(uint32_t index);
  absl::Status Get(uint32_t index);
  absl::StatusOr<std::vector<PickledTensor>> Result();

  const std::span<const uint8_t> bytes_;
  const std::string what_;
  uint64_t at_ = 0, opcode_at_ = 0;
  bool stopped_ = false;
  size_t objects_ = 0;
  std::vector<Value> stack_;
  std::vector<size_t> marks_;
  absl::flat_hash_map<uint32_t, Value> memo_;
  std::vector<std::vector<Value>> tuples_;
  std::vector<Pairs> dicts_;
  std::vector<Storage> storages_;
  std::vector<PickledTensor> tensors_;
};

absl::StatusOr<std::string_view> Unpickler::ReadBytes(uint64_t count) {
  if (!base::RangeFits(at_, count, bytes_.size()))
    return DataLoss("the operation at byte ", opcode_at_, " needs ", count, " bytes at ", at_, ", ",
                    bytes_.size() - at_, " are left: truncated?");
  const std::string_view text(reinterpret_cast<const char*>(bytes_.data() + at_), count);
  at_ += count;
  return text;
}

absl::StatusOr<std::string_view> Unpickler::ReadLine() {
  const auto begin = bytes_.begin() + static_cast<std::ptrdiff_t>(at_);
  const auto end = std::find(begin, bytes_.end(), '\n');
  if (end == bytes_.end()) return DataLoss("the name at byte ", at_, " has no end: truncated?");
  CRIA_ASSIGN_OR_RETURN(const std::string_view line, ReadBytes(static_cast<uint64_t>(end - begin)));
  ++at_;
  return line;
}

absl::Status Unpickler::Push(Value value) {
  if (stack_.size() == kMaxPickleStack)
    return DataLoss("more than ", kMaxPickleStack, " values on the stack");
  stack_.push_back(value);
  return absl::OkStatus();
}

template <typename Integer>
absl::Status Unpickler::PushInteger() {
  CRIA_ASSIGN_OR_RETURN(const Integer number, Read<Integer>());
  return PushNumber(Kind::kInt, number);
}

// A length, and so many bytes of a two's complement number.
absl::Status Unpickler::PushLong() {
  CRIA_ASSIGN_OR_RETURN(const auto length, Read<uint8_t>());
  if (length > sizeof(int64_t)) return Unexpected("an integer of at most 8 bytes");
  CRIA_ASSIGN_OR_RETURN(const std::string_view digits, ReadBytes(length));
  const bool negative = length > 0 && (static_cast<uint8_t>(digits.back()) & 0x80) != 0;
  int64_t number = negative ? -1 : 0;
  std::memcpy(&number, digits.data(), length);
  return PushNumber(Kind::kInt, number);
}

template <typename Length>
absl::Status Unpickler::PushBytes(Kind kind) {
  CRIA_ASSIGN_OR_RETURN(const Length length, Read<Length>());
  CRIA_ASSIGN_OR_RETURN(const std::string_view text, ReadBytes(length));
  return Push({kind, 0, text});
}

// No operation reaches below the last mark.
absl::StatusOr<Value> Unpickler::Pop() {
  CRIA_ASSIGN_OR_RETURN(const Value* top, Top());
  const Value value = *top;
  stack_.pop_back();
  return value;
}

absl::StatusOr<Value> Unpickler::Pop(Kind kind, std::string_view expected) {
  CRIA_ASSIGN_OR_RETURN(const Value value, Pop());
  if (value.kind != kind) return Unexpected(expected);
  return value;
}

absl::StatusOr<Value*> Unpickler::Top() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back()))
    return Unexpected("a value, found none");
  return &stack_.back();
}

absl::StatusOr<std::vector<Value>> Unpickler::PopToMark() {
  if (marks_.empty()) return Unexpected("an open mark, found none");
  const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<Value> values(first, stack_.end());
  stack_.erase(first, stack_.end());
  marks_.pop_back();
  return values;
}

absl::Status Unpickler::Count(size_t objects) {
  objects_ += objects;
  if (objects_ > kMaxPickleObjects)
    return DataLoss("builds more than ", kMaxPickleObjects, " objects");
  return absl::OkStatus();
}

absl::Status Unpickler::Step(Op op) {
  switch (op) {
    case Op::kProto:
      return Proto();
    case Op::kFrame:
      return Read<uint64_t>().status();  // a hint for readers of streams
    case Op::kStop:
      stopped_ = true;
      return absl::OkStatus();
    default:
      return StepLiteral(op);
  }
}

absl::Status Unpickler::StepLiteral(Op op) {
  switch (op) {
    case Op::kNone:
      return PushNumber(Kind::kNone, 0);
    case Op::kNewTrue:
      return PushNumber(Kind::kBool, 1);
    case Op::kNewFalse:
      return PushNumber(Kind::kBool, 0);
    case Op::kBinInt:
      return PushInteger<int32_t>();
    case Op::kBinInt1:
      return PushInteger<uint8_t>();
    case Op::kBinInt2:
      return PushInteger<uint16_t>();
    case Op::kLong1:
      return PushLong();
    case Op::kBinFloat:
      CRIA_RETURN_IF_ERROR(ReadBytes(sizeof(double)).status());
      return PushNumber(Kind::kOther, 0);
    case Op::kBinUnicode:
    case Op::kBinString:
      return PushBytes<uint32_t>(Kind::kText);
    case Op::kShortBinUnicode:
    case Op::kShortBinString:
      return PushBytes<uint8_t>(Kind::kText);
    case Op::kBinUnicode8:
      return PushBytes<uint64_t>(Kind::kText);
    case Op::kBinBytes:
      return PushBytes<uint32_t>(Kind::kOther);
    case Op::kShortBinBytes:
      return PushBytes<uint8_t>(Kind::kOther);
    case Op::kBinBytes8:
      return PushBytes<uint64_t>(Kind::kOther);
    default:
      return StepContainer(op);
  }
}

absl::Status Unpickler::StepContainer(Op op) {
  switch (op) {
    case Op::kMark:
      return Mark();
    case Op::kEmptyTuple:
      return PushTuple({});
    case Op::kTuple1:
      return PopIntoTuple(1);
    case Op::kTuple2:
      return PopIntoTuple(2);
    case Op::kTuple3:
      return PopIntoTuple(3);
    case Op::kTuple: {
      CRIA_ASSIGN_OR_RETURN(std::vector<Value> values, PopToMark());
      return PushTuple(std::move(values));
    }
    case Op::kEmptyDict:
      return NewDict();
    case Op::kSetItem: {
      CRIA_ASSIGN_OR_RETURN(const Value value, Pop());
      CRIA_ASSIGN_OR_RETURN(const Value key, Pop());
      return AddItems({key, value});
    }
    case Op::kSetItems: {
      CRIA_ASSIGN_OR_RETURN(const std::vector<Value> items, PopToMark());
      return AddItems(items);
    }
    case Op::kDict: {
      CRIA_ASSIGN_OR_RETURN(const std::vector<Value> items, PopToMark());
      CRIA_RETURN_IF_ERROR(NewDict());
      return AddItems(items);
    }
    default:
      return StepObject(op);
  }
}

absl::Status Unpickler::StepObject(Op op) {
  switch (op) {
    case Op::kGlobal: {
      CRIA_ASSIGN_OR_RETURN(const std::string_view module, ReadLine());
      CRIA_ASSIGN_OR_RETURN(const std::string_view name, ReadLine());
      return Global(module, name);
    }
    case Op::kStackGlobal: {
      CRIA_ASSIGN_OR_RETURN(const Value name, Pop(Kind::kText, "a name"));
      CRIA_ASSIGN_OR_RETURN(const Value module, Pop(Kind::kText, "a module"));
      return Global(module.text, name.text);
    }
    case Op::kReduce:
      return Reduce();
    case Op::kBuild: {  // the attributes of a state dict: versions of its modules, not needed
      CRIA_RETURN_IF_ERROR(Pop(Kind::kDict, "a dictionary of attributes").status());
      CRIA_ASSIGN_OR_RETURN(const Value* object, Top());
      return object->kind == Kind::kDict ? absl::OkStatus() : Unexpected("a dictionary");
    }
    case Op::kBinPersId:
      return PersistentId();
    default:
      return StepMemo(op);
  }
}

absl::Status Unpickler::StepMemo(Op op) {
  switch (op) {
    case Op::kBinPut: {
      CRIA_ASSIGN_OR_RETURN(const auto index, Read<uint8_t>());
      return Put(index);
    }
    case Op::kLongBinPut: {
      CRIA_ASSIGN_OR_RETURN(const auto index, Read<uint32_t>());
      return Put(index);
    }
    case Op::kMemoize:
      return Put(static_cast<uint32_t>(memo_.size()));
    case Op::kBinGet: {
      CRIA_ASSIGN_OR_RETURN(const auto index, Read<uint8_t>());
      return Get(index);
    }
    case Op::kLongBinGet: {
      CRIA_ASSIGN_OR_RETURN(const auto index, Read<uint32_t>());
      return Get(index);
    }
    default:
      return DataLoss("operation ", absl::StrFormat("0x%02x", static_cast<unsigned>(op)),
                      " at byte ", opcode_at_, " is not one that tensors need");
  }
}

absl::Status Unpickler::Proto() {
  CRIA_ASSIGN_OR_RETURN(const auto protocol, Read<uint8_t>());
  if (opcode_at_ != 0 || protocol < 2 || protocol > kMaxProtocol)
    return DataLoss("protocol ", protocol, " at byte ", opcode_at_, ", expected 2 to ",
                    kMaxProtocol, " at the start");
  return absl::OkStatus();
}

absl::Status Unpickler::Mark() {
  if (marks_.size() == kMaxPickleMarks)
    return DataLoss("nested deeper than ", kMaxPickleMarks, " at byte ", opcode_at_);
  marks_.push_back(stack_.size());
  return absl::OkStatus();
}

absl::Status Unpickler::PushTuple(std::vector<Value> values) {
  CRIA_RETURN_IF_ERROR(Count(1 + values.size()));
  tuples_.push_back(std::move(values));
  return PushNumber(Kind::kTuple, static_cast<int64_t>(tuples_.size()) - 1);
}

absl::Status Unpickler::PopIntoTuple(size_t count) {
  std::vector<Value> values(count);
  for (size_t i = count; i-- > 0;) {
    CRIA_ASSIGN_OR_RETURN(values[i], Pop());
  }
  return PushTuple(std::move(values));
}

absl::Status Unpickler::NewDict() {
  CRIA_RETURN_IF_ERROR(Count(1));
  dicts_.emplace_back();
  return PushNumber(Kind::kDict, static_cast<int64_t>(dicts_.size()) - 1);
}

// Keys and values in turn, for the dictionary on top of the stack.
absl::Status Unpickler::AddItems(const std::vector<Value>& items) {
  CRIA_ASSIGN_OR_RETURN(const Value* top, Top());
  if (top->kind != Kind::kDict || items.size() % 2 != 0)
    return Unexpected("a dictionary, and keys with values");
  CRIA_RETURN_IF_ERROR(Count(items.size()));
  Pairs& pairs = dicts_[static_cast<size_t>(top->number)];
  for (size_t i = 0; i < items.size(); i += 2) pairs.emplace_back(items[i], items[i + 1]);
  return absl::OkStatus();
}

absl::Status Unpickler::Global(std::string_view module, std::string_view name) {
  for (const NamedCallable& known : kCallables)
    if (known.module == module && known.name == name)
      return PushNumber(Kind::kGlobal, static_cast<int64_t>(known.callable));
  const std::string full = base::Quote(absl::StrCat(std::string(module), ".", std::string(name)));
  if (module == "torch" && name.ends_with("Storage")) {
    for (const NamedStorage& known : kStorages)
      if (known.name == name)
        return PushNumber(Kind::kGlobal, kFirstStorage + static_cast<int64_t>(known.dtype));
    return absl::UnimplementedError(
        absl::StrCat(what_, ": pickle: tensors of storage class ", full, " are not supported"));
  }
  return DataLoss("asks for ", full,
                  ", which no model needs: only tensors and dictionaries are read; don't trust "
                  "this file");
}

absl::Status Unpickler::Reduce() {
  CRIA_ASSIGN_OR_RETURN(const Value packed, Pop(Kind::kTuple, "arguments"));
  CRIA_ASSIGN_OR_RETURN(const Value global, Pop(Kind::kGlobal, "something to call"));
  const std::vector<Value>& arguments = tuples_[static_cast<size_t>(packed.number)];
  if (global.number == static_cast<int64_t>(Callable::kOrderedDict)) {
    if (!arguments.empty()) return Unexpected("an OrderedDict without arguments");
    return NewDict();
  }
  if (global.number == static_cast<int64_t>(Callable::kRebuildTensor))
    return RebuildTensor(arguments);
  if (global.number == static_cast<int64_t>(Callable::kRebuildParameter)) {
    if (arguments.empty() || arguments[0].kind != Kind::kTensor) return Unexpected("a tensor");
    return Push(arguments[0]);
  }
  return Unexpected("a function, found a storage class");
}

absl::StatusOr<std::vector<int64_t>> Unpickler::Sizes(const Value& value) const {
  if (value.kind != Kind::kTuple) return Unexpected("a tuple of sizes");
  const std::vector<Value>& values = tuples_[static_cast<size_t>(value.number)];
  if (values.size() > kMaxTensorRank)
    return DataLoss("a tensor of ", values.size(), " dimensions, at most ", kMaxTensorRank,
                    " are read");
  std::vector<int64_t> sizes;
  for (const Value& size : values) {
    if (size.kind != Kind::kInt || size.number < 0)
      return Unexpected("sizes and strides of 0 or more");
    sizes.push_back(size.number);
  }
  return sizes;
}

// (storage, offset, shape, strides, requires_grad, backward_hooks[, metadata])
absl::Status Unpickler::RebuildTensor(const std::vector<Value>& arguments) {
  if (arguments.size() < 6 || arguments.size() > 7 || arguments[0].kind != Kind::kStorage ||
      arguments[1].kind != Kind::kInt || arguments[1].number < 0)
    return Unexpected("the arguments of _rebuild_tensor_v2");
  const Storage& storage = storages_[static_cast<size_t>(arguments[0].number)];
  PickledTensor tensor;
  tensor.storage = storage.key;
  tensor.dtype = storage.dtype;
  tensor.storage_elements = storage.elements;
  tensor.offset = static_cast<uint64_t>(arguments[1].number);
  CRIA_ASSIGN_OR_RETURN(tensor.shape, Sizes(arguments[2]));
  CRIA_ASSIGN_OR_RETURN(tensor.strides, Sizes(arguments[3]));
  if (tensor.shape.size() != tensor.strides.size())
    return Unexpected("a stride for each dimension");
  CRIA_RETURN_IF_ERROR(Count(1));
  tensors_.push_back(std::move(tensor));
  return PushNumber(Kind::kTensor, static_cast<int64_t>(tensors_.size()) - 1);
}

// ('storage', class, key, device, elements)
absl::Status Unpickler::PersistentId() {
  CRIA_ASSIGN_OR_RETURN(const Value packed, Pop(Kind::kTuple, "a persistent id"));
  const std::vector<Value>& id = tuples_[static_cast<size_t>(packed.number)];
  if (id.size() != 5 || id[0].kind != Kind::kText || id[0].text != "storage" ||
      id[1].kind != Kind::kGlobal || id[1].number < kFirstStorage || id[2].kind != Kind::kText ||
      id[4].kind != Kind::kInt || id[4].number < 0)
    return Unexpected("a persistent id ('storage', class, key, device, elements)");
  CRIA_RETURN_IF_ERROR(Count(1));
  storages_.push_back({static_cast<DType>(id[1].number - kFirstStorage), id[2].text,
                       static_cast<uint64_t>(id[4].number)});
  return PushNumber(Kind::kStorage, static_cast<int64_t>(storages_.size()) - 1);
}

absl::Status Unpickler::Put(uint32_t index) {
  CRIA_ASSIGN_OR_RETURN(const Value* top, Top());
  memo_[index] = *top;
  if (memo_.size() > kMaxPickleMemo)
    return DataLoss("more than ", kMaxPickleMemo, " values in the memo");
  return absl::OkStatus();
}

absl::Status Unpickler::Get(uint32_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end())
    return DataLoss("the operation at byte ", opcode_at_, " reads memo ", index,
                    ", which isn't there");
  return Push(found->second);
}

absl::StatusOr<std::vector<PickledTensor>> Unpickler::Result() {
  if (stack_.size() != 1 || !marks_.empty() || stack_[0].kind != Kind::kDict)
    return DataLoss("holds something else than one dictionary of tensors");
  std::vector<PickledTensor> tensors;
  std::set<std::string_view> names;
  for (const auto& [key, value] : dicts_[static_cast<size_t>(stack_[0].number)]) {
    if (key.kind != Kind::kText) return DataLoss("a key of the dictionary is not a name");
    if (value.kind != Kind::kTensor)
      return DataLoss("entry ", base::Quote(key.text), " is not a tensor");
    if (!names.insert(key.text).second)
      return DataLoss("entry ", base::Quote(key.text), " occurs twice");
    tensors.push_back(tensors_[static_cast<size_t>(value.number)]);
    tensors.back().name = key.text;
  }
  return tensors;
}

}  // namespace

absl::StatusOr<std::vector<PickledTensor>> ParseTensorPickle(std::span<const uint8_t> bytes,
                                                             std::string_view what) {
  return Unpickler(bytes, what).Run();
}

}  // namespace cria::checkpoint
