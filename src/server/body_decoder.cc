#include "server/body_decoder.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "base/quote.h"
#include "server/errors.h"

namespace cria::server {
namespace {

constexpr size_t kStep = size_t{16} << 10;
constexpr int kGzipOrZlib = 32 + MAX_WBITS;  // zlib tells them apart by their headers
// A window of 8 MiB is what zstd's own levels up to 19 use; more would be the sender's choice of
// our memory.
constexpr int kMaxZstdWindowLog = 23;

absl::Status TooLarge(size_t max_bytes) {
  return HttpError(413, absl::StrCat("the request's body is larger than the ", max_bytes,
                                     " bytes allowed here"));
}

absl::Status Malformed(std::string_view encoding) {
  return HttpError(400, absl::StrCat("the request's body isn't valid ", std::string(encoding),
                                     ", though its Content-Encoding says so"));
}

absl::Status Append(const char* bytes, size_t size, size_t max_bytes, std::string* out) {
  if (size > max_bytes - std::min(max_bytes, out->size())) return TooLarge(max_bytes);
  out->append(bytes, size);
  return absl::OkStatus();
}

class Identity final : public BodyDecoder {
 public:
  explicit Identity(size_t max_bytes) : max_bytes_(max_bytes) {}
  absl::Status Feed(std::string_view bytes, std::string* out) override {
    return Append(bytes.data(), bytes.size(), max_bytes_, out);
  }
  absl::Status Finish() override { return absl::OkStatus(); }

 private:
  size_t max_bytes_;
};

class Zlib final : public BodyDecoder {
 public:
  explicit Zlib(size_t max_bytes) : max_bytes_(max_bytes) {
    ready_ = inflateInit2(&stream_, kGzipOrZlib) == Z_OK;
  }
  ~Zlib() override {
    if (ready_) inflateEnd(&stream_);
  }
  Zlib(const Zlib&) = delete;
  Zlib& operator=(const Zlib&) = delete;

  absl::Status Feed(std::string_view bytes, std::string* out) override {
    if (!ready_) return absl::ResourceExhaustedError("no memory to decompress the request's body");
    if (ended_) return bytes.empty() ? absl::OkStatus() : Malformed("gzip");
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    std::array<char, kStep> piece;
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(piece.data());
      stream_.avail_out = piece.size();
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return Malformed("gzip");
      CRIA_RETURN_IF_ERROR(Append(piece.data(), piece.size() - stream_.avail_out, max_bytes_, out));
      ended_ = result == Z_STREAM_END;
    } while (!ended_ && stream_.avail_out == 0);
    return ended_ && stream_.avail_in > 0 ? Malformed("gzip") : absl::OkStatus();
  }
  absl::Status Finish() override { return ended_ ? absl::OkStatus() : Malformed("gzip"); }

 private:
  size_t max_bytes_;
  z_stream stream_{};
  bool ready_ = false;
  bool ended_ = false;
};

class Zstd final : public BodyDecoder {
 public:
  explicit Zstd(size_t max_bytes) : max_bytes_(max_bytes), stream_(ZSTD_createDStream()) {
    if (stream_ != nullptr)
      ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kMaxZstdWindowLog);
  }

  absl::Status Feed(std::string_view bytes, std::string* out) override {
    if (stream_ == nullptr)
      return absl::ResourceExhaustedError("no memory to decompress the request's body");
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    std::array<char, kStep> piece;
    bool full = false;  // more may wait inside the decoder
    while (in.pos < in.size || full) {
      ZSTD_outBuffer to{piece.data(), piece.size(), 0};
      const size_t hint = ZSTD_decompressStream(stream_.get(), &to, &in);
      if (ZSTD_isError(hint)) return Malformed("zstd");
      CRIA_RETURN_IF_ERROR(Append(piece.data(), to.pos, max_bytes_, out));
      ended_ = hint == 0;
      full = to.pos == to.size && !ended_;
    }
    return absl::OkStatus();
  }
  absl::Status Finish() override { return ended_ ? absl::OkStatus() : Malformed("zstd"); }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };

  size_t max_bytes_;
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  bool ended_ = false;  // at the end of a frame; another may follow
};

}  // namespace

absl::StatusOr<std::unique_ptr<BodyDecoder>> MakeBodyDecoder(std::string_view encoding,
                                                             size_t max_bytes) {
  const std::string name = absl::AsciiStrToLower(std::string(encoding));
  if (name.empty() || name == "identity") return std::make_unique<Identity>(max_bytes);
  if (name == "gzip" || name == "x-gzip" || name == "deflate")
    return std::make_unique<Zlib>(max_bytes);
  if (name == "zstd") return std::make_unique<Zstd>(max_bytes);
  return HttpError(415, absl::StrCat("Content-Encoding ", base::Quote(encoding),
                                     ": only zstd, gzip and deflate are understood"));
}

}  // namespace cria::server
