#include "cli/model_commands.h"

namespace cria::cli {

void AddModelCommands(CLI::App& app, CliContext& context) {
  CLI::App* model = app.add_subcommand("model", "Get and keep models");
  model->require_subcommand(1);
  AddModelListCommand(*model, context);
  AddModelDescribeCommand(*model, context);
  AddModelPromptFormatCommand(*model, context);
  AddModelDownloadCommand(*model, context);
  AddModelPullCommand(*model, context);
  AddModelImportCommand(*model, context);
  AddModelVerifyCommand(*model, context);
  AddModelRemoveCommand(*model, context);
  for (CLI::App* command : model->get_subcommands({})) command->fallthrough();
  model->footer(
      "Models live in $LLAMA_HOME/checkpoints (default ~/.llama/checkpoints).\n"
      "Examples:\n"
      "  llama model list\n"
      "  llama model pull smollm2:135m\n"
      "  HF_TOKEN=hf_... llama model download --source huggingface --model-id "
      "Llama3.2-1B-Instruct");
  AddModelDownloadCommand(app, context);
  AddModelVerifyCommand(app, context);
}

}  // namespace cria::cli
