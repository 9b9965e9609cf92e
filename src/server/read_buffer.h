// Bytes that came and haven't been taken yet.
#ifndef CRIA_SERVER_READ_BUFFER_H_
#define CRIA_SERVER_READ_BUFFER_H_

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace cria::server {

// One thread at a time. Between Prepare and Commit only bytes() and Take may be called: they leave
// the prepared room where it is.
class ReadBuffer {
 public:
  std::string_view bytes() const { return {data_.get() + begin_, end_ - begin_}; }

  void Take(size_t count) { begin_ += count; }

  // Room for `count` more bytes behind bytes().
  std::span<char> Prepare(size_t count) {
    const size_t used = end_ - begin_;
    if (capacity_ - end_ < count) {
      if (capacity_ < used + count) {
        const size_t capacity = std::max(used + count, 2 * used);
        auto grown = std::make_unique_for_overwrite<char[]>(capacity);
        if (used > 0) std::memcpy(grown.get(), data_.get() + begin_, used);
        data_ = std::move(grown);
        capacity_ = capacity;
      } else if (used > 0) {
        std::memmove(data_.get(), data_.get() + begin_, used);
      }
      begin_ = 0;
      end_ = used;
    }
    return {data_.get() + end_, capacity_ - end_};
  }
  void Commit(size_t count) { end_ += count; }

  // Gives the memory back if more than `most` is held and nothing is in it.
  void Release(size_t most) {
    if (begin_ != end_ || capacity_ <= most) return;
    data_.reset();
    capacity_ = begin_ = end_ = 0;
  }

 private:
  std::unique_ptr<char[]> data_;
  size_t capacity_ = 0;
  size_t begin_ = 0, end_ = 0;
};

}  // namespace cria::server

#endif  // CRIA_SERVER_READ_BUFFER_H_
