// GgufFile::Parse: from bytes that nobody has looked at to a checked list of keys and tensors.
#include <algorithm>
#include <bit>
#include <cstring>

#include "base/checked_math.h"
#include "base/quote.h"
#include "checkpoint/gguf.h"

namespace cria::checkpoint {

using tensor::DType;

// Parses front to back; every read is checked against the end first.
class GgufParser {
 public:
  GgufParser(std::span<const uint8_t> bytes, std::string_view what) : bytes_(bytes) {
    file_.what_ = std::string(what);
  }

  absl::StatusOr<GgufFile> Parse() {
    CRIA_RETURN_IF_ERROR(ReadHeader());
    for (uint64_t i = 0; i < key_count_; ++i) CRIA_RETURN_IF_ERROR(ReadKey());
    CRIA_RETURN_IF_ERROR(ReadAlignment());
    file_.tensors_.reserve(tensor_count_);
    for (uint64_t i = 0; i < tensor_count_; ++i) CRIA_RETURN_IF_ERROR(ReadTensorInfo());
    CRIA_RETURN_IF_ERROR(PlaceTensors());
    return std::move(file_);
  }

 private:
  static constexpr uint64_t kMinKeyBytes = 8 + 1 + 4 + 1;  // name, type, value
  static constexpr uint64_t kMinTensorBytes =
      8 + 1 + 4 + 8 + 4 + 8;  // name, rank, one dimension, type, offset

  template <typename... Parts>
  absl::Status DataLoss(const Parts&... parts) const {
    return absl::DataLossError(absl::StrCat(file_.what_, ": ", parts...));
  }
  template <typename... Parts>
  absl::Status Unimplemented(const Parts&... parts) const {
    return absl::UnimplementedError(absl::StrCat(file_.what_, ": ", parts...));
  }

  uint64_t left() const { return bytes_.size() - at_; }

  absl::Status Need(uint64_t count, const std::string& of) const {
    if (count <= left()) return absl::OkStatus();
    return DataLoss(of, " at byte ", at_, " needs ", count, " bytes, ", left(),
                    " are left: truncated download?");
  }

  template <typename T>
  absl::StatusOr<T> Read(const std::string& of) {
    CRIA_RETURN_IF_ERROR(Need(sizeof(T), of));
    T value;
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof(T);
    return value;
  }

  absl::StatusOr<std::string_view> ReadString(const std::string& of, uint64_t limit) {
    CRIA_ASSIGN_OR_RETURN(const uint64_t length, Read<uint64_t>(of));
    if (length > limit)
      return DataLoss(of, " claims ", length, " bytes, at most ", limit, " are allowed");
    CRIA_RETURN_IF_ERROR(Need(length, of));
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data() + at_), length);
    at_ += length;
    return text;
  }

  absl::Status ReadHeader();
  absl::Status ReadKey();
  absl::StatusOr<GgufType> ReadType(const std::string& of);
  absl::StatusOr<GgufValue> ReadValue(const std::string& of);
  absl::StatusOr<GgufArray> ReadArray(const std::string& of);
  absl::Status ReadAlignment();
  absl::Status ReadTensorInfo();
  absl::StatusOr<tensor::Shape> ReadShape(const std::string& of);
  absl::StatusOr<DType> ReadTensorType(const std::string& of);
  absl::Status PlaceTensors();
  absl::Status PlaceTensor(size_t i, uint64_t data_start);
  absl::Status CheckOverlaps() const;

  std::span<const uint8_t> bytes_;
  uint64_t at_ = 0;
  uint64_t key_count_ = 0;
  uint64_t tensor_count_ = 0;
  uint64_t array_elements_ = 0;
  std::vector<uint64_t> offsets_;  // of the tensors, relative to the data
  GgufFile file_;
};

absl::Status GgufParser::ReadHeader() {
  CRIA_ASSIGN_OR_RETURN(const uint32_t magic, Read<uint32_t>("the GGUF magic"));
  if (magic == __builtin_bswap32(kGgufMagic))
    return Unimplemented("big-endian GGUF is not supported");
  if (magic != kGgufMagic) return DataLoss("doesn't start with 'GGUF': not a GGUF file");
  CRIA_ASSIGN_OR_RETURN(file_.version_, Read<uint32_t>("the GGUF version"));
  const uint32_t swapped = __builtin_bswap32(file_.version_);
  if (swapped >= 1 && swapped <= 3)
    return Unimplemented("big-endian GGUF (version ", swapped,
                         ") is not supported, expected little-endian");
  if (file_.version_ == 1)
    return Unimplemented(
        "GGUF version 1 is not supported, expected 2 or 3: convert the model again");
  constexpr uint32_t kPlausibleVersion = 0xffff;  // beyond it the number is not a version at all
  if (file_.version_ > kPlausibleVersion)
    return DataLoss("not a GGUF file after its first four bytes: version ", file_.version_,
                    ", expected 2 or 3");
  if (file_.version_ != 2 && file_.version_ != 3)
    return Unimplemented("GGUF version ", file_.version_, " is not supported, expected 2 or 3");
  CRIA_ASSIGN_OR_RETURN(tensor_count_, Read<uint64_t>("the tensor count"));
  CRIA_ASSIGN_OR_RETURN(key_count_, Read<uint64_t>("the key count"));
  if (key_count_ > kMaxGgufKeys || key_count_ > left() / kMinKeyBytes)
    return DataLoss("claims ", key_count_, " metadata keys: more than the ", left(),
                    " bytes after the header can hold, or than ", kMaxGgufKeys);
  if (tensor_count_ > kMaxGgufTensors || tensor_count_ > left() / kMinTensorBytes)
    return DataLoss("claims ", tensor_count_, " tensors: more than the ", left(),
                    " bytes after the header can hold, or than ", kMaxGgufTensors);
  return absl::OkStatus();
}

