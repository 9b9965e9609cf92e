#include "store/ids.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/check.h"

namespace cria::store {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr size_t kFileDigits = 32, kConversationDigits = 48, kPromptDigits = 48;

template <size_t N>
std::array<uint8_t, N> RandomBytes() {
  std::array<uint8_t, N> bytes;
  // Never short and never interrupted up to 256 bytes: getrandom(2).
  static_assert(N <= 256);
  CRIA_CHECK_EQ(getrandom(bytes.data(), N, 0), static_cast<ssize_t>(N));
  return bytes;
}

template <size_t N>
std::string Hex(const std::array<uint8_t, N>& bytes) {
  std::string text;
  text.reserve(2 * N);
  for (const uint8_t byte : bytes) {
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 15];
  }
  return text;
}

}  // namespace

std::string NewUuid4() {
  std::array<uint8_t, 16> bytes = RandomBytes<16>();
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0F) | 0x40);  // version 4
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3F) | 0x80);  // variant 10
  std::string text = Hex(bytes);
  for (const size_t dash : {8, 13, 18, 23}) text.insert(dash, 1, '-');
  return text;
}

std::string NewChatCompletionId() { return "chatcmpl-" + NewUuid4(); }
std::string NewFileId() { return "file-" + Hex(RandomBytes<kFileDigits / 2>()); }
std::string NewConversationId() { return "conv_" + Hex(RandomBytes<kConversationDigits / 2>()); }
std::string NewMessageId() { return "msg_" + Hex(RandomBytes<24>()); }
std::string NewPromptId() { return "pmpt_" + Hex(RandomBytes<kPromptDigits / 2>()); }
std::string NewBatchId() { return "batch_" + Hex(RandomBytes<8>()); }

bool IsHexId(std::string_view id, std::string_view prefix, size_t digits) {
  if (id.size() != prefix.size() + digits || !id.starts_with(prefix)) return false;
  id.remove_prefix(prefix.size());
  return std::all_of(id.begin(), id.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsFileId(std::string_view id) { return IsHexId(id, "file-", kFileDigits); }
bool IsConversationId(std::string_view id) { return IsHexId(id, "conv_", kConversationDigits); }
bool IsPromptId(std::string_view id) { return IsHexId(id, "pmpt_", kPromptDigits); }

}  // namespace cria::store
