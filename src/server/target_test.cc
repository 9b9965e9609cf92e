#include "server/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cria::server {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(TargetTest, PathAndQueryAreDecoded) {
  const auto target = ParseTarget("/v1/models/a%2Fb?limit=2&after=x+y%26&flag&=&empty=");
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_EQ(target->raw_path, "/v1/models/a%2Fb");
  EXPECT_EQ(target->path, "/v1/models/a/b");
  EXPECT_THAT(target->query, ElementsAre(Pair("limit", "2"), Pair("after", "x y&"),
                                         Pair("flag", ""), Pair("", ""), Pair("empty", "")));
}

TEST(TargetTest, PlusIsASpaceInTheQueryOnly) { EXPECT_EQ(ParseTarget("/a+b")->path, "/a+b"); }

TEST(TargetTest, OtherForms) {
  EXPECT_EQ(ParseTarget("http://host:1/v1/x?a=b")->path, "/v1/x");
  EXPECT_EQ(ParseTarget("http://host")->path, "/");
  EXPECT_EQ(ParseTarget("http://host?a=b")->query.size(), 1u);
  EXPECT_EQ(ParseTarget("*")->path, "*");
}

TEST(TargetTest, RefusesWhatIsNoPath) {
  for (const char* bad : {"", "host:443", "v1", "/a#b", "/%", "/%4", "/%4g", "/%00", "/%ff",
                          "/x?a=%", "/x?a=%00", "/x?%c3=1", "ftp://host/"})
    EXPECT_TRUE(absl::IsInvalidArgument(ParseTarget(bad).status())) << bad;
}

}  // namespace
}  // namespace cria::server
