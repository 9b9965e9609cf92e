// llama bench: how fast a model runs here, beside what this machine could do at most.
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/flag_checks.h"
#include "cli/interrupt.h"
#include "cli/model_table.h"
#include "cli/open_model.h"
#include "engine/speed.h"

namespace cria::cli {
namespace {

using engine::MachineLimits;
using engine::SpeedCase;

struct BenchFlags {
  std::string model, prompt = "128,512", sessions = "1,8", at_context = "0", threads;
  int64_t generate = 128, repeat = 5;
};

struct Row {
  SpeedCase speed_case;
  int threads = 0;
  std::vector<double> seconds;  // of each repetition

  double MedianSeconds() const {
    std::vector<double> sorted = seconds;
    std::sort(sorted.begin(), sorted.end());
    const size_t middle = sorted.size() / 2;
    return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
  double TokensPerSecond() const {
    return static_cast<double>(speed_case.tokens()) / MedianSeconds();
  }
};

struct Measurement {
  const kernels::Kernels* kernels = nullptr;
  std::shared_ptr<const checkpoint::Checkpoint> checkpoint;
  std::shared_ptr<const model::Model> model;
  std::string name;
  std::map<int, MachineLimits> limits;  // by threads
  std::vector<Row> rows;

  double Fraction(const Row& row) const {
    return engine::LeastSeconds(*model, row.speed_case, limits.at(row.threads)) /
           row.MedianSeconds();
  }
};

absl::StatusOr<std::vector<int64_t>> ParseNumbers(const char* flag, const std::string& list,
                                                  int64_t least, int64_t most) {
  std::vector<int64_t> numbers;
  for (const absl::string_view word : absl::StrSplit(list, ',')) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(word, &number) || number < least || number > most)
      return absl::InvalidArgumentError(absl::StrCat(flag, ": expected numbers from ", least,
                                                     " to ", most, " separated by commas, found '",
                                                     word, "'"));
    numbers.push_back(number);
  }
  return numbers;
}

// Every combination, prefill first.
absl::StatusOr<std::vector<Row>> MakeRows(const BenchFlags& flags, const CliContext& context) {
  constexpr int64_t kMost = int64_t{1} << 24;
  const std::string threads =
      !flags.threads.empty()
          ? flags.threads
          : absl::StrCat(context.threads > 0 ? context.threads : base::UsableCores());
  CRIA_ASSIGN_OR_RETURN(const auto prompts, ParseNumbers("--prompt", flags.prompt, 0, kMost));
  CRIA_ASSIGN_OR_RETURN(const auto sessions, ParseNumbers("--sessions", flags.sessions, 1, 512));
  CRIA_ASSIGN_OR_RETURN(const auto contexts,
                        ParseNumbers("--at-context", flags.at_context, 0, kMost));
  CRIA_ASSIGN_OR_RETURN(const auto thread_counts, ParseNumbers("--threads", threads, 1, 1024));
  std::vector<Row> rows;
  for (const int64_t count : thread_counts)
    for (const int64_t at : contexts) {
      for (const int64_t prompt : prompts)
        if (prompt > 0)
          rows.push_back(
              {{SpeedCase::Kind::kPrefill, prompt, 0, 1, at}, static_cast<int>(count), {}});
      for (const int64_t together : sessions)
        if (flags.generate > 0)
          rows.push_back({{SpeedCase::Kind::kDecode, 0, flags.generate, together, at},
                          static_cast<int>(count),
                          {}});
    }
  return rows;
}

// Repetitions go round all rows, so that what disturbs the machine for a while disturbs all alike.
absl::Status Measure(const BenchFlags& flags, const CliContext& context, Measurement* measured) {
  std::map<int, std::unique_ptr<base::ThreadPool>> pools;
  for (const Row& row : measured->rows) {
    if (pools[row.threads] != nullptr) continue;
    {
      const SignalsOnThisThreadOnly main_only;
      pools[row.threads] = std::make_unique<base::ThreadPool>(row.threads);
    }
    CRIA_ASSIGN_OR_RETURN(measured->limits[row.threads],
                          engine::MeasureLimits(*pools[row.threads]));
  }
  model::Workspace workspace;
  ProgressBar bar(context, "Measuring");
  size_t done = 0;
  for (int64_t repetition = 0; repetition < flags.repeat; ++repetition)
    for (Row& row : measured->rows) {
      CRIA_ASSIGN_OR_RETURN(const double seconds, engine::TimeCase(*measured->model, row.speed_case,
                                                                   workspace, *pools[row.threads]));
      row.seconds.push_back(seconds);
      ++done;
      bar.Update(static_cast<double>(done) /
                 static_cast<double>(measured->rows.size() * static_cast<size_t>(flags.repeat)));
    }
  return absl::OkStatus();
}

base::json::object ModelJson(const Measurement& measured) {
  return {{"name", measured.name},
          {"parameters", measured.checkpoint->parameters()},
          {"bytes", measured.checkpoint->bytes()},
          {"packed_bytes", measured.model->packed_bytes()},
          {"isa", measured.kernels->isa},
          {"kv_type", kernels::Name(measured.model->kv_layout().type())}};
}

void PrintJson(const Measurement& measured) {
  const auto& [threads, limits] = *measured.limits.rbegin();
  base::json::array rows;
  for (const Row& row : measured.rows) {
    const SpeedCase& one = row.speed_case;
    rows.push_back(
        base::json::object{{"kind", one.kind == SpeedCase::Kind::kPrefill ? "prefill" : "decode"},
                           {"prompt", one.prompt},
                           {"generate", one.generate},
                           {"sessions", one.sessions},
                           {"context", one.context},
                           {"threads", row.threads},
                           {"tokens_per_s", row.TokensPerSecond()},
                           {"fraction_of_limit", measured.Fraction(row)}});
  }
  const base::json::object out{
      {"machine", base::json::object{{"cpu", base::DetectCpu().model},
                                     {"isa", kernels::BestKernels(base::DetectCpu()).isa},
                                     {"threads", threads},
                                     {"read_gb_per_s", limits.read_bytes_per_s / 1e9},
                                     {"int8_gop_per_s", limits.int8_ops_per_s / 1e9},
                                     {"bf16_gflop_per_s", limits.bf16_ops_per_s / 1e9},
                                     {"f32_gflop_per_s", limits.f32_ops_per_s / 1e9}}},
      {"model", ModelJson(measured)},
      {"rows", std::move(rows)}};
  PrintJsonLine(out);
}

void PrintText(const Measurement& measured) {
  const std::string cpu = base::DetectCpu().model;
  for (const auto& [threads, limits] : measured.limits)
    absl::PrintF(
        "%s, %d thread%s: reads %.1f GB/s, int8 %.0f Gop/s, bf16 %.0f Gflop/s, f32 %.0f Gflop/s\n",
        cpu, threads, threads == 1 ? "" : "s", limits.read_bytes_per_s / 1e9,
        limits.int8_ops_per_s / 1e9, limits.bf16_ops_per_s / 1e9, limits.f32_ops_per_s / 1e9);
  absl::PrintF("%s: %d parameters, %.1f MiB of weights in memory, %s kernels, %s cache\n\n",
               measured.name, measured.checkpoint->parameters(),
               static_cast<double>(measured.model->packed_bytes()) / (1 << 20),
               measured.kernels->isa, kernels::Name(measured.model->kv_layout().type()));
  std::vector<std::vector<std::string>> table{
      {"KIND", "TOKENS", "SESSIONS", "CONTEXT", "THREADS", "TOKENS/S", "OF THE LIMIT"}};
  for (const Row& row : measured.rows) {
    const SpeedCase& one = row.speed_case;
    const bool prefill = one.kind == SpeedCase::Kind::kPrefill;
    table.push_back({prefill ? "prefill" : "decode",
                     absl::StrCat(prefill ? one.prompt : one.generate), absl::StrCat(one.sessions),
                     absl::StrCat(one.context), absl::StrCat(row.threads),
                     absl::StrFormat("%.1f", row.TokensPerSecond()),
                     absl::StrFormat("%.1f%%", 100 * measured.Fraction(row))});
  }
  std::printf("%s", FormatTable(table).c_str());
}

absl::Status Bench(const BenchFlags& flags, const CliContext& context) {
  Measurement measured;
  CRIA_ASSIGN_OR_RETURN(measured.rows, MakeRows(flags, context));
  if (measured.rows.empty())
    return absl::InvalidArgumentError("nothing to measure: give --prompt or --generate");
  CRIA_ASSIGN_OR_RETURN(model::ModelOptions options, ChosenModelOptions(context));
  CRIA_ASSIGN_OR_RETURN(OpenedCheckpoint files, OpenCheckpoint(flags.model));
  measured.kernels = options.kernels;
  measured.name = files.name;
  measured.checkpoint = files.checkpoint;
  {
    std::optional<base::ThreadPool> pool;
    {
      const SignalsOnThisThreadOnly main_only;
      pool.emplace(base::UsableCores());
    }
    ProgressBar bar(context, absl::StrCat("Loading ", files.name));
    options.progress = [&bar](double fraction) { bar.Update(fraction); };
    CRIA_ASSIGN_OR_RETURN(measured.model, model::Model::Load(files.checkpoint, options, *pool));
  }
  CRIA_RETURN_IF_ERROR(Measure(flags, context, &measured));
  if (context.json) {
    PrintJson(measured);
  } else {
    PrintText(measured);
  }
  return absl::OkStatus();
}

}  // namespace

