// What the engine's tests share: the small trained model, loaded once a program.
#ifndef CRIA_ENGINE_ENGINE_TESTING_H_
#define CRIA_ENGINE_ENGINE_TESTING_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "engine/engine.h"

namespace cria::engine {

inline constexpr char kStories[] = "tests/data/stories260k";

inline std::shared_ptr<const checkpoint::Checkpoint> OpenStories() {
  auto checkpoint = checkpoint::Checkpoint::Open(kStories);
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
  return *std::move(checkpoint);
}

inline std::shared_ptr<const LoadedModel> LoadStories(base::ThreadPool& pool) {
  auto model = LoadedModel::Load(OpenStories(), {}, pool);
  EXPECT_TRUE(model.ok()) << model.status();
  return *std::move(model);
}

// An engine that has the model under the name "stories".
inline std::unique_ptr<Engine> StoriesEngine(EngineOptions options = {}) {
  if (options.threads == 0) options.threads = 2;
  auto engine = std::make_unique<Engine>(options);
  const auto loaded = engine->Load("stories", OpenStories(), {});
  EXPECT_TRUE(loaded.ok()) << loaded.status();
  return engine;
}

inline GenerationOptions Greedy(int64_t max_tokens) {
  GenerationOptions options;
  options.temperature = 0;
  options.max_tokens = max_tokens;
  return options;
}

}  // namespace cria::engine

#endif  // CRIA_ENGINE_ENGINE_TESTING_H_
