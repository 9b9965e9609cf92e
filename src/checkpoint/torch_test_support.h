// For tests: builds zip archives, pickles and files as torch.save makes them, right or wrong.
#ifndef CRIA_CHECKPOINT_TORCH_TEST_SUPPORT_H_
#define CRIA_CHECKPOINT_TORCH_TEST_SUPPORT_H_

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cria::checkpoint {

template <typename T>
void AppendNumber(T value, std::string* out) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof value);
  out->append(bytes, sizeof value);
}

// What the directory says of an entry; a field that is set replaces the truth.
struct ZipTestEntry {
  std::string name, data;
  uint16_t method = 0, flags = 0, disk = 0;
  std::optional<uint32_t> packed = {}, size = {}, offset = {};
  std::optional<std::string> local_name = {};
  bool zip64 = false;  // sizes and offset in an extra field
};

struct ZipTestOptions {
  bool zip64 = false;  // a ZIP64 end record
  std::optional<uint64_t> count = {}, directory_bytes = {}, directory = {};
  std::string comment = {};
};

inline std::string ZipEntryHeader(const ZipTestEntry& entry, uint64_t offset) {
  std::string out, extra;
  const uint64_t bytes = entry.data.size();
  if (entry.zip64) {
    AppendNumber<uint16_t>(0x5855, &extra);  // a field of another kind first
    AppendNumber<uint16_t>(2, &extra);
    extra += "UX";
    AppendNumber<uint16_t>(1, &extra);
    AppendNumber<uint16_t>(24, &extra);
    for (const uint64_t value : {bytes, bytes, offset}) AppendNumber<uint64_t>(value, &extra);
  }
  const auto field = [&](uint64_t truth, std::optional<uint32_t> lie) {
    AppendNumber<uint32_t>(lie.value_or(entry.zip64 ? 0xffffffffU : static_cast<uint32_t>(truth)),
                           &out);
  };
  AppendNumber<uint32_t>(0x02014b50, &out);
  AppendNumber<uint32_t>(0, &out);  // versions
  AppendNumber<uint16_t>(entry.flags, &out);
  AppendNumber<uint16_t>(entry.method, &out);
  out.append(8, '\0');  // time, date, checksum
  field(bytes, entry.packed);
  field(bytes, entry.size);
  AppendNumber<uint16_t>(static_cast<uint16_t>(entry.name.size()), &out);
  AppendNumber<uint16_t>(static_cast<uint16_t>(extra.size()), &out);
  AppendNumber<uint16_t>(0, &out);  // comment
  AppendNumber<uint16_t>(entry.disk, &out);
  out.append(6, '\0');  // attributes
  field(offset, entry.offset);
  return out + entry.name + extra;
}

inline std::string ZipLocalHeader(const ZipTestEntry& entry) {
  const std::string& name = entry.local_name.value_or(entry.name);
  std::string out;
  AppendNumber<uint32_t>(0x04034b50, &out);
  AppendNumber<uint16_t>(0, &out);
  AppendNumber<uint16_t>(entry.flags, &out);
  AppendNumber<uint16_t>(entry.method, &out);
  out.append(16, '\0');  // time, date, checksum, sizes: as with flag 8, only the directory has them
  AppendNumber<uint16_t>(static_cast<uint16_t>(name.size()), &out);
  AppendNumber<uint16_t>(3, &out);
  return out + name + "pad";
}