absl::Status GgufParser::ReadKey() {
  CRIA_ASSIGN_OR_RETURN(const std::string_view key, ReadString("a metadata key", kMaxGgufKeyBytes));
  if (key.empty()) return DataLoss("a metadata key before byte ", at_, " is empty");
  const std::string of = "key " + base::Quote(key);
  CRIA_ASSIGN_OR_RETURN(GgufValue value, ReadValue(of));
  if (!file_.metadata_.emplace(key, std::move(value)).second) return DataLoss(of, " occurs twice");
  return absl::OkStatus();
}

absl::StatusOr<GgufType> GgufParser::ReadType(const std::string& of) {
  CRIA_ASSIGN_OR_RETURN(const uint32_t type, Read<uint32_t>(of));
  if (type >= kGgufTypes)
    return DataLoss(of, " has value type ", type, ", expected 0 to ", kGgufTypes - 1);
  return static_cast<GgufType>(type);
}

absl::StatusOr<GgufValue> GgufParser::ReadValue(const std::string& of) {
  GgufValue result;
  CRIA_ASSIGN_OR_RETURN(result.type, ReadType(of));
  if (result.type == GgufType::kString) {
    CRIA_ASSIGN_OR_RETURN(result.value, ReadString(of, kMaxGgufStringBytes));
    return result;
  }
  if (result.type == GgufType::kArray) {
    CRIA_ASSIGN_OR_RETURN(result.value, ReadArray(of));
    return result;
  }
  const size_t size = ScalarBytes(result.type);
  CRIA_RETURN_IF_ERROR(Need(size, of));
  const GgufArray scalar{result.type, 1, bytes_.subspan(at_, size), {}};
  at_ += size;
  if (result.type == GgufType::kBool) {
    const uint8_t byte = scalar.bytes[0];
    if (byte > 1) return DataLoss(of, " is a bool of value ", byte, ", expected 0 or 1");
    result.value = byte == 1;
  } else if (IsFloat(result.type)) {
    result.value = scalar.FloatAt(0);
  } else if (result.type == GgufType::kU64) {
    result.value = static_cast<uint64_t>(scalar.IntAt(0));
  } else {
    result.value = scalar.IntAt(0);
  }
  return result;
}

absl::StatusOr<GgufArray> GgufParser::ReadArray(const std::string& of) {
  GgufArray array;
  CRIA_ASSIGN_OR_RETURN(array.type, ReadType(of));
  if (array.type == GgufType::kArray)
    return Unimplemented(of, " is an array of arrays: not supported");
  CRIA_ASSIGN_OR_RETURN(array.count, Read<uint64_t>(of));
  const size_t scalar = ScalarBytes(array.type);
  const uint64_t smallest =
      scalar > 0 ? scalar : sizeof(uint64_t);  // a string is at least its length
  if (array.count > left() / smallest)
    return DataLoss(of, " claims ", array.count, " elements of type ",
                    std::string(Name(array.type)), ", ", left(),
                    " bytes are left: truncated download?");
  array_elements_ += array.count;
  if (array_elements_ > kMaxGgufArrayElements)
    return DataLoss(of, ": the arrays of the metadata have more than ", kMaxGgufArrayElements,
                    " elements");
  if (array.type != GgufType::kString) {
    array.bytes = bytes_.subspan(at_, array.count * scalar);
    at_ += array.bytes.size();
    return array;
  }
  array.strings.reserve(array.count);
  for (uint64_t i = 0; i < array.count; ++i) {
    CRIA_ASSIGN_OR_RETURN(const std::string_view text, ReadString(of, kMaxGgufStringBytes));
    array.strings.push_back(text);
  }
  return array;
}

absl::Status GgufParser::ReadAlignment() {
  CRIA_ASSIGN_OR_RETURN(const std::optional<int64_t> alignment, file_.Int("general.alignment"));
  if (!alignment) return absl::OkStatus();
  const auto value = static_cast<uint64_t>(*alignment);
  if (*alignment < 1 || value > kMaxGgufAlignment || !std::has_single_bit(value))
    return DataLoss("general.alignment is ", *alignment, ", expected a power of two up to ",
                    kMaxGgufAlignment);
  file_.alignment_ = value;
  return absl::OkStatus();
}

