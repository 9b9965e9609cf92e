// What clients of one engine wait for, on random tokens.
//   serving_bench MODEL [ROUNDS]
// MODEL is a file or directory of a checkpoint.
// 1. Eight requests at the same moment, prompts of 512 tokens of which 448 are common to all,
// against
//    eight with nothing in common: the median time to the first token.
// 2. The gaps between the tokens of one answer, alone and while a prompt of 2048 tokens comes in.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/rng.h"
#include "checkpoint/checkpoint.h"
#include "engine/engine.h"

namespace cria {
namespace {

using Clock = std::chrono::steady_clock;
using engine::Engine;
using engine::Request;

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

class Bench {
 public:
  explicit Bench(int64_t vocab) : vocab_(vocab) {}

  std::vector<text::TokenId> Tokens(int count) {
    std::vector<text::TokenId> tokens;
    for (int i = 0; i < count; ++i)
      tokens.push_back(static_cast<text::TokenId>(rng_.Below(static_cast<uint32_t>(vocab_))));
    return tokens;
  }

  static Request Ask(std::vector<text::TokenId> prompt, int64_t max_tokens) {
    Request request;
    request.model = "model";
    request.prompt = std::move(prompt);
    request.context = static_cast<int64_t>(request.prompt.size()) + max_tokens + 1;
    request.options.temperature = 0;
    request.options.max_tokens = max_tokens;
    request.options.ignore_eos = true;
    return request;
  }

  // The median time to the first token of eight prompts that share `common` of 512 tokens.
  double FirstTokens(Engine& engine, int common) {
    const std::vector<text::TokenId> shared = Tokens(common);
    std::vector<std::shared_ptr<engine::Generation>> all;
    for (int i = 0; i < 8; ++i) {
      std::vector<text::TokenId> prompt = shared;
      for (const text::TokenId id : Tokens(512 - common)) prompt.push_back(id);
      all.push_back(*engine.Submit(Ask(std::move(prompt), 4)));
    }
    std::vector<double> seconds;
    for (const auto& generation : all) seconds.push_back(generation->Wait().ttft_s);
    engine.ForgetPrefixes();
    return Median(seconds);
  }

  // Gaps between the tokens of an answer; with `company` those while a long prompt is read.
  std::vector<double> Gaps(Engine& engine, bool company) {
    const auto answer = *engine.Submit(Ask(Tokens(16), 400));
    for (int i = 0; i < 8; ++i) answer->Next();
    std::shared_ptr<engine::Generation> prompt;
    if (company) prompt = *engine.Submit(Ask(Tokens(2048), 1));
    std::vector<double> gaps;
    Clock::time_point last = Clock::now();
    for (int i = 0; i < (company ? 380 : 60); ++i) {
      if (!answer->Next()) break;
      const Clock::time_point now = Clock::now();
      gaps.push_back(std::chrono::duration<double>(now - last).count());
      last = now;
      if (company && engine.stats().requests > requests_) break;  // the prompt has been read
    }
    answer->Cancel();
    answer->Wait();
    if (prompt) prompt->Wait();
    engine.ForgetPrefixes();
    requests_ = engine.stats().requests;
    return gaps;
  }

 private:
  const int64_t vocab_;
  base::Rng rng_{7};
  uint64_t requests_ = 0;
};

absl::Status Run(const char* path, int rounds) {
  CRIA_ASSIGN_OR_RETURN(auto checkpoint, checkpoint::Checkpoint::Open(path));
  Engine engine({});
  CRIA_ASSIGN_OR_RETURN(const auto model, engine.Load("model", std::move(checkpoint), {}));
  Bench bench(model->config().vocab);
  std::vector<double> shared, unshared, ratios;
  for (int i = 0; i < rounds; ++i) {
    unshared.push_back(bench.FirstTokens(engine, 0));
    shared.push_back(bench.FirstTokens(engine, 448));
    ratios.push_back(unshared.back() / shared.back());
  }
  std::printf(
      "8 prompts of 512 at once: first token after %.2f s, with 448 in common %.2f s: %.2fx\n",
      Median(unshared), Median(shared), Median(ratios));
  std::fflush(stdout);
  std::vector<double> alone, worst;
  bench.Gaps(engine, true);  // the engine learns what steps cost
  for (int i = 0; i < rounds; ++i) {
    alone.push_back(Median(bench.Gaps(engine, false)));
    std::vector<double> gaps = bench.Gaps(engine, true);
    std::sort(gaps.begin(), gaps.end());
    worst.push_back(gaps[gaps.size() * 99 / 100] / alone.back());
  }
  std::printf(
      "gap between tokens: %.1f ms; while a prompt of 2048 comes in, 99th percentile: %.2fx\n",
      1000 * Median(alone), Median(worst));
  return absl::OkStatus();
}

}  // namespace
}  // namespace cria

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "serving_bench MODEL [ROUNDS]\n");
    return 2;
  }
  const absl::Status status = cria::Run(argv[1], argc == 3 ? std::max(1, std::atoi(argv[2])) : 5);
  if (!status.ok()) std::fprintf(stderr, "serving_bench: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
