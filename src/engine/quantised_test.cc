// The promises of the engine on models whose activations are rounded, where how a token is
// multiplied depends on the length of its prompt: prompts above and below 64 tokens, in company.
#include <gtest/gtest.h>

#include "engine/engine_testing.h"
#include "engine/scoring.h"

namespace cria::engine {
namespace {

using text::TokenId;

class QuantisedTest : public testing::TestWithParam<const char*> {
 protected:
  std::shared_ptr<const checkpoint::Checkpoint> Open() {
    auto checkpoint = checkpoint::Checkpoint::Open(GetParam());
    EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
    return *std::move(checkpoint);
  }

  std::unique_ptr<Engine> MakeEngine(EngineOptions options = {}) {
    options.threads = 2;
    auto engine = std::make_unique<Engine>(options);
    EXPECT_TRUE(engine->Load("model", Open(), {}).ok());
    return engine;
  }

  // Nothing in common with the prompts of other `who`.
  static std::vector<TokenId> Prompt(int length, int who) {
    std::vector<TokenId> prompt;
    for (int t = 0; t < length; ++t) prompt.push_back(2 + (t * (7 + 2 * who) + 5 * who) % 60);
    return prompt;
  }

  static Request Ask(std::vector<TokenId> prompt, bool speculate) {
    Request request;
    request.model = "model";
    request.prompt = std::move(prompt);
    request.options = Greedy(12);
    request.options.ignore_eos = true;
    request.options.logprobs = 0;
    request.options.speculate = speculate;
    return request;
  }

  // The tokens and the exact log-probabilities.
  static std::vector<std::pair<TokenId, double>> Collect(Generation& generation) {
    std::vector<std::pair<TokenId, double>> tokens;
    while (const auto event = generation.Next())
      if (event->token) tokens.emplace_back(event->token->id, event->token->logprob.value_or(0));
    EXPECT_TRUE(generation.result().status.ok()) << generation.result().status;
    return tokens;
  }
};

TEST_P(QuantisedTest, ManyAtOnceGiveWhatEachGivesAlone) {
  const auto engine = MakeEngine();
  const auto request = [](int i) { return Ask(Prompt(5 + 11 * i, i), /*speculate=*/false); };
  std::vector<std::shared_ptr<Generation>> together;
  for (int i = 0; i < 10; ++i) together.push_back(*engine->Submit(request(i)));
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(Collect(*together[static_cast<size_t>(i)]),
              Collect(**MakeEngine()->Submit(request(i))))
        << "request " << i;
}

// Also where one token of a long prompt is left for a step of its own: beside a running answer,
// which lets 8 or 16 go in a step.
TEST_P(QuantisedTest, GuessesChangeNothing) {
  EngineOptions options;
  options.most_stretch = 1;
  for (const int length : {33, 65, 97, 113}) {
    std::vector<TokenId> prompt;
    for (int t = 0; t < length; ++t) prompt.push_back(20 + t % 4);
    const auto engine = MakeEngine(options);
    Request beside = Ask(Prompt(5, 1), false);
    beside.options.max_tokens = 120;
    const auto answer = *engine->Submit(std::move(beside));
    EXPECT_TRUE(answer->Next().has_value());
    EXPECT_EQ(Collect(**engine->Submit(Ask(prompt, true))),
              Collect(**MakeEngine()->Submit(Ask(prompt, false))))
        << length << " tokens";
    answer->Wait();
  }
}

// Wherever the room of a step cuts a window.
TEST_P(QuantisedTest, ABatchScoresEachAsAlone) {
  base::ThreadPool pool(2, /*pin=*/false);
  const auto model = LoadedModel::Load(Open(), {}, pool);
  ASSERT_TRUE(model.ok());
  std::vector<std::vector<TokenId>> sequences;
  for (int i = 0; i < 9; ++i) sequences.push_back(Prompt(128 - 3 * i, i));
  ScoringOptions options;
  options.window = options.stride = 128;
  const auto together = ScoreBatch(**model, sequences, options, pool);
  ASSERT_TRUE(together.ok()) << together.status();
  for (size_t i = 0; i < sequences.size(); ++i) {
    const auto alone = ScoreSequence(**model, sequences[i], options, pool);
    ASSERT_TRUE(alone.ok());
    EXPECT_EQ((*together)[i].token_logprobs, alone->token_logprobs) << "sequence " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, QuantisedTest,
                         testing::Values("tests/data/parity/gguf_q4_0.gguf",
                                         "tests/data/parity/gguf_q8_0.gguf",
                                         "tests/data/parity/gguf_q6_k.gguf",
                                         "tests/data/parity/gguf_mixed.gguf"),
                         [](const auto& test) {
                           const std::string path = test.param;
                           const size_t name = path.rfind("gguf_") + 5;
                           return path.substr(name, path.rfind('.') - name);
                         });

}  // namespace
}  // namespace cria::engine
