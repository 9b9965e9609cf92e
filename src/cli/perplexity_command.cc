// llama perplexity: how well the model predicts a text.
#include <cmath>
#include <cstdio>

#include "absl/strings/str_format.h"
#include "cli/commands.h"
#include "cli/flag_checks.h"
#include "cli/input.h"
#include "cli/open_model.h"
#include "engine/scoring.h"

namespace cria::cli {
namespace {

struct PerplexityFlags {
  std::string model, file, token_ids, batch;
  std::optional<int64_t> stride;
  bool has_token_ids = false, jsonl = false;
};

// The ids of a text as they are scored: BOS in front when the tokenizer says so.
absl::StatusOr<std::vector<text::TokenId>> TextIds(const engine::LoadedModel& model,
                                                   const std::string& text) {
  if (model.tokenizer() == nullptr)
    return absl::InvalidArgumentError("the checkpoint has no tokenizer: give --token-ids");
  std::vector<text::TokenId> ids;
  if (const auto bos = model.leading_bos()) ids.push_back(*bos);
  CRIA_RETURN_IF_ERROR(model.tokenizer()->Encode(text, text::SpecialText::kPlain, &ids));
  return ids;
}

base::json::object ScoreJson(const std::string& model, const engine::Score& score) {
  base::json::array logprobs;
  for (const std::optional<double>& logprob : score.token_logprobs)
    logprobs.push_back(logprob ? base::FiniteOrNull(*logprob) : base::json::value(nullptr));
  base::json::object out;
  out["model"] = model;
  out["tokens"] = score.token_logprobs.size();
  out["scored"] = score.scored;
  out["nll"] = base::FiniteOrNull(score.nll);
  out["perplexity"] =
      score.scored == 0 ? base::json::value(nullptr) : base::FiniteOrNull(score.perplexity());
  out["token_logprobs"] = std::move(logprobs);
  return out;
}

absl::StatusOr<std::vector<text::TokenId>> LineIds(const base::json::value& line, size_t number,
                                                   const engine::LoadedModel& model) {
  const auto fail = [number](const std::string& what) {
    return absl::InvalidArgumentError(absl::StrCat("--batch line ", number, ": ", what));
  };
  const base::json::object* object = line.if_object();
  if (object == nullptr) return fail("expected an object with token_ids or text");
  if (base::Find(*object, "images") != nullptr) return fail("images: the model takes no pictures");
  if (const base::json::value* text = base::Find(*object, "text")) {
    if (!text->is_string()) return fail("text: expected a string");
    return TextIds(model, std::string(text->get_string()));
  }
  const base::json::array* list = base::FindArray(*object, "token_ids");
  if (list == nullptr) return fail("expected token_ids (a list) or text (a string)");
  std::vector<text::TokenId> ids;
  for (const base::json::value& id : *list) {
    if (!id.is_int64() || id.get_int64() < 0 || id.get_int64() > INT32_MAX)
      return fail("token_ids: expected ids");
    ids.push_back(static_cast<text::TokenId>(id.get_int64()));
  }
  return ids;
}

absl::StatusOr<std::vector<std::vector<text::TokenId>>> BatchIds(const std::string& file,
                                                                 const engine::LoadedModel& model) {
  CRIA_ASSIGN_OR_RETURN(const std::string content, ReadInput(file));
  std::vector<std::vector<text::TokenId>> sequences;
  size_t number = 0;
  for (size_t begin = 0; begin < content.size();) {
    const size_t end = std::min(content.find('\n', begin), content.size());
    const std::string_view line(content.data() + begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto value = base::ParseJson(line, absl::StrCat("--batch line ", number));
    if (!value.ok()) return absl::InvalidArgumentError(value.status().message());
    CRIA_ASSIGN_OR_RETURN(std::vector<text::TokenId> ids, LineIds(*value, number, model));
    sequences.push_back(std::move(ids));
  }
  return sequences;
}

// As `run` does: weights that give no number are no model.
absl::Status CheckFinite(const OpenedModel& opened, const engine::Score& score) {
  if (std::isfinite(score.nll)) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(opened.name, ": expected finite log-probabilities, found ", score.nll,
                   ": the model's weights are damaged (verify-download checks them)"));
}

absl::Status ScoreOne(const PerplexityFlags& flags, const CliContext& context,
                      const OpenedModel& opened, const engine::ScoringOptions& options) {
  std::vector<text::TokenId> ids;
  if (flags.has_token_ids) {
    CRIA_ASSIGN_OR_RETURN(ids, ParseGivenTokenIds(flags.token_ids));
  } else {
    CRIA_ASSIGN_OR_RETURN(const std::string text, ReadInput(flags.file.empty() ? "-" : flags.file));
    CRIA_ASSIGN_OR_RETURN(ids, TextIds(*opened.model, text));
  }
  ProgressBar bar(context, "Scoring");
  engine::ScoringOptions with_progress = options;
  with_progress.progress = [&bar](double fraction) { bar.Update(fraction); };
  CRIA_ASSIGN_OR_RETURN(
      const engine::Score score,
      engine::ScoreSequence(*opened.model, ids, with_progress, opened.engine->pool()));
  CRIA_RETURN_IF_ERROR(CheckFinite(opened, score));
  if (context.json) {
    PrintJsonLine(ScoreJson(opened.name, score));
  } else if (score.scored == 0) {
    absl::PrintF("%d tokens, none of them scored\n", score.token_logprobs.size());
  } else {
    absl::PrintF("perplexity %.4f over %d of %d tokens (nll %.3f)\n", score.perplexity(),
                 score.scored, score.token_logprobs.size(), score.nll);
  }
  return absl::OkStatus();
}

absl::Status Perplexity(const PerplexityFlags& flags, const CliContext& context) {
  if (flags.jsonl != !flags.batch.empty())
    return absl::InvalidArgumentError(
        "--jsonl and --batch FILE go together: expected both or neither");
  CRIA_RETURN_IF_ERROR(RefuseTogether({{"--file", !flags.file.empty()},
                                       {"--token-ids", flags.has_token_ids},
                                       {"--batch", !flags.batch.empty()}}));
  CRIA_ASSIGN_OR_RETURN(const OpenedModel opened, OpenModel(context, flags.model));
  engine::ScoringOptions options;
  options.window = context.context > 0
                       ? context.context
                       : std::min<int64_t>(2048, opened.model->config().max_context);
  options.stride = flags.stride.value_or(options.window);
  if (options.stride < 1 || options.stride > options.window)
    return absl::InvalidArgumentError(absl::StrCat("--stride: expected 1 to the window of ",
                                                   options.window, ", found ", options.stride));
  if (flags.batch.empty()) return ScoreOne(flags, context, opened, options);
  CRIA_ASSIGN_OR_RETURN(const auto sequences, BatchIds(flags.batch, *opened.model));
  CRIA_ASSIGN_OR_RETURN(
      const std::vector<engine::Score> scores,
      engine::ScoreBatch(*opened.model, sequences, options, opened.engine->pool()));
  for (const engine::Score& score : scores) CRIA_RETURN_IF_ERROR(CheckFinite(opened, score));
  for (const engine::Score& score : scores) PrintJsonLine(ScoreJson(opened.name, score));
  return absl::OkStatus();
}

}  // namespace

void AddPerplexityCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("perplexity", "How well the model predicts a text");
  auto flags = std::make_shared<PerplexityFlags>();
  command->add_option("model", flags->model, "A path, a name of `llama model list`, or a tag")
      ->type_name("MODEL")
      ->required();
  command->add_option("--file", flags->file, "The text (default: standard input)")
      ->type_name("TEXTFILE");
  CLI::Option* ids =
      command->add_option("--token-ids", flags->token_ids, "Ids instead of text, used as they are")
          ->type_name("LIST|@FILE");
  command
      ->add_option("--stride", flags->stride,
                   "Start a window every N tokens (default: the window's length)")
      ->type_name("N")
      ->check(WholeNumber(1));
  command->add_flag("--jsonl", flags->jsonl, "With --batch: one JSON object a line");
  command
      ->add_option("--batch", flags->batch,
                   "Lines of {\"token_ids\": [...]} or {\"text\": \"...\"}")
      ->type_name("FILE");
  command->footer(
      "Examples:\n"
      "  llama perplexity smollm2:135m --file README.md --context 1024 --stride 512\n"
      "  llama perplexity smollm2:135m --token-ids 19556,905 --json\n"
      "  llama perplexity smollm2:135m --jsonl --batch texts.jsonl");
  command->callback([flags, ids, &context] {
    flags->has_token_ids = ids->count() > 0;
    context.Fail(Perplexity(*flags, context));
  });
}

}  // namespace cria::cli
