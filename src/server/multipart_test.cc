#include "server/multipart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "server/attachment.h"

namespace cria::server {
namespace {

using ::testing::HasSubstr;

constexpr char kType[] = "multipart/form-data; boundary=XyZ";

// '|' stands for a line end.
std::string Lines(std::string_view text) {
  return absl::StrReplaceAll({text.data(), text.size()}, {{"|", "\r\n"}});
}

std::string OnePart(const std::string& headers, std::string_view content = "x") {
  return absl::StrCat(Lines("--XyZ|"), headers, Lines("||"), std::string(content),
                      Lines("|--XyZ--|"));
}

// The only part of a body with these headers.
absl::StatusOr<FormPart> ParseOne(const std::string& headers) {
  // The part refers to it, but only its content does.
  const std::string body = OnePart(headers);
  auto parts = ParseMultipart(kType, body);
  if (!parts.ok()) return parts.status();
  EXPECT_EQ(parts->size(), 1u);
  parts->front().content = {};
  return parts->front();
}

std::string FilenameOf(const std::string& parameters) {
  const auto part = ParseOne("Content-Disposition: form-data; name=\"file\"; " + parameters);
  return part.ok() ? part->filename.value_or("none") : part.status().ToString();
}

TEST(MultipartTest, TakesFieldsAndFilesInOrder) {
  const std::string body = Lines(
      "a preamble|--XyZ|Content-Disposition: form-data; name=\"purpose\"||assistants|--XyZ \t|"
      "content-disposition:form-data;name=file;filename=\"a b.txt\"|Content-Type: text/plain||"
      "line 1|--Xy is no boundary||--XyZ|Content-Disposition: form-data; name=\"empty\"|||--XyZ--|"
      "an epilogue|--XyZ");
  const auto parts = ParseMultipart("Multipart/Form-Data; charset=utf-8; Boundary=\"XyZ\"", body);
  ASSERT_TRUE(parts.ok()) << parts.status();
  ASSERT_EQ(parts->size(), 3u);
  EXPECT_EQ((*parts)[0].name, "purpose");
  EXPECT_EQ((*parts)[0].content, "assistants");
  EXPECT_FALSE((*parts)[0].filename.has_value());
  EXPECT_EQ((*parts)[1].name, "file");
  EXPECT_EQ((*parts)[1].filename, "a b.txt");
  EXPECT_EQ((*parts)[1].content_type, "text/plain");
  EXPECT_EQ((*parts)[1].content, Lines("line 1|--Xy is no boundary|"));
  EXPECT_EQ((*parts)[2].content, "");
}

TEST(MultipartTest, TakesAnyBytes) {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += static_cast<char>(i);
  const std::string body =
      OnePart("Content-Disposition: form-data; name=\"file\"; filename=\"b\"", bytes);
  const auto parts = ParseMultipart(kType, body);
  ASSERT_TRUE(parts.ok()) << parts.status();
  EXPECT_EQ(parts->front().content, bytes);
}

TEST(MultipartTest, TakesAPartWithoutContentOrLineEnd) {
  // The line end of the headers begins the delimiter.
  const std::string body = Lines("--XyZ|Content-Disposition: form-data; name=a||--XyZ--");
  const auto parts = ParseMultipart(kType, body);
  ASSERT_TRUE(parts.ok()) << parts.status();
  EXPECT_EQ(parts->front().content, "");
}

TEST(MultipartTest, ReadsFilenamesAsClientsWriteThem) {
  EXPECT_EQ(FilenameOf("filename=plain.txt"), "plain.txt");
  EXPECT_EQ(FilenameOf(R"(filename="a;b=c.txt")"), "a;b=c.txt");
  EXPECT_EQ(FilenameOf(R"(filename="say \"hi\".txt")"), "say \"hi\".txt");    // curl
  EXPECT_EQ(FilenameOf(R"(filename="say %22hi%22.txt")"), "say \"hi\".txt");  // browsers
  EXPECT_EQ(FilenameOf(R"(filename="C:\dir\\f.txt")"), R"(C:\dir\f.txt)");
  EXPECT_EQ(FilenameOf("filename=\"100%.txt\""), "100%.txt");
  EXPECT_EQ(FilenameOf("filename=\"na\xC3\xAFve.txt\""), "na\xC3\xAFve.txt");
  EXPECT_EQ(FilenameOf("filename=\"bad\xFF.txt\""), "bad\xEF\xBF\xBD.txt");
  EXPECT_EQ(FilenameOf("filename=\"naive.txt\"; filename*=UTF-8''na%C3%AFve.txt"),
            "na\xC3\xAFve.txt");
  EXPECT_EQ(FilenameOf("filename*=utf-8'en'x%20y; filename=z"), "x y");
  EXPECT_EQ(FilenameOf("filename=\"\""), "");
  EXPECT_EQ(FilenameOf("other=1"), "none");
}

TEST(MultipartTest, RefusesBadFilenames) {
  EXPECT_THAT(FilenameOf("filename*=latin-1''x"), HasSubstr("expected UTF-8''"));
  EXPECT_THAT(FilenameOf("filename*=UTF-8'x"), HasSubstr("expected UTF-8''"));
  EXPECT_THAT(FilenameOf("filename*=UTF-8''x%4"), HasSubstr("percent-encoded"));
  EXPECT_THAT(FilenameOf("filename*=UTF-8''x%00"), HasSubstr("percent-encoded"));
  EXPECT_THAT(FilenameOf("filename=\"open"), HasSubstr("Content-Disposition: expected"));
  EXPECT_THAT(FilenameOf("filename=\"a\"b"), HasSubstr("Content-Disposition: expected"));
  EXPECT_THAT(FilenameOf("filename"), HasSubstr("Content-Disposition: expected"));
  EXPECT_THAT(FilenameOf("filename=" + std::string(1025, 'a')), HasSubstr("at most 1024 bytes"));
}

TEST(MultipartTest, NamesWhatIsWrongWithAPart) {
  const auto error = [](const std::string& headers) {
    return std::string(ParseOne(headers).status().message());
  };
  EXPECT_THAT(error("Content-Type: text/plain"), HasSubstr("part 1: expected a Content-Dispo"));
  EXPECT_THAT(error("Content-Disposition: attachment; name=a"), HasSubstr("expected form-data"));
  EXPECT_THAT(error("Content-Disposition: form-data; filename=a"), HasSubstr("name="));
  EXPECT_THAT(error("no header"), HasSubstr("expected a header, found 'no header'"));
  EXPECT_THAT(error("X: a\nb"), HasSubstr("expected a header"));
  EXPECT_THAT(error(std::string("X: a\0b", 6)), HasSubstr("expected a header"));
  const auto encoded =
      ParseOne(Lines("Content-Disposition: form-data; name=f|Content-Transfer-Encoding: base64"));
  EXPECT_TRUE(absl::IsUnimplemented(encoded.status())) << encoded.status();
  EXPECT_THAT(encoded.status().message(), HasSubstr("'f': Content-Transfer-Encoding: 'base64'"));
  EXPECT_TRUE(
      ParseOne(Lines("Content-Disposition: form-data; name=f|Content-Transfer-Encoding: Binary"))
          .ok());
}

TEST(MultipartTest, RefusesBodiesThatAreCutShort) {
  const std::string whole = OnePart("Content-Disposition: form-data; name=\"a\"", "content");
  const size_t complete = whole.rfind("--") + 2;
  for (size_t size = 0; size < complete; ++size) {
    const auto parts = ParseMultipart(kType, std::string_view(whole).substr(0, size));
    EXPECT_TRUE(absl::IsInvalidArgument(parts.status())) << size << ": " << parts.status();
  }
  EXPECT_TRUE(ParseMultipart(kType, std::string_view(whole).substr(0, complete)).ok());
}

TEST(MultipartTest, RefusesOtherContentTypes) {
  const auto error = [](std::string_view type) {
    return std::string(ParseMultipart(type, "").status().message());
  };
  EXPECT_THAT(error(""), HasSubstr("expected multipart/form-data, found none"));
  EXPECT_THAT(error("application/json"), HasSubstr("found 'application/json'"));
  EXPECT_THAT(error("multipart/form-data"), HasSubstr("expected boundary="));
  EXPECT_THAT(error("multipart/form-data; boundary="), HasSubstr("expected boundary="));
  EXPECT_THAT(error("multipart/form-data; boundary=\"a\nb\""), HasSubstr("expected boundary="));
  EXPECT_THAT(error("multipart/form-data; boundary=" + std::string(71, 'a')),
              HasSubstr("1 to 70 printable"));
}

TEST(MultipartTest, KeepsItsLimits) {
  const std::string header = "Content-Disposition: form-data; name=a";
  const std::string two = Lines("--XyZ|" + header + "||1|--XyZ|" + header + "||2|--XyZ--");
  MultipartLimits limits;
  limits.max_parts = 2;
  EXPECT_TRUE(ParseMultipart(kType, two, limits).ok());
  limits.max_parts = 1;
  EXPECT_THAT(ParseMultipart(kType, two, limits).status().message(), HasSubstr("more than 1 part"));
  limits = {};
  limits.max_part_header_bytes = header.size() + 4;
  EXPECT_TRUE(ParseMultipart(kType, two, limits).ok());
  --limits.max_part_header_bytes;
  EXPECT_THAT(ParseMultipart(kType, two, limits).status().message(), HasSubstr("headers of at"));
  limits = {};
  limits.max_name_bytes = 0;
  EXPECT_THAT(ParseMultipart(kType, two, limits).status().message(), HasSubstr("more than the 0"));
}

TEST(AttachmentTest, NamesFilesForEveryClient) {
  EXPECT_EQ(AttachmentDisposition("a b.txt"), "attachment; filename=\"a b.txt\"");
  EXPECT_EQ(AttachmentDisposition(R"(C:\x/y\z.txt)"), "attachment; filename=\"z.txt\"");
  EXPECT_EQ(AttachmentDisposition("na\xC3\xAFve \"1\".txt"),
            "attachment; filename=\"na_ve _1_.txt\"; filename*=UTF-8''na%C3%AFve%20%221%22.txt");
  EXPECT_EQ(AttachmentDisposition("a\r\nX: 1"),
            "attachment; filename=\"a__X: 1\"; filename*=UTF-8''a%0D%0AX%3A%201");
  EXPECT_EQ(AttachmentDisposition("50%.txt"),
            "attachment; filename=\"50_.txt\"; filename*=UTF-8''50%25.txt");
  EXPECT_EQ(AttachmentDisposition(""), "attachment");
  EXPECT_EQ(AttachmentDisposition("dir/"), "attachment");
}

}  // namespace
}  // namespace cria::server