inline std::string MakeZip(const std::vector<ZipTestEntry>& entries,
                           const ZipTestOptions& options = {}) {
  std::string file, directory;
  for (const ZipTestEntry& entry : entries) {
    directory += ZipEntryHeader(entry, file.size());
    file += ZipLocalHeader(entry) + entry.data;
  }
  const uint64_t count = options.count.value_or(entries.size());
  const uint64_t bytes = options.directory_bytes.value_or(directory.size());
  const uint64_t start = options.directory.value_or(file.size());
  file += directory;
  if (options.zip64) {
    const uint64_t end64 = file.size();
    AppendNumber<uint32_t>(0x06064b50, &file);
    AppendNumber<uint64_t>(44, &file);
    file.append(12, '\0');  // versions, parts
    for (const uint64_t value : {count, count, bytes, start}) AppendNumber<uint64_t>(value, &file);
    AppendNumber<uint32_t>(0x07064b50, &file);
    AppendNumber<uint32_t>(0, &file);
    AppendNumber<uint64_t>(end64, &file);
    AppendNumber<uint32_t>(1, &file);
  }
  AppendNumber<uint32_t>(0x06054b50, &file);
  AppendNumber<uint32_t>(0, &file);  // parts
  const uint16_t short_count = options.zip64 ? 0xffff : static_cast<uint16_t>(count);
  AppendNumber<uint16_t>(short_count, &file);
  AppendNumber<uint16_t>(short_count, &file);
  AppendNumber<uint32_t>(options.zip64 ? 0xffffffffU : static_cast<uint32_t>(bytes), &file);
  AppendNumber<uint32_t>(options.zip64 ? 0xffffffffU : static_cast<uint32_t>(start), &file);
  AppendNumber<uint16_t>(static_cast<uint16_t>(options.comment.size()), &file);
  return file + options.comment;
}

// The words of a pickle.
inline const std::string kProto = "\x80\x02";

inline std::string PickleText(std::string_view text) {
  std::string out = "X";
  AppendNumber<uint32_t>(static_cast<uint32_t>(text.size()), &out);
  return out + std::string(text);
}
inline std::string PickleInt(int64_t number) {
  std::string out = "\x8a\x08";
  AppendNumber<int64_t>(number, &out);
  return out;
}
inline std::string PickleInts(const std::vector<int64_t>& numbers) {
  std::string out = "(";
  for (const int64_t number : numbers) out += PickleInt(number);
  return out + "t";
}
inline std::string PickleGlobal(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}

struct TorchTestTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::string data = {};  // of its storage; empty if the storage is another tensor's
  std::string storage_class = "FloatStorage";
  int64_t element_bytes = 4;
  std::string key = {};               // of the storage; empty: the tensor's name
  std::vector<int64_t> strides = {};  // empty: contiguous
  int64_t offset = 0;
  std::optional<int64_t> elements = {};  // of the storage, where not as many as `data` has
};

inline std::string PickleTensor(const TorchTestTensor& tensor) {
  std::vector<int64_t> strides = tensor.strides;
  if (strides.empty()) {
    strides.assign(tensor.shape.size(), 1);
    for (size_t i = strides.size(); i-- > 1;) strides[i - 1] = strides[i] * tensor.shape[i];
  }
  const auto stored = static_cast<int64_t>(tensor.data.size()) / tensor.element_bytes;
  return PickleGlobal("torch._utils", "_rebuild_tensor_v2") + "((" + PickleText("storage") +
         PickleGlobal("torch", tensor.storage_class) +
         PickleText(tensor.key.empty() ? tensor.name : tensor.key) + PickleText("cpu") +
         PickleInt(tensor.elements.value_or(stored)) + "tQ" + PickleInt(tensor.offset) +
         PickleInts(tensor.shape) + PickleInts(strides) + "\x89" +
         PickleGlobal("collections", "OrderedDict") + ")RtR";
}

inline std::string PickleTensors(const std::vector<TorchTestTensor>& tensors) {
  std::string out = kProto + "}(";
  for (const TorchTestTensor& tensor : tensors)
    out += PickleText(tensor.name) + PickleTensor(tensor);
  return out + "u.";
}

// A file of torch.save: the dictionary and the storages of the tensors.
inline std::string MakeTorchFile(const std::vector<TorchTestTensor>& tensors) {
  std::vector<ZipTestEntry> entries = {{"x/data.pkl", PickleTensors(tensors)},
                                       {"x/byteorder", "little"}};
  for (const TorchTestTensor& tensor : tensors)
    if (!tensor.data.empty())
      entries.push_back({"x/data/" + (tensor.key.empty() ? tensor.name : tensor.key), tensor.data});
  return MakeZip(entries);
}

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_TORCH_TEST_SUPPORT_H_
