// Takes one member out of a zip archive (a wheel), streaming. The archive is hostile input: every
// offset is checked.
#ifndef CRIA_HUB_ZIP_MEMBER_H_
#define CRIA_HUB_ZIP_MEMBER_H_

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace cria::hub {

// Gives the bytes of `member` in order, in pieces of at most 256 kB, stored or deflated
// (APPNOTE.TXT 4.3; zip64 is refused: archives under 4 GiB need none). Checks size and CRC-32 of
// what came out; stops at the size that the archive declares, so that nothing inflates without end.
// kDataLoss for a damaged archive, kNotFound without such a member, kUnimplemented for zip64,
// encryption or another compression; or what `take` answered.
absl::Status ExtractZipMember(std::span<const uint8_t> archive, std::string_view member,
                              const std::function<absl::Status(std::span<const uint8_t>)>& take);

}  // namespace cria::hub

#endif  // CRIA_HUB_ZIP_MEMBER_H_