void AddBenchCommand(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("bench", "Speed of a model, beside the limits of this machine");
  auto flags = std::make_shared<BenchFlags>();
  command
      ->add_option("model", flags->model,
                   "A path, a name of `llama model list`, or a tag (default smollm2:135m)")
      ->type_name("MODEL");
  command->add_option("--prompt", flags->prompt, "Prompt lengths to prefill (default 128,512)")
      ->type_name("N,...");
  command->add_option("--generate", flags->generate, "Tokens to decode (default 128)")
      ->type_name("N")
      ->check(WholeNumber(0));
  command->add_option("--sessions", flags->sessions, "Sessions decoded together (default 1,8)")
      ->type_name("N,...");
  command->add_option("--at-context", flags->at_context, "Tokens already in the cache (default 0)")
      ->type_name("N,...");
  command->add_option("--threads", flags->threads, "Thread counts (default: every core)")
      ->type_name("N,...");
  command->add_option("--repeat", flags->repeat, "Repetitions, of which the median counts (5)")
      ->type_name("N")
      ->check(WholeNumber(1));
  command->footer(
      "The limit of a row is what the arithmetic peak or the memory of this machine allow, "
      "measured in the same run.\n"
      "Examples:\n"
      "  llama bench smollm2:135m\n"
      "  llama bench llama3.2:1b --prompt 512 --sessions 1,8 --at-context 0,4096 --json");
  command->callback([flags, &context] { context.Fail(Bench(*flags, context)); });
}

}  // namespace cria::cli
