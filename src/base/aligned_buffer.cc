#include "base/aligned_buffer.h"

#include <sys/mman.h>

namespace cria::base {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

AlignedBuffer& AlignedBuffer::operator=(AlignedBuffer&& other) noexcept {
  if (this == &other) return *this;
  Release();
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  mapping_ = std::exchange(other.mapping_, nullptr);
  mapped_bytes_ = std::exchange(other.mapped_bytes_, 0);
  return *this;
}

AlignedBuffer::~AlignedBuffer() { Release(); }

void AlignedBuffer::Release() {
  if (mapping_ != nullptr) munmap(mapping_, mapped_bytes_);
  data_ = nullptr;
  mapping_ = nullptr;
  size_ = mapped_bytes_ = 0;
}

bool AlignedBuffer::Allocate(size_t bytes, AlignedBuffer* buffer) {
  buffer->Release();
  if (bytes == 0) return true;
  const bool huge = bytes >= kHugePage;
  const size_t alignment = huge ? kHugePage : kPage;
  if (bytes > SIZE_MAX - 2 * kHugePage) return false;
  const size_t mapped = (bytes + alignment - 1) / alignment * alignment + (huge ? kHugePage : 0);
  void* mapping = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) return false;
  const auto start = reinterpret_cast<uintptr_t>(mapping);
  const uintptr_t aligned = (start + alignment - 1) / alignment * alignment;
  buffer->mapping_ = mapping;
  buffer->mapped_bytes_ = mapped;
  buffer->data_ = static_cast<uint8_t*>(mapping) + (aligned - start);
  buffer->size_ = bytes;
  // Best effort: where the system has no huge pages the buffer works the same, a little slower.
  if (huge) (void)madvise(buffer->data_, bytes, MADV_HUGEPAGE);
  return true;
}

}  // namespace cria::base
