#include "store/ids.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace cria::store {
namespace {

void ExpectShape(const std::string& id, const char* shape) {
  EXPECT_TRUE(std::regex_match(id, std::regex(shape))) << id << " is not " << shape;
}

TEST(IdsTest, HaveTheShapesOfTheApi) {
  const std::string uuid4 = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
  for (int i = 0; i < 50; ++i) {
    ExpectShape(NewUuid4(), uuid4.c_str());
    ExpectShape(NewChatCompletionId(), ("chatcmpl-" + uuid4).c_str());
  }
  ExpectShape(NewFileId(), "file-[0-9a-f]{32}");
  ExpectShape(NewConversationId(), "conv_[0-9a-f]{48}");
  ExpectShape(NewMessageId(), "msg_[0-9a-f]{48}");
  ExpectShape(NewPromptId(), "pmpt_[0-9a-f]{48}");
  ExpectShape(NewBatchId(), "batch_[0-9a-f]{16}");
}

TEST(IdsTest, NeverRepeat) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(NewFileId());
  EXPECT_EQ(ids.size(), 1000u);
}

TEST(IdsTest, ShapesAreToldApart) {
  EXPECT_TRUE(IsFileId(NewFileId()));
  EXPECT_TRUE(IsConversationId(NewConversationId()));
  EXPECT_TRUE(IsPromptId(NewPromptId()));
  EXPECT_FALSE(IsFileId(NewFileId() + "0"));
  EXPECT_FALSE(IsFileId("file-"));
  EXPECT_FALSE(IsFileId("file-0123456789ABCDEF0123456789ABCDEF"));
  EXPECT_FALSE(IsFileId("file-../../../../../../etc/passwd.."));
  EXPECT_FALSE(IsConversationId(NewPromptId()));
}

}  // namespace
}  // namespace cria::store
