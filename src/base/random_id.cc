#include "base/random_id.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

#include "base/check.h"

namespace cria::base {
namespace {

// The system's bytes, taken a page at a time: a call for each id costs more than the id.
class RandomBytes {
 public:
  uint8_t Next() {
    if (used_ == bytes_.size()) Refill();
    return bytes_[used_++];
  }

 private:
  void Refill() {
    size_t filled = 0;
    while (filled < bytes_.size()) {
      const ssize_t got = getrandom(bytes_.data() + filled, bytes_.size() - filled, 0);
      CRIA_CHECK(got > 0 || errno == EINTR);  // it can't fail for so few bytes
      filled += static_cast<size_t>(std::max<ssize_t>(got, 0));
    }
    used_ = 0;
  }

  std::array<uint8_t, 256> bytes_{};
  size_t used_ = 256;
};

}  // namespace

std::string RandomHex(int digits) {
  thread_local RandomBytes random;
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex(static_cast<size_t>(digits), '0');
  for (char& digit : hex) digit = kDigits[random.Next() & 15];
  return hex;
}

std::string RandomUuid() {
  std::string uuid = RandomHex(32);
  uuid[12] = '4';
  uuid[16] = "89ab"[uuid[16] & 3];
  for (const size_t dash : {8, 13, 18, 23}) uuid.insert(dash, 1, '-');
  return uuid;
}

}  // namespace cria::base
