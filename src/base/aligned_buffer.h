// Bytes for weights, caches and activations: aligned to 64, zeroed, in huge pages where that pays.
#ifndef CRIA_BASE_ALIGNED_BUFFER_H_
#define CRIA_BASE_ALIGNED_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <utility>

namespace cria::base {

// Owns memory mapped from the system: pages are zero and are not touched until they're used.
// Movable, not copyable. From 2 MiB on the kernel is asked for huge pages. Thread-compatible.
class AlignedBuffer {
 public:
  static constexpr size_t kAlignment = 64;

  AlignedBuffer() = default;
  AlignedBuffer(AlignedBuffer&& other) noexcept { *this = std::move(other); }
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept;
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  ~AlignedBuffer();

  // False (and an empty buffer) when the system has no room. `bytes` == 0 gives an empty buffer and
  // true.
  [[nodiscard]] static bool Allocate(size_t bytes, AlignedBuffer* buffer);

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

  template <typename T>
  T* as() {
    return reinterpret_cast<T*>(data_);
  }
  template <typename T>
  const T* as() const {
    return reinterpret_cast<const T*>(data_);
  }

 private:
  void Release();

  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  void* mapping_ = nullptr;  // what munmap gets: data_ may start later
  size_t mapped_bytes_ = 0;
};

}  // namespace cria::base

#endif  // CRIA_BASE_ALIGNED_BUFFER_H_
