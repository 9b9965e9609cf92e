#include "engine/model_library.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "engine/engine_testing.h"

namespace cria::engine {
namespace {

using Code = absl::StatusCode;

class ModelLibraryTest : public testing::Test {
 protected:
  static constexpr uint64_t kBytes = 2 << 20;  // more than the stories model has

  ModelLibrary::Loader Loader() {
    return [this]() -> absl::StatusOr<std::shared_ptr<const LoadedModel>> {
      ++loads_;
      return LoadStories(pool_);
    };
  }

  base::ThreadPool pool_{1, /*pin=*/false};
  std::atomic<int> loads_{0};
  int unloads_ = 0;
  // Room for two: one as it is, one as it was declared.
  ModelLibrary library_{2 * kBytes, [this] { ++unloads_; }};
};

TEST_F(ModelLibraryTest, LoadsWhenAsked) {
  library_.Declare("a", kBytes, Loader());
  EXPECT_EQ(library_.Find("a"), nullptr);
  EXPECT_EQ(library_.bytes(), 0U);
  const auto model = library_.Get("a");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(*library_.Get("a"), *model);
  EXPECT_EQ(library_.Find("a"), *model);
  EXPECT_EQ(loads_, 1);
  EXPECT_EQ(library_.bytes(), (*model)->model().packed_bytes());
  EXPECT_EQ(library_.Get("b").status().code(), Code::kNotFound);
}

TEST_F(ModelLibraryTest, TheLongestUnusedMakesRoom) {
  for (const char* id : {"a", "b", "c", "d", "e"}) library_.Declare(id, kBytes, Loader());
  for (const char* id : {"a", "b", "a"}) ASSERT_TRUE(library_.Get(id).ok());
  const auto held = library_.Get("a");
  int rounds = 0;
  for (const char* id : {"c", "d", "e", "b"}) {
    ASSERT_TRUE(library_.Get(id).ok());
    EXPECT_LE(library_.bytes(), 2 * kBytes);
    ++rounds;
  }
  EXPECT_NE(library_.Find("a"), nullptr) << "in use";
  EXPECT_NE(library_.Find("b"), nullptr) << "the newest";
  EXPECT_GT(unloads_, 0);
  EXPECT_EQ(*library_.Get("a"), *held);
}

TEST_F(ModelLibraryTest, WhatIsInUseIsNotUnloaded) {
  ModelLibrary library(kBytes, [] {});
  library.Declare("a", kBytes, Loader());
  library.Declare("b", kBytes, Loader());
  auto a = library.Get("a");
  ASSERT_TRUE(a.ok());
  EXPECT_EQ(library.Get("b").status().code(), Code::kResourceExhausted);
  a = absl::CancelledError();  // lets go
  EXPECT_TRUE(library.Get("b").ok());
  EXPECT_EQ(library.Find("a"), nullptr);
}

TEST_F(ModelLibraryTest, WhatWasPutThereStays) {
  ModelLibrary library(kBytes, [] {});
  library.Put("a", LoadStories(pool_));
  library.Declare("b", kBytes, Loader());
  EXPECT_EQ(library.Get("b").status().code(), Code::kResourceExhausted);
  library.Remove("a");
  EXPECT_TRUE(library.Get("b").ok());
}

TEST_F(ModelLibraryTest, AFailedLoadMayBeTriedAgain) {
  int tries = 0;
  library_.Declare("a", kBytes, [&]() -> absl::StatusOr<std::shared_ptr<const LoadedModel>> {
    if (++tries == 1) return absl::UnavailableError("disk is away");
    return LoadStories(pool_);
  });
  EXPECT_EQ(library_.Get("a").status().code(), Code::kUnavailable);
  EXPECT_EQ(library_.bytes(), 0U);
  EXPECT_TRUE(library_.Get("a").ok());
}

TEST_F(ModelLibraryTest, ManyAskAtOnceOneLoads) {
  library_.Declare("a", kBytes, Loader());
  std::vector<std::thread> askers;
  std::atomic<int> got{0};
  for (int i = 0; i < 8; ++i) askers.emplace_back([&] { got += library_.Get("a").ok() ? 1 : 0; });
  for (std::thread& asker : askers) asker.join();
  EXPECT_EQ(got, 8);
  EXPECT_EQ(loads_, 1);
}

TEST(EngineModelsTest, ARequestLoadsTheModelItNames) {
  EngineOptions options;
  options.threads = 2;
  options.weight_bytes = 3 << 20;
  Engine engine(options);
  for (const char* id : {"a", "b", "c"}) {
    const auto open = []() -> absl::StatusOr<Engine::Opening> {
      return Engine::Opening{OpenStories(), {}};
    };
    engine.Declare(id, 2 << 20, open);
  }
  for (const char* id : {"a", "b", "c", "a"}) {
    Request request;
    request.model = id;
    request.prompt = {1};
    request.options = Greedy(5);
    const auto generation = engine.Submit(request);
    ASSERT_TRUE(generation.ok()) << id << ": " << generation.status();
    EXPECT_TRUE((*generation)->Wait().status.ok());
  }
  EXPECT_LE(engine.stats().weight_bytes, options.weight_bytes);
}

}  // namespace
}  // namespace cria::engine
