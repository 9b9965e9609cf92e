// llama embed: embeddings, the mean of the final hidden states, scaled to length 1.
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
  std::string model, text, token_ids;
  bool has_text = false, has_token_ids = false;
};

absl::Status Embed(const EmbedFlags& flags, const CliContext& context) {
  CRIA_RETURN_IF_ERROR(
      RefuseTogether({{"TEXT", flags.has_text}, {"--token-ids", flags.has_token_ids}}));
  CRIA_ASSIGN_OR_RETURN(const OpenedModel opened, OpenModel(context, flags.model));
  std::vector<text::TokenId> ids;
  if (flags.has_token_ids) {
    CRIA_ASSIGN_OR_RETURN(ids, ParseGivenTokenIds(flags.token_ids));
  } else {
    if (opened.model->tokenizer() == nullptr)
      return absl::InvalidArgumentError("the checkpoint has no tokenizer: give --token-ids");
    std::string text = flags.text;
    if (!flags.has_text) {
      CRIA_ASSIGN_OR_RETURN(text, ReadStdin());
      text = WithoutLastNewline(std::move(text));
    }
    if (const auto bos = opened.model->leading_bos()) ids.push_back(*bos);
    CRIA_RETURN_IF_ERROR(opened.model->tokenizer()->Encode(text, text::SpecialText::kPlain, &ids));
  }
  const int64_t limit = context.context > 0 ? context.context : opened.model->config().max_context;
  if (static_cast<int64_t>(ids.size()) > limit)
    return absl::ResourceExhaustedError(absl::StrCat(
        "the text has ", ids.size(), " tokens, the context holds ", limit, ": shorten the text"));
  CRIA_ASSIGN_OR_RETURN(const std::vector<float> embedding,
                        engine::Embed(*opened.model, ids, opened.engine->pool()));
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
  command->footer(
      "Examples:\n"
      "  llama embed smollm2:135m \"A small mammal of the Andes\" --json\n"
      "  llama embed smollm2:135m < README.md");
  command->callback([flags, text, ids, &context] {
    flags->has_token_ids = ids->count() > 0;
    flags->has_text = text->count() > 0;
    context.Fail(Embed(*flags, context));
  });
}

}  // namespace cria::cli
