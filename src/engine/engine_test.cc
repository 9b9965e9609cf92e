#include "engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "engine/engine_testing.h"

namespace cria::engine {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using text::StopReason;
using text::TokenId;
using Code = absl::StatusCode;

struct Outcome {
  std::string text;
  std::vector<TokenId> ids;
  GenerationResult result;
};

Outcome Collect(Generation& generation) {
  Outcome outcome;
  while (const auto event = generation.Next()) {
    if (event->token) outcome.ids.push_back(event->token->id);
    outcome.text += event->text;
  }
  outcome.result = generation.result();
  return outcome;
}

Request StoryRequest(GenerationOptions options, std::vector<TokenId> prompt = {1}) {
  Request request;
  request.model = "stories";
  request.prompt = std::move(prompt);
  request.options = std::move(options);
  return request;
}

Outcome Ask(Engine& engine, Request request) {
  const auto generation = engine.Submit(std::move(request));
  EXPECT_TRUE(generation.ok()) << generation.status();
  return Collect(**generation);
}

GenerationOptions Sampled(uint64_t seed, int64_t max_tokens) {
  GenerationOptions options = Greedy(max_tokens);
  options.temperature = 0.9;
  options.seed = seed;
  return options;
}

TEST(EngineTest, TellsTheStoryAsText) {
  const auto engine = StoriesEngine();
  const Outcome outcome = Ask(*engine, StoryRequest(Greedy(60)));
  ASSERT_TRUE(outcome.result.status.ok()) << outcome.result.status;
  EXPECT_THAT(outcome.text, StartsWith("Once upon a time, there was a little girl named Lily."));
  EXPECT_EQ(outcome.result.stop_reason, StopReason::kMaxTokens);
  EXPECT_EQ(outcome.result.prompt_tokens, 1);
  EXPECT_EQ(outcome.result.completion_tokens, 60);
  EXPECT_EQ(outcome.ids.size(), 60U);
  EXPECT_GT(outcome.result.ttft_s, 0);
  EXPECT_GE(outcome.result.ttft_s, outcome.result.prefill_s);
}

TEST(EngineTest, ManyAtOnceGiveWhatEachGivesAlone) {
  const auto engine = StoriesEngine();
  const auto request = [](int i) {
    std::vector<TokenId> prompt = {1};
    for (int t = 0; t < 9 * i; ++t) prompt.push_back(3 + (t * 31 + i * 7) % 500);
    return StoryRequest(i % 2 == 0 ? Greedy(30 + i) : Sampled(static_cast<uint64_t>(i), 40 - i),
                        prompt);
  };
  std::vector<std::shared_ptr<Generation>> together;
  for (int i = 0; i < 20; ++i) together.push_back(*engine->Submit(request(i)));
  for (int i = 0; i < 20; ++i) {
    const Outcome outcome = Collect(*together[static_cast<size_t>(i)]);
    EXPECT_EQ(outcome.ids, Ask(*engine, request(i)).ids) << "request " << i;
    EXPECT_TRUE(outcome.result.status.ok());
  }
}

// What a generation tries ahead must never show in its answer.
TEST(EngineTest, GuessesChangeNoToken) {
  const auto engine = StoriesEngine();
  ASSERT_TRUE(engine->Load("draft", OpenStories(), {}).ok());
  int64_t guessed = 0, right = 0, drafted_right = 0;  // how many are tried depends on the speed
  for (int i = 0; i < 12; ++i) {
    std::vector<TokenId> prompt = {1};
    for (int t = 0; t < 5 * i; ++t) prompt.push_back(300 + t % (2 + i));  // repetitive
    GenerationOptions options = i % 2 == 0 ? Greedy(70) : Sampled(static_cast<uint64_t>(i), 70);
    options.logprobs = 2;
    if (i % 3 == 0) options.stop = {"friend"};
    options.speculate = false;
    const Outcome plain = Ask(*engine, StoryRequest(options, prompt));
    options.speculate = true;
    const Outcome looked_up = Ask(*engine, StoryRequest(options, prompt));
    Request request = StoryRequest(options, prompt);
    request.draft_model = "draft";
    const Outcome drafted = Ask(*engine, std::move(request));
    for (const Outcome* outcome : {&looked_up, &drafted}) {
      EXPECT_EQ(outcome->ids, plain.ids) << "request " << i;
      EXPECT_EQ(outcome->text, plain.text);
      EXPECT_EQ(outcome->result.stop_reason, plain.result.stop_reason);
      EXPECT_EQ(outcome->result.completion_tokens, plain.result.completion_tokens);
    }
    EXPECT_EQ(plain.result.guessed_tokens, 0);
    drafted_right += drafted.result.guessed_right;
    guessed += looked_up.result.guessed_tokens;
    right += looked_up.result.guessed_right;
  }
  EXPECT_GT(right, 0);
  EXPECT_GT(drafted_right, 0);
  EXPECT_GT(guessed, right);  // some were wrong, and that changed nothing
  const EngineStats stats = engine->stats();
  EXPECT_GE(stats.guessed_tokens, stats.guessed_right_tokens);
  EXPECT_GT(stats.guessed_right_tokens, static_cast<uint64_t>(right));
}

TEST(EngineTest, ASessionGoesOnAfterGuesses) {
  const auto engine = StoriesEngine();
  const auto converse = [&](bool speculate) {
    Request request = StoryRequest(Greedy(25));
    request.session = *Session::Create(engine->Find("stories"), 0);
    const std::shared_ptr<Session> session = request.session;
    std::vector<TokenId> all;
    for (int turn = 0; turn < 4; ++turn) {
      request.options.speculate = speculate;
      if (turn > 0) request.prompt = session->tokens();
      request.prompt.push_back(403);
      const Outcome outcome = Ask(*engine, request);
      EXPECT_TRUE(outcome.result.status.ok()) << outcome.result.status;
      all.insert(all.end(), outcome.ids.begin(), outcome.ids.end());
    }
    return all;
  };
  EXPECT_EQ(converse(true), converse(false));
}

TEST(EngineTest, ADraftModelMustFit) {
  const auto engine = StoriesEngine();
  Request request = StoryRequest(Greedy(5));
  request.draft_model = "nobody";
  EXPECT_EQ(engine->Submit(request).status().code(), Code::kNotFound);
}

TEST(EngineTest, AStopStringEndsTheAnswerBeforeItAcrossTokens) {
  const auto engine = StoriesEngine();
  GenerationOptions options = Greedy(60);
  options.stop = {"never there", "a little gir"};
  const Outcome outcome = Ask(*engine, StoryRequest(options));
  EXPECT_EQ(outcome.text, "Once upon a time, there was ");
  EXPECT_EQ(outcome.result.stop_reason, StopReason::kStopString);
}

TEST(EngineTest, TextThatOnlyLooksLikeAStopStringIsNotLost) {
  const auto engine = StoriesEngine();
  const Outcome plain = Ask(*engine, StoryRequest(Greedy(60)));
  GenerationOptions options = Greedy(60);
  options.stop = {plain.text.substr(plain.text.size() - 4) + "#"};
  EXPECT_EQ(Ask(*engine, StoryRequest(options)).text, plain.text);
}

TEST(EngineTest, AStopTokenEndsAndIsNotPartOfTheAnswer) {
  const auto engine = StoriesEngine();
  GenerationOptions options = Greedy(20);
  options.logit_bias = {{2, 1000.0F}};  // </s>
  const Outcome stopped = Ask(*engine, StoryRequest(options));
  EXPECT_EQ(stopped.result.stop_reason, StopReason::kEndOfText);
  EXPECT_EQ(stopped.result.stop_token_id, 2);
  EXPECT_TRUE(stopped.ids.empty());
  EXPECT_EQ(stopped.result.completion_tokens, 0);
  options.ignore_eos = true;
  const Outcome going_on = Ask(*engine, StoryRequest(options));
  EXPECT_EQ(going_on.ids, std::vector<TokenId>(20, 2));
  EXPECT_EQ(going_on.result.stop_reason, StopReason::kMaxTokens);
}

TEST(EngineTest, NoTokensAskedForIsAnAnswerToo) {
  const auto engine = StoriesEngine();
  const Outcome outcome = Ask(*engine, StoryRequest(Greedy(0)));
  EXPECT_TRUE(outcome.result.status.ok());
  EXPECT_TRUE(outcome.ids.empty());
  EXPECT_EQ(outcome.result.stop_reason, StopReason::kMaxTokens);
}

TEST(EngineTest, AFullContextIsAnErrorUnlessNoLengthWasAskedFor) {
  const auto engine = StoriesEngine();
  Request request = StoryRequest(Greedy(100));
  request.context = 16;
  const Outcome full = Ask(*engine, std::move(request));
  EXPECT_EQ(full.result.status.code(), Code::kResourceExhausted);
  EXPECT_THAT(std::string(full.result.status.message()), HasSubstr("--context"));
  EXPECT_EQ(full.ids.size(), 15U);
  GenerationOptions open = Greedy(0);
  open.max_tokens.reset();
  request = StoryRequest(open);
  request.context = 16;
  const Outcome filled = Ask(*engine, std::move(request));
  EXPECT_TRUE(filled.result.status.ok());
  EXPECT_EQ(filled.ids.size(), 15U);
}

TEST(EngineTest, AGrammarHolds) {
  const auto engine = StoriesEngine();
  const auto grammar = text::GrammarFromGbnf("root ::= (\"red\" | \"blue\") \", \" [0-9]{3}");
  ASSERT_TRUE(grammar.ok()) << grammar.status();
  for (uint64_t seed = 0; seed < 10; ++seed) {
    GenerationOptions options = Sampled(seed, 30);
    options.grammar = *grammar;
    const Outcome outcome = Ask(*engine, StoryRequest(options));
    EXPECT_TRUE(outcome.result.status.ok()) << outcome.result.status;
    EXPECT_THAT(outcome.text, testing::MatchesRegex("(red|blue), [0-9][0-9][0-9]"));
  }
}

TEST(EngineTest, RefusesWhatItCannotDo) {
  const auto engine = StoriesEngine();
  Request request = StoryRequest(Greedy(5));
  request.model = "tales";
  EXPECT_EQ(engine->Submit(request).status().code(), Code::kNotFound);
  EXPECT_EQ(engine->Submit(StoryRequest(Greedy(5), {})).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(engine->Submit(StoryRequest(Greedy(5), {512})).status().code(), Code::kInvalidArgument);
  GenerationOptions bad = Greedy(5);
  bad.top_p = 7;
  EXPECT_EQ(engine->Submit(StoryRequest(bad)).status().code(), Code::kInvalidArgument);
  request = StoryRequest(Greedy(5), std::vector<TokenId>(600, 5));
  EXPECT_EQ(engine->Submit(request).status().code(), Code::kResourceExhausted);
  EXPECT_EQ(Ask(*engine, StoryRequest(Greedy(5))).ids.size(), 5U);  // and still answers
}

TEST(EngineTest, AFullQueueIsRefused) {
  EngineOptions options;
  options.max_queued = 0;
  const auto engine = StoriesEngine(options);
  const auto refused = engine->Submit(StoryRequest(Greedy(5)));
  EXPECT_EQ(refused.status().code(), Code::kResourceExhausted);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("queue"));
}

TEST(EngineTest, MoreRequestsThanPlacesWaitTheirTurn) {
  EngineOptions options;
  options.max_active = 2;
  const auto engine = StoriesEngine(options);
  std::vector<std::shared_ptr<Generation>> all;
  for (int i = 0; i < 9; ++i) all.push_back(*engine->Submit(StoryRequest(Greedy(12))));
  const std::vector<TokenId> first = Collect(*all[0]).ids;
  for (size_t i = 1; i < all.size(); ++i) EXPECT_EQ(Collect(*all[i]).ids, first);
}

TEST(EngineTest, CancelEndsAtTheNextTokenAndTheSessionGoesOn) {
  const auto engine = StoriesEngine();
  auto session = Session::Create(engine->Find("stories"), 0);
  ASSERT_TRUE(session.ok());
  Request request = StoryRequest(Greedy(500));
  request.session = *session;
  const auto generation = engine->Submit(request);
  ASSERT_TRUE(generation.ok());
  ASSERT_TRUE((*generation)->Next().has_value());
  (*generation)->Cancel();
  const Outcome outcome = Collect(**generation);
  EXPECT_EQ(outcome.result.status.code(), Code::kCancelled);
  EXPECT_LT(outcome.ids.size(), 499U);
  request = StoryRequest(Greedy(10));
  request.session = *session;
  EXPECT_EQ(Ask(*engine, request).ids, Ask(*engine, StoryRequest(Greedy(10))).ids);
}

TEST(EngineTest, ASessionAnswersOneAtATime) {
  const auto engine = StoriesEngine();
  Request request = StoryRequest(Greedy(500));
  request.session = *Session::Create(engine->Find("stories"), 0);
  const auto generation = engine->Submit(request);
  ASSERT_TRUE(generation.ok());
  EXPECT_EQ(engine->Submit(request).status().code(), Code::kFailedPrecondition);
  (*generation)->Cancel();
  (*generation)->Wait();
  EXPECT_TRUE(engine->Submit(request).ok());
}

TEST(EngineTest, ModelsComeAndGoWhileOthersRun) {
  const auto engine = StoriesEngine();
  ASSERT_TRUE(engine->Load("twin", OpenStories(), {}).ok());
  Request twin = StoryRequest(Greedy(50));
  twin.model = "twin";
  const auto a = *engine->Submit(StoryRequest(Greedy(50)));
  const auto b = *engine->Submit(twin);
  engine->Unload("twin");
  EXPECT_EQ(engine->Submit(twin).status().code(), Code::kNotFound);
  EXPECT_EQ(Collect(*a).ids, Collect(*b).ids);
  Request stranger = StoryRequest(Greedy(5));
  ASSERT_TRUE(engine->Load("twin", OpenStories(), {}).ok());
  stranger.session = *Session::Create(engine->Find("twin"), 0);
  EXPECT_EQ(engine->Submit(stranger).status().code(), Code::kInvalidArgument);
}

// A prompt of `common` tokens that all share and `own` that nobody else has.
Request SharingRequest(int common, int own, int who, int64_t max_tokens = 20) {
  std::vector<TokenId> prompt = {1};
  for (int t = 1; t < common; ++t) prompt.push_back(3 + t * 37 % 500);
  for (int t = 0; t < own; ++t) prompt.push_back(3 + (t * 41 + who * 13 + 5) % 500);
  return StoryRequest(Greedy(max_tokens), std::move(prompt));
}

TEST(EngineTest, ACommonBeginningIsComputedOnce) {
  std::vector<std::vector<TokenId>> alone;
  for (int i = 0; i < 8; ++i)
    alone.push_back(Ask(*StoriesEngine(), SharingRequest(200, 20, i)).ids);
  const auto engine = StoriesEngine();
  std::vector<std::shared_ptr<Generation>> together;  // that arrive at the same moment
  for (int i = 0; i < 8; ++i) together.push_back(*engine->Submit(SharingRequest(200, 20, i)));
  for (size_t i = 0; i < 8; ++i) EXPECT_EQ(Collect(*together[i]).ids, alone[i]) << i;
  // 6 whole pages of 32 are shared.
  EXPECT_EQ(engine->stats().prompt_tokens, 220U + 7 * (220 - 192));
  EXPECT_EQ(engine->stats().reused_tokens, 7U * 192);
  // And stay after the sessions have ended.
  const Outcome later = Ask(*engine, SharingRequest(200, 20, 3));
  EXPECT_EQ(later.ids, alone[3]);
  EXPECT_EQ(later.result.reused_tokens, 192);
}

// An answer becomes part of the next turn's prompt.
TEST(EngineTest, AnswersAreSharedToo) {
  const auto engine = StoriesEngine();
  Request request = SharingRequest(40, 0, 0, 60);
  const Outcome first = Ask(*engine, request);
  request.prompt.insert(request.prompt.end(), first.ids.begin(), first.ids.end());
  const Outcome second = Ask(*engine, request);
  EXPECT_EQ(second.result.reused_tokens, 96);  // of 100
  EXPECT_EQ(second.ids, Ask(*StoriesEngine(), request).ids);
}

TEST(EngineTest, OldPagesMakeRoom) {
  EngineOptions options;
  const uint64_t page = StoriesEngine()->Find("stories")->model().kv_layout().page_bytes();
  options.kv_bytes = 20 * page;
  const auto engine = StoriesEngine(options);
  std::vector<TokenId> first;
  for (int i = 0; i < 12; ++i) {
    const Outcome outcome = Ask(*engine, SharingRequest(2 + i, 250, i));
    ASSERT_TRUE(outcome.result.status.ok()) << outcome.result.status;
    if (i == 0) first = outcome.ids;
    EXPECT_LE(engine->stats().kv_bytes, options.kv_bytes);
  }
  const Outcome again = Ask(*engine, SharingRequest(2, 250, 0));
  EXPECT_EQ(again.result.reused_tokens, 0);  // had to go
  EXPECT_EQ(again.ids, first);
}

TEST(EngineTest, RequestsWaitForRoomOfKeysAndValues) {
  EngineOptions options;
  options.kv_bytes = 8 * StoriesEngine()->Find("stories")->model().kv_layout().page_bytes();
  const auto engine = StoriesEngine(options);
  std::vector<std::shared_ptr<Generation>> all;
  for (int i = 0; i < 6; ++i) all.push_back(*engine->Submit(SharingRequest(1, 100, i, 60)));
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(Collect(*all[static_cast<size_t>(i)]).ids,
              Ask(*StoriesEngine(), SharingRequest(1, 100, i, 60)).ids);
}

// Random joins, leaves and cancellations under a small budget: every page comes back.
TEST(EngineTest, NoPageIsLost) {
  EngineOptions options;
  options.max_active = 5;
  const auto engine = StoriesEngine(options);
  const auto model = engine->Find("stories");
  base::Rng rng(4);
  std::vector<std::shared_ptr<Generation>> running;
  for (int i = 0; i < 150; ++i) {
    auto generation = engine->Submit(
        SharingRequest(static_cast<int>(1 + rng.Below(200)), static_cast<int>(rng.Below(90)),
                       static_cast<int>(rng.Below(9)), 1 + rng.Below(40)));
    if (generation.ok()) running.push_back(*generation);
    if (rng.Below(3) == 0 && !running.empty())
      running[rng.Below(static_cast<uint32_t>(running.size()))]->Cancel();
    if (rng.Below(4) == 0 && !running.empty()) {
      running.back()->Wait();
      running.pop_back();
    }
  }
  for (const auto& generation : running) generation->Wait();
  EXPECT_GT(model->model().kv_layout().live_bytes(), 0U);  // kept for whoever comes
  EXPECT_GT(engine->stats().reused_tokens, 0U);
  running.clear();
  engine->ForgetPrefixes();
  EXPECT_EQ(model->model().kv_layout().live_bytes(), 0U);
}

TEST(EngineTest, StoppingCancelsWhatRuns) {
  std::vector<std::shared_ptr<Generation>> all;
  {
    EngineOptions options;
    options.max_active = 1;
    const auto engine = StoriesEngine(options);
    for (int i = 0; i < 4; ++i) all.push_back(*engine->Submit(StoryRequest(Greedy(500))));
  }
  for (const auto& generation : all) {
    const GenerationResult& result = generation->Wait();
    EXPECT_TRUE(result.status.ok() || result.status.code() == Code::kCancelled);
  }
  EXPECT_EQ(all.back()->result().status.code(), Code::kCancelled);
}

// For the thread sanitizer: submitters, cancellers, loaders and unloaders at once.
TEST(EngineTest, ThreadsMayDoEverythingAtOnce) {
  EngineOptions options;
  options.max_queued = 8;
  options.max_active = 4;
  const auto engine = StoriesEngine(options);
  const std::vector<TokenId> expected = Ask(*engine, StoryRequest(Greedy(15))).ids;
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 12; ++i) {
        auto generation = engine->Submit(StoryRequest(Greedy(15)));
        if (!generation.ok()) continue;  // the queue was full
        if ((i + t) % 3 == 0) (*generation)->Cancel();
        const Outcome outcome = Collect(**generation);
        if (!outcome.result.status.ok()) continue;
        EXPECT_EQ(outcome.ids, expected);
        ++answered;
      }
    });
  threads.emplace_back([&] {
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(engine->Load("twin", OpenStories(), {}).ok());
      engine->Unload("twin");
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(answered, 0);
}

}  // namespace
}  // namespace cria::engine