absl::Status GgufParser::ReadTensorInfo() {
  CRIA_ASSIGN_OR_RETURN(const std::string_view name,
                        ReadString("a tensor name", kMaxGgufTensorNameBytes));
  const std::string of = "tensor " + base::Quote(name);
  GgufTensor tensor;
  tensor.name = name;
  CRIA_ASSIGN_OR_RETURN(tensor.view.shape, ReadShape(of));
  CRIA_ASSIGN_OR_RETURN(tensor.view.dtype, ReadTensorType(of));
  CRIA_ASSIGN_OR_RETURN(const uint64_t offset, Read<uint64_t>(of));
  if (!file_.tensor_index_.emplace(name, file_.tensors_.size()).second)
    return DataLoss(of, " occurs twice");
  file_.tensors_.push_back(std::move(tensor));
  offsets_.push_back(offset);
  return absl::OkStatus();
}

absl::StatusOr<tensor::Shape> GgufParser::ReadShape(const std::string& of) {
  CRIA_ASSIGN_OR_RETURN(const uint32_t rank, Read<uint32_t>(of));
  if (rank < 1 || rank > kMaxGgufRank)
    return DataLoss(of, " has ", rank, " dimensions, expected 1 to ", kMaxGgufRank);
  std::vector<int64_t> dims(rank);
  for (size_t i = rank; i-- > 0;) {  // the file has the fastest dimension first
    CRIA_ASSIGN_OR_RETURN(const uint64_t dim, Read<uint64_t>(of));
    if (dim < 1 || dim > INT64_MAX)
      return DataLoss(of, ": dimension ", rank - 1 - i, " is ", dim, ", expected a positive size");
    dims[i] = static_cast<int64_t>(dim);
  }
  tensor::Shape shape(std::move(dims));
  if (!shape.Elements()) return DataLoss(of, ": shape ", shape.ToString(), " overflows");
  return shape;
}

absl::StatusOr<DType> GgufParser::ReadTensorType(const std::string& of) {
  CRIA_ASSIGN_OR_RETURN(const uint32_t type, Read<uint32_t>(of));
  const std::string name = GgufTensorTypeName(type);
  const std::optional<DType> dtype = tensor::DTypeFromName(name);
  if (!dtype)
    return Unimplemented(of, " is stored as ", name, ": this tensor type is not supported");
  return *dtype;
}

absl::Status GgufParser::PlaceTensors() {
  if (file_.tensors_.empty()) return absl::OkStatus();
  const uint64_t mask = file_.alignment_ - 1;
  const uint64_t data_start = (at_ + mask) & ~mask;  // at_ is within a file: no overflow
  if (data_start > bytes_.size())
    return DataLoss("the data should start at byte ", data_start, ", the file has ", bytes_.size(),
                    ": truncated download?");
  for (size_t i = 0; i < file_.tensors_.size(); ++i)
    CRIA_RETURN_IF_ERROR(PlaceTensor(i, data_start));
  return CheckOverlaps();
}

absl::Status GgufParser::PlaceTensor(size_t i, uint64_t data_start) {
  GgufTensor& tensor = file_.tensors_[i];
  const std::string of = "tensor " + base::Quote(tensor.name);
  const tensor::DTypeInfo& info = tensor::Info(tensor.view.dtype);
  const std::optional<uint64_t> size = tensor::ByteSize(tensor.view.dtype, tensor.view.shape);
  if (!size)
    return DataLoss(of, ": rows of ", tensor.view.cols(), " elements are not a multiple of ",
                    std::string(info.name), "'s block of ", info.block_elements);
  if (offsets_[i] % file_.alignment_ != 0)
    return DataLoss(of, ": offset ", offsets_[i], " is not a multiple of the alignment ",
                    file_.alignment_);
  if (!base::RangeFits(offsets_[i], *size, bytes_.size() - data_start))
    return DataLoss(of, ": ", *size, " bytes of shape ", tensor.view.shape.ToString(), " ",
                    std::string(info.name), " at offset ", offsets_[i], ", the data has ",
                    bytes_.size() - data_start, " bytes: truncated download?");
  tensor.view.bytes = bytes_.subspan(data_start + offsets_[i], *size);
  return absl::OkStatus();
}

absl::Status GgufParser::CheckOverlaps() const {
  std::vector<const GgufTensor*> order;
  order.reserve(file_.tensors_.size());
  for (const GgufTensor& tensor : file_.tensors_) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const GgufTensor* a, const GgufTensor* b) {
    return a->view.bytes.data() < b->view.bytes.data();
  });
  for (size_t i = 1; i < order.size(); ++i) {
    const std::span<const uint8_t> before = order[i - 1]->view.bytes;
    if (before.data() + before.size() > order[i]->view.bytes.data())
      return DataLoss("tensors ", base::Quote(order[i - 1]->name), " and ",
                      base::Quote(order[i]->name), " overlap in the file");
  }
  return absl::OkStatus();
}

absl::StatusOr<GgufFile> GgufFile::Parse(std::span<const uint8_t> bytes, std::string_view what) {
  return GgufParser(bytes, what).Parse();
}

}  // namespace cria::checkpoint
