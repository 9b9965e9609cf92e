// For the tests of this folder: tiny models in memory and on disk.
#ifndef CRIA_CHECKPOINT_TEST_SUPPORT_H_
#define CRIA_CHECKPOINT_TEST_SUPPORT_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/weight_table.h"

namespace cria::checkpoint {

// A directory that goes away with the test.
class TempDirectory {
 public:
  TempDirectory() {
    std::string path = (std::filesystem::temp_directory_path() / "cria_test.XXXXXX").string();
    if (mkdtemp(path.data()) != nullptr) path_ = path;
  }
  ~TempDirectory() {
    std::error_code error;
    if (!path_.empty()) std::filesystem::remove_all(path_, error);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }
  std::string Write(const std::string& name, std::string_view content) const {
    std::ofstream(File(name), std::ios::binary) << content;
    return File(name);
  }
  size_t NumFiles() const {
    size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path_)) ++count;
    return count;
  }

 private:
  std::string path_;
};

inline ModelConfig TinyConfig() {
  ModelConfig config;
  config.architecture = "llama";
  config.hidden = 8;
  config.vocab = 10;
  config.head_dim = 4;
  config.rotary_dim = 4;
  config.max_context = 32;
  config.layers = {{2, 1, 12}, {2, 1, 12}};
  return config;
}

// Random bytes of a type and shape, kept alive by `parts`.
inline tensor::View AddTensor(const std::string& name, tensor::DType dtype, tensor::Shape shape,
                              Checkpoint::Parts* parts, uint64_t seed = 0) {
  const auto bytes =
      std::make_shared<std::vector<uint8_t>>(tensor::ByteSize(dtype, shape).value_or(0));
  base::Rng rng(seed == 0 ? parts->tensors.size() + 1 : seed);
  for (uint8_t& byte : *bytes) byte = static_cast<uint8_t>(rng.Below(0x3f));  // finite floats
  parts->owners.push_back(bytes);
  parts->tensors.push_back({name, name, {dtype, std::move(shape), *bytes}});
  return parts->tensors.back().view;
}

// All required weights of `config` as `dtype`.
inline Checkpoint::Parts TinyParts(const ModelConfig& config = TinyConfig(),
                                   tensor::DType dtype = tensor::DType::kF32) {
  Checkpoint::Parts parts;
  parts.path = "tiny";
  parts.config = config;
  for (const WeightSpec& spec : WeightTable(config))
    if (!spec.optional) AddTensor(spec.name, dtype, spec.shape, &parts);
  return parts;
}

inline TensorEntry& Entry(Checkpoint::Parts* parts, const std::string& name) {
  for (TensorEntry& entry : parts->tensors)
    if (entry.name == name) return entry;
  ADD_FAILURE() << "no tensor " << name;
  return parts->tensors.front();
}

inline void Remove(Checkpoint::Parts* parts, const std::string& name) {
  std::erase_if(parts->tensors, [&](const TensorEntry& entry) { return entry.name == name; });
}

// The bytes of a safetensors file with this header, right or wrong, and `data_bytes` of data.
inline std::string RawSafetensors(const std::string& header, size_t data_bytes) {
  const uint64_t length = header.size();
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  return file + header + std::string(data_bytes, '\x11');
}

inline std::span<const uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Expects that `status` (a Status or a StatusOr) failed with `code` and a one-line message that
// names `what`.
inline void ExpectError(const absl::Status& status, absl::StatusCode code,
                        const std::string& what) {
  EXPECT_EQ(status.code(), code) << status;
  const std::string message(status.message());
  EXPECT_NE(message.find(what), std::string::npos) << message << "\n  should name: " << what;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}
template <typename T>
void ExpectError(const absl::StatusOr<T>& result, absl::StatusCode code, const std::string& what) {
  ExpectError(result.status(), code, what);
}

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_TEST_SUPPORT_H_
