// llama embed: embeddings, scaled to length 1.
#include <cmath>
#include <cstdio>

#include "absl/strings/str_join.h"
#include "cli/commands.h"
#include "cli/flag_checks.h"
#include "cli/input.h"
#include "cli/open_model.h"
#include "engine/embedding.h"

namespace cria::cli {
namespace {

struct EmbedFlags {
  std::string model, text, token_ids, truncate;
  bool has_text = false, has_token_ids = false;
};

absl::StatusOr<engine::TooLong> TooLongFromName(const std::string& name) {
  if (name.empty()) return engine::TooLong::kRefuse;
  if (name == "start") return engine::TooLong::kCutStart;
  if (name == "end") return engine::TooLong::kCutEnd;
  return absl::InvalidArgumentError(
      absl::StrCat("--truncate: expected start or end, found '", name, "'"));
}

absl::StatusOr<std::variant<std::string, std::vector<text::TokenId>>> GivenInput(
    const EmbedFlags& flags) {
  if (flags.has_token_ids) return ParseGivenTokenIds(flags.token_ids);
  if (flags.has_text) return flags.text;
  CRIA_ASSIGN_OR_RETURN(std::string text, ReadStdin());
  return WithoutLastNewline(std::move(text));
}

absl::Status Embed(const EmbedFlags& flags, const CliContext& context) {
  CRIA_RETURN_IF_ERROR(
      RefuseTogether({{"TEXT", flags.has_text}, {"--token-ids", flags.has_token_ids}}));
  CRIA_ASSIGN_OR_RETURN(const engine::TooLong too_long, TooLongFromName(flags.truncate));
  CRIA_ASSIGN_OR_RETURN(const OpenedEmbedder opened, OpenEmbedder(context, flags.model));
  CRIA_ASSIGN_OR_RETURN(const auto input, GivenInput(flags));
  CRIA_ASSIGN_OR_RETURN(const std::vector<text::TokenId> ids,
                        opened.embedder->Prepare(input, too_long));
  if (context.context > 0 && static_cast<int64_t>(ids.size()) > context.context)
    return absl::ResourceExhaustedError(absl::StrCat("the text has ", ids.size(),
                                                     " tokens, the context holds ", context.context,
                                                     ": shorten the text"));
  CRIA_ASSIGN_OR_RETURN(const auto embeddings, opened.embedder->Embed({&ids, 1}, *opened.pool));
  const std::vector<float>& embedding = embeddings.front();
  if (!context.json) {
    std::printf("%s\n", absl::StrJoin(embedding, " ").c_str());
    return absl::OkStatus();
  }
  base::json::array values;
  for (const float value : embedding)
    values.push_back(base::FiniteOrNull(static_cast<double>(value)));
  const base::json::object out{{"model", opened.name},
                               {"embedding", std::move(values)},
                               {"usage", base::json::object{{"prompt_tokens", ids.size()}}}};
  PrintJsonLine(out);
  return absl::OkStatus();
}

}  // namespace

void AddEmbedCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("embed", "Embeddings of a text");
  auto flags = std::make_shared<EmbedFlags>();
  command->add_option("model", flags->model, "A path, a name of `llama model list`, or a tag")
      ->type_name("MODEL")
      ->required();
  CLI::Option* text = command->add_option("text", flags->text, "The text (default: standard input)")
                          ->type_name("TEXT");
  CLI::Option* ids = command->add_option("--token-ids", flags->token_ids, "Ids instead of text")
                         ->type_name("LIST|@FILE");
  command
      ->add_option("--truncate", flags->truncate,
                   "Cut a text that is too long at its start or end (default: refuse it)")
      ->type_name("start|end");
  command->footer(
      "Examples:\n"
      "  llama embed all-minilm:l6-v2 \"A small mammal of the Andes\" --json\n"
      "  llama embed smollm2:135m \"A small mammal of the Andes\" --json\n"
      "  llama embed smollm2:135m < README.md");
  command->callback([flags, text, ids, &context] {
    flags->has_token_ids = ids->count() > 0;
    flags->has_text = text->count() > 0;
    context.Fail(Embed(*flags, context));
  });
}

}  // namespace cria::cli
