// llama inspect: what is in a model's files, and what this processor offers.
#include <cstdio>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/commands.h"
#include "cli/flag_checks.h"
#include "cli/open_model.h"

namespace cria::cli {
namespace {

struct InspectFlags {
  std::string model;
  bool cpu = false;
};

std::string_view PoolingName(const checkpoint::EncoderConfig& encoder) {
  return encoder.pooling == checkpoint::EncoderConfig::Pooling::kMean ? "mean" : "first token";
}

void AddDecoderJson(const checkpoint::ModelConfig& config, base::json::object* json) {
  base::json::object& out = *json;
  out["rope_theta"] = config.rope_theta;
  out["tied_embeddings"] = config.tied_embeddings;
  using Type = checkpoint::RopeScaling::Type;
  const checkpoint::RopeScaling& scaling = config.rope_scaling;
  if (scaling.type == Type::kNone) {
    out["rope_scaling"] = nullptr;
  } else {
    out["rope_scaling"] =
        base::json::object{{"type", scaling.type == Type::kLlama3 ? "llama3" : "linear"},
                           {"factor", scaling.factor},
                           {"low_freq_factor", scaling.low_freq_factor},
                           {"high_freq_factor", scaling.high_freq_factor},
                           {"original_context", scaling.original_context}};
  }
  out["eos_ids"] = base::json::value_from(config.eos_ids);
  if (config.bos_id) out["bos_id"] = *config.bos_id;
}

base::json::object ConfigJson(const checkpoint::ModelConfig& config) {
  base::json::object out;
  out["hidden_size"] = config.hidden;
  out["vocab_size"] = config.vocab;
  out["num_layers"] = config.layers.size();
  out["head_dim"] = config.head_dim;
  out["context_length"] = config.max_context;
  out["norm_eps"] = config.norm_eps;
  base::json::array layers;
  for (const checkpoint::LayerConfig& layer : config.layers)
    layers.push_back(base::json::object{{"num_heads", layer.num_heads},
                                        {"num_kv_heads", layer.num_kv_heads},
                                        {"intermediate_size", layer.ffn}});
  out["layers"] = std::move(layers);
  if (config.encoder) {
    out["embedding_dimension"] = config.hidden;
    out["max_tokens"] = config.encoder->max_tokens;
    out["pooling"] = PoolingName(*config.encoder);
  } else {
    AddDecoderJson(config, &out);
  }
  return out;
}

absl::StatusOr<base::json::object> ModelJson(const checkpoint::Checkpoint& checkpoint) {
  base::json::object out;
  out["format"] = checkpoint::Name(checkpoint.format());
  out["architecture"] = checkpoint.config().architecture;
  out["parameters"] = checkpoint.parameters();
  out["bytes"] = checkpoint.bytes();
  out["config"] = ConfigJson(checkpoint.config());
  auto tokenizer = engine::MakeTokenizer(checkpoint.tokenizer(), checkpoint.config());
  if (!tokenizer.ok()) return base::Annotate(tokenizer.status(), checkpoint.path());
  out["tokenizer"] = nullptr;
  out["chat_format"] = nullptr;
  if (*tokenizer != nullptr) {
    base::json::object about{{"kind", (*tokenizer)->kind()},
                             {"vocab_size", (*tokenizer)->vocab_size()}};
    if ((*tokenizer)->bos()) about["bos_id"] = *(*tokenizer)->bos();
    if ((*tokenizer)->eos()) about["eos_id"] = *(*tokenizer)->eos();
    about["add_bos"] = (*tokenizer)->add_bos();
    out["tokenizer"] = std::move(about);
    const auto format = text::MakeChatFormat(checkpoint.tokenizer().chat_template, **tokenizer);
    if (format.ok()) out["chat_format"] = (*format)->name();
  }
  base::json::array tensors;
  for (const checkpoint::TensorEntry& entry : checkpoint.tensors())
    tensors.push_back(base::json::object{{"name", entry.name},
                                         {"shape", base::json::value_from(entry.view.shape.dims())},
                                         {"dtype", tensor::Name(entry.view.dtype)},
                                         {"bytes", entry.view.bytes.size()}});
  out["tensors"] = std::move(tensors);
  return out;
}

void PrintModel(const checkpoint::Checkpoint& checkpoint) {
  const checkpoint::ModelConfig& config = checkpoint.config();
  const checkpoint::LayerConfig& first = config.layers.front();
  absl::PrintF("%s\n  format         %s, %s\n  parameters     %d\n  bytes          %d (%.1f MiB)\n",
               checkpoint.path(), checkpoint::Name(checkpoint.format()), config.architecture,
               checkpoint.parameters(), checkpoint.bytes(),
               static_cast<double>(checkpoint.bytes()) / (1 << 20));
  absl::PrintF("  layers         %d of width %d, %d heads (%d for keys and values) of %d, FFN %d\n",
               config.layers.size(), config.hidden, first.num_heads, first.num_kv_heads,
               config.head_dim, first.ffn);
  absl::PrintF("  vocabulary     %d%s\n  context        %d tokens\n", config.vocab,
               config.tied_embeddings ? ", output tied to the embedding" : "", config.max_context);
  if (config.encoder)
    absl::PrintF("  embeddings     %d numbers, the %s of at most %d tokens\n", config.hidden,
                 PoolingName(*config.encoder), config.encoder->max_tokens);
  std::map<std::string, int> kinds;
  for (const checkpoint::TensorEntry& entry : checkpoint.tensors())
    ++kinds[std::string(tensor::Name(entry.view.dtype))];
  absl::PrintF("  tensors        %s\n",
               absl::StrJoin(kinds, ", ", [](std::string* out, const auto& kind) {
                 absl::StrAppend(out, kind.second, " ", kind.first);
               }));
}

void PrintCpu(const CliContext& context) {
  const base::CpuFeatures cpu = base::DetectCpu();
  if (context.json) {
    base::json::array isas;
    for (const kernels::Kernels* kernels : kernels::AllKernels())
      isas.push_back(base::json::object{{"name", kernels->isa},
                                        {"description", kernels->description},
                                        {"runs", kernels::Runs(*kernels, cpu)}});
    const base::json::object out{{"cpu", cpu.model},
                                 {"features", base::json::value_from(cpu.Names())},
                                 {"cores", base::UsableCores()},
                                 {"chosen", kernels::BestKernels(cpu).isa},
                                 {"isas", std::move(isas)}};
    PrintJsonLine(out);
    return;
  }
  absl::PrintF("%s\n  cores          %d\n  features       %s\n", cpu.model, base::UsableCores(),
               absl::StrJoin(cpu.Names(), ", "));
  for (const kernels::Kernels* kernels : kernels::AllKernels())
    absl::PrintF("  %-14s %s%s\n", kernels->isa, kernels->description,
                 !kernels::Runs(*kernels, cpu)           ? " (not on this processor)"
                 : kernels == &kernels::BestKernels(cpu) ? " (chosen)"
                                                         : "");
}

absl::Status Inspect(const InspectFlags& flags, const CliContext& context) {
  CRIA_RETURN_IF_ERROR(RefuseTogether({{"MODEL", !flags.model.empty()}, {"--cpu", flags.cpu}}));
  if (flags.cpu) {
    PrintCpu(context);
    return absl::OkStatus();
  }
  if (flags.model.empty())
    return absl::InvalidArgumentError("inspect: expected MODEL or --cpu; see llama inspect --help");
  CRIA_ASSIGN_OR_RETURN(const OpenedCheckpoint files, OpenCheckpoint(flags.model));
  if (!context.json) {
    PrintModel(*files.checkpoint);
    return absl::OkStatus();
  }
  CRIA_ASSIGN_OR_RETURN(const base::json::object out, ModelJson(*files.checkpoint));
  PrintJsonLine(out);
  return absl::OkStatus();
}

}  // namespace

void AddInspectCommand(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("inspect", "What is in a model, or what this processor offers");
  auto flags = std::make_shared<InspectFlags>();
  command->add_option("model", flags->model, "A path, a name of `llama model list`, or a tag")
      ->type_name("MODEL");
  command->add_flag("--cpu", flags->cpu,
                    "The processor and the instruction sets there are kernels for");
  command->footer("Examples:\n  llama inspect smollm2:135m --json\n  llama inspect --cpu");
  command->callback([flags, &context] { context.Fail(Inspect(*flags, context)); });
}

}  // namespace cria::cli
