#include "server/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cria::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

boost::asio::awaitable<void> Nothing(Exchange&) { co_return; }

class RouterTest : public testing::Test {
 protected:
  void Add(const char* method, const char* pattern) {
    router_.Add({method, pattern, Nothing, {}, std::nullopt});
  }
  std::string Pattern(const char* method, const char* path) {
    const Router::Match match = router_.Find(method, path);
    return match.route == nullptr ? "" : match.route->pattern;
  }
  Router router_;
};

TEST_F(RouterTest, LiteralsWinOverParametersAndPaths) {
  Add("GET", "/v1/files/{file_id}");
  Add("GET", "/v1/files/{file_id}/content");
  Add("GET", "/v1/models/{model_id:path}");
  Add("GET", "/v1/models/{model_id:path}/state");
  Add("GET", "/v1/models/search");
  Add("GET", "/v1/chat/completions/{id}/messages");
  EXPECT_EQ(Pattern("GET", "/v1/files/a"), "/v1/files/{file_id}");
  EXPECT_EQ(Pattern("GET", "/v1/files/a/content"), "/v1/files/{file_id}/content");
  EXPECT_EQ(Pattern("GET", "/v1/files/a/other"), "");
  EXPECT_EQ(Pattern("GET", "/v1/models/search"), "/v1/models/search");
  EXPECT_EQ(Pattern("GET", "/v1/models/search/x"), "/v1/models/{model_id:path}");
  EXPECT_EQ(Pattern("GET", "/v1/models/a/b/state"), "/v1/models/{model_id:path}/state");
  EXPECT_EQ(Pattern("GET", "/v1/models/state"), "/v1/models/{model_id:path}");
  EXPECT_EQ(Pattern("GET", "/v1/chat/completions/c-1/messages"),
            "/v1/chat/completions/{id}/messages");
  EXPECT_EQ(Pattern("GET", "/v1"), "");
  EXPECT_EQ(Pattern("GET", "/v1/models"), "");
}

TEST_F(RouterTest, ParametersAreDecodedAndAPathTakesSlashes) {
  Add("GET", "/v1/models/{model_id:path}");
  Add("GET", "/v1/models/{model_id:path}/state");
  Add("GET", "/v1/vector_stores/{store}/files/{file}/content");
  EXPECT_THAT(router_.Find("GET", "/v1/models/ollama/llama3.2:3b").params,
              ElementsAre(Pair("model_id", "ollama/llama3.2:3b")));
  EXPECT_THAT(router_.Find("GET", "/v1/models/ollama%2Fllama3.2%3A3b/").params,
              ElementsAre(Pair("model_id", "ollama/llama3.2:3b")));
  EXPECT_THAT(router_.Find("GET", "/v1/models/a/state/state").params,
              ElementsAre(Pair("model_id", "a/state")));
  EXPECT_THAT(router_.Find("GET", "/v1/vector_stores/s%2F1/files/f%20x/content").params,
              ElementsAre(Pair("file", "f x"), Pair("store", "s/1")));
}

TEST_F(RouterTest, AnEncodedSlashDoesNotMakeASegment) {
  Add("GET", "/v1/files/{file_id}");
  Add("GET", "/v1/files/{file_id}/content");
  EXPECT_THAT(router_.Find("GET", "/v1/files/a%2Fcontent").params,
              ElementsAre(Pair("file_id", "a/content")));
}

TEST_F(RouterTest, TheSameShapeMayHaveOtherNamesForAnotherMethod) {
  Add("GET", "/v1/prompts/{prompt_id}");
  Add("POST", "/v1/prompts/{id}");
  EXPECT_THAT(router_.Find("GET", "/v1/prompts/p").params, ElementsAre(Pair("prompt_id", "p")));
  EXPECT_THAT(router_.Find("POST", "/v1/prompts/p").params, ElementsAre(Pair("id", "p")));
}

TEST_F(RouterTest, MethodsOfAPathAreToldAndHeadIsServedByGet) {
  Add("GET", "/v1/files/{id}");
  Add("DELETE", "/v1/files/{id}");
  Add("POST", "/v1/files/search");
  EXPECT_THAT(router_.Find("PATCH", "/v1/files/x").allowed, ElementsAre("DELETE", "GET"));
  EXPECT_THAT(router_.Find("PUT", "/v1/files/search").allowed,
              ElementsAre("DELETE", "GET", "POST"));
  EXPECT_THAT(router_.Find("GET", "/nothing").allowed, IsEmpty());
  EXPECT_EQ(Pattern("HEAD", "/v1/files/x"), "/v1/files/{id}");
  EXPECT_EQ(Pattern("HEAD", "/v1/files/search"), "/v1/files/{id}");
  EXPECT_EQ(Pattern("GET", "/v1/files/search"), "/v1/files/{id}");
}

TEST_F(RouterTest, SlashesAtTheEndAndEmptySegments) {
  Add("GET", "/");
  Add("GET", "/v1/models");
  Add("GET", "/v1/models/{id}");
  Add("GET", "/v1/buckets/{name:path}");
  EXPECT_EQ(Pattern("GET", "/"), "/");
  EXPECT_EQ(Pattern("GET", "/v1/models/"), "/v1/models");
  EXPECT_EQ(Pattern("GET", "/v1/models//"), "");
  EXPECT_EQ(Pattern("GET", "//v1/models"), "");
  EXPECT_EQ(Pattern("GET", "/v1//models"), "");
  EXPECT_EQ(Pattern("GET", "/v1/models/%zz"), "");
  EXPECT_THAT(router_.Find("GET", "/v1/buckets/a//b").params, ElementsAre(Pair("name", "a//b")));
}

TEST_F(RouterTest, ListsItsRoutesInOrder) {
  Add("GET", "/b");
  Add("GET", "/a");
  ASSERT_EQ(router_.routes().size(), 2u);
  EXPECT_EQ(router_.routes()[0].pattern, "/b");
}

TEST_F(RouterTest, TwoRoutesForOneMethodAndShapeAreABug) {
  Add("GET", "/v1/prompts/{prompt_id}");
  EXPECT_DEATH(Add("GET", "/v1/prompts/{id}"), "two routes");
  EXPECT_DEATH(Add("GET", "/v1/{a:path}/{b:path}"), "two path parameters");
  EXPECT_DEATH(Add("GET", "/v1/x{a}"), "check failed");
}

}  // namespace
}  // namespace cria::server
