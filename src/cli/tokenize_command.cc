// llama tokenize: text to ids and back.
#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/flag_checks.h"
#include "cli/generation_flags.h"
#include "cli/input.h"
#include "cli/open_model.h"
#include "text/message_json.h"
#include "text/tokenizer_factory.h"

namespace cria::cli {
namespace {

struct TokenizeFlags {
  std::string model, text, file, decode, chat;
  bool has_text = false, has_chat = false, decodes = false, jsonl = false, parse_special = false,
       bos = false;
  GenerationFlags generation;  // --tools, --tool-format, --date for --chat
};

struct OpenedTokenizer {
  std::unique_ptr<const text::Tokenizer> tokenizer;
  std::string chat_template;
  text::ToolFormat tool_format = text::ToolFormat::kJson;
};

// A bare tokenizer file: tokenizer.json or Meta's tokenizer.model.
absl::StatusOr<OpenedTokenizer> OpenTokenizerFile(const std::string& path) {
  constexpr uint64_t kMaxTokenizerBytes = uint64_t{256} << 20;
  CRIA_ASSIGN_OR_RETURN(const std::string content, base::ReadRegularFile(path, kMaxTokenizerBytes));
  auto tokenizer = absl::EndsWith(path, ".json") ? text::TokenizerFromHuggingFace(content, "")
                                                 : text::TokenizerFromTiktoken(content);
  if (!tokenizer.ok()) return base::Annotate(tokenizer.status(), path);
  OpenedTokenizer opened;
  opened.tokenizer = *std::move(tokenizer);
  return opened;
}

absl::StatusOr<OpenedTokenizer> OpenTokenizer(const std::string& model) {
  if (base::FileExists(model) &&
      (absl::EndsWith(model, ".json") || absl::EndsWith(model, ".model")))
    return OpenTokenizerFile(model);
  CRIA_ASSIGN_OR_RETURN(const OpenedCheckpoint files, OpenCheckpoint(model));
  const checkpoint::Checkpoint& checkpoint = *files.checkpoint;
  OpenedTokenizer opened;
  auto tokenizer = engine::MakeTokenizer(checkpoint.tokenizer(), checkpoint.config());
  if (!tokenizer.ok()) return base::Annotate(tokenizer.status(), checkpoint.path());
  opened.tokenizer = *std::move(tokenizer);
  if (opened.tokenizer == nullptr)
    return absl::NotFoundError(
        absl::StrCat(checkpoint.path(), ": no tokenizer files beside the model"));
  opened.chat_template = checkpoint.tokenizer().chat_template;
  opened.tool_format = files.tool_format;
  return opened;
}

absl::StatusOr<std::vector<text::TokenId>> EncodeText(const TokenizeFlags& flags,
                                                      const text::Tokenizer& tokenizer,
                                                      const std::string& text) {
  std::vector<text::TokenId> ids;
  if (flags.bos) {
    if (!tokenizer.bos())
      return absl::InvalidArgumentError("--bos: this tokenizer has no BOS token");
    ids.push_back(*tokenizer.bos());
  }
  const auto special = flags.parse_special ? text::SpecialText::kParse : text::SpecialText::kPlain;
  CRIA_RETURN_IF_ERROR(tokenizer.Encode(text, special, &ids));
  return ids;
}

absl::StatusOr<std::vector<text::TokenId>> EncodeChat(const TokenizeFlags& flags,
                                                      const OpenedTokenizer& opened) {
  CRIA_ASSIGN_OR_RETURN(const auto format,
                        text::MakeChatFormat(opened.chat_template, *opened.tokenizer));
  CRIA_ASSIGN_OR_RETURN(const std::string json, JsonTextOrFile(flags.chat));
  const std::string source = absl::StrCat("--chat ", JsonSource(flags.chat));
  auto value = base::ParseJson(json, source);
  if (!value.ok()) return absl::InvalidArgumentError(value.status().message());
  auto conversation = text::ConversationFromJson(*value);
  if (!conversation.ok()) return base::Annotate(conversation.status(), source);
  CRIA_ASSIGN_OR_RETURN(const text::ChatOptions options,
                        MakeChatOptions(flags.generation, opened.tool_format));
  CRIA_ASSIGN_OR_RETURN(text::EncodedChat encoded, format->Encode(*conversation, options));
  return std::move(encoded.ids);
}

void PrintIds(const std::vector<text::TokenId>& ids, const text::Tokenizer& tokenizer, bool json) {
  if (!json) {
    std::printf("%s\n", absl::StrJoin(ids, " ").c_str());
    return;
  }
  base::json::array pieces;
  for (const text::TokenId id : ids)
    pieces.push_back(base::json::string(ValidUtf8(tokenizer.TokenBytes(id, true))));
  const base::json::object out{{"ids", base::json::value_from(ids)}, {"pieces", std::move(pieces)}};
  PrintJsonLine(out);
}

absl::Status TokenizeLines(const TokenizeFlags& flags, const text::Tokenizer& tokenizer,
                           const std::string& content) {
  size_t number = 0;
  for (size_t begin = 0; begin < content.size();) {
    const size_t end = std::min(content.find('\n', begin), content.size());
    const std::string_view line(content.data() + begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto value = base::ParseJson(line, absl::StrCat("line ", number));
    if (!value.ok()) return absl::InvalidArgumentError(value.status().message());
    const base::json::object* object = value->if_object();
    const base::json::value* text = object == nullptr ? nullptr : base::Find(*object, "text");
    if (text == nullptr || !text->is_string())
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, ": expected {\"text\": \"...\"}"));
    CRIA_ASSIGN_OR_RETURN(const auto ids,
                          EncodeText(flags, tokenizer, std::string(text->get_string())));
    const base::json::object out{{"ids", base::json::value_from(ids)}};
    PrintJsonLine(out);
  }
  return absl::OkStatus();
}

// What the command line gives to work on: TEXT, --file or standard input.
absl::StatusOr<std::string> GivenText(const TokenizeFlags& flags) {
  if (flags.has_text) return flags.text;
  return ReadInput(flags.file.empty() ? "-" : flags.file);
}

// Ids stand behind --decode, or where a text would.
absl::Status Decode(const TokenizeFlags& flags, const text::Tokenizer& tokenizer, bool json) {
  std::string list = flags.decode;
  if (list.empty()) {
    CRIA_ASSIGN_OR_RETURN(list, GivenText(flags));
  }
  CRIA_ASSIGN_OR_RETURN(const auto ids, ParseTokenIds(list));
  for (const text::TokenId id : ids)
    if (id < 0 || id >= tokenizer.vocab_size())
      return absl::InvalidArgumentError(absl::StrCat(
          "--decode: id ", id, " is outside the vocabulary [0, ", tokenizer.vocab_size(), ")"));
  const std::string text = ValidUtf8(tokenizer.Decode(ids, /*special=*/true));
  if (json) {
    PrintJsonLine(base::json::object{{"text", text}});
  } else {
    std::fwrite(text.data(), 1, text.size(), stdout);  // it may hold a NUL
    std::fputc('\n', stdout);
  }
  return absl::OkStatus();
}

// Flags that would have no effect are refused.
absl::Status CheckFlags(const TokenizeFlags& flags) {
  const Given text{"TEXT", flags.has_text}, file{"--file", !flags.file.empty()};
  const Given chat{"--chat", flags.has_chat}, decode{"--decode", flags.decodes};
  const Given bos{"--bos", flags.bos}, special{"--parse-special", flags.parse_special};
  CRIA_RETURN_IF_ERROR(RefuseTogether({text, file, chat}));
  CRIA_RETURN_IF_ERROR(RefuseTogether({text, file, {"--decode LIST", !flags.decode.empty()}}));
  CRIA_RETURN_IF_ERROR(RefuseTogether({{"--jsonl", flags.jsonl}, chat, decode}));
  for (const Given& plain : {bos, special})
    for (const Given& other : {chat, decode}) CRIA_RETURN_IF_ERROR(RefuseTogether({plain, other}));
  return RefuseWithout(chat, {{"--tools", !flags.generation.tools.empty()},
                              {"--tool-format", !flags.generation.tool_format.empty()},
                              {"--date", !flags.generation.date.empty()}});
}

absl::Status Tokenize(const TokenizeFlags& flags, const CliContext& context) {
  CRIA_RETURN_IF_ERROR(CheckFlags(flags));
  CRIA_ASSIGN_OR_RETURN(const OpenedTokenizer opened, OpenTokenizer(flags.model));
  const text::Tokenizer& tokenizer = *opened.tokenizer;
  if (flags.decodes) return Decode(flags, tokenizer, context.json);
  if (flags.has_chat) {
    CRIA_ASSIGN_OR_RETURN(const auto ids, EncodeChat(flags, opened));
    PrintIds(ids, tokenizer, context.json);
    return absl::OkStatus();
  }
  CRIA_ASSIGN_OR_RETURN(const std::string text, GivenText(flags));
  if (flags.jsonl) return TokenizeLines(flags, tokenizer, text);
  CRIA_ASSIGN_OR_RETURN(const auto ids, EncodeText(flags, tokenizer, text));
  PrintIds(ids, tokenizer, context.json);
  return absl::OkStatus();
}

}  // namespace

void AddTokenizeCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("tokenize", "Text to token ids and back");
  auto flags = std::make_shared<TokenizeFlags>();
  command->add_option("model", flags->model, "A model, or a bare tokenizer.json or tokenizer.model")
      ->type_name("MODEL")
      ->required();
  CLI::Option* text =
      command->add_option("text", flags->text, "The text (default: --file or standard input)")
          ->type_name("TEXT");
  command->add_option("--file", flags->file, "Read the text from a file")->type_name("F");
  command->add_flag("--jsonl", flags->jsonl,
                    "Lines of {\"text\": \"...\"}; prints {\"ids\": [...]} a line");
  CLI::Option* decode =
      command->add_option("--decode", flags->decode, "Ids in (here, or instead of TEXT), text out")
          ->type_name("LIST|@FILE")
          ->expected(0, 1);
  command->add_flag("--parse-special", flags->parse_special,
                    "Special-token text becomes special ids");
  command->add_flag("--bos", flags->bos, "Put BOS in front");
  CLI::Option* chat =
      command->add_option("--chat", flags->chat, "A JSON list of messages through the chat format")
          ->type_name("FILE");
  command->add_option("--tools", flags->generation.tools, "Functions for --chat")
      ->type_name("FILE");
  command
      ->add_option("--tool-format", flags->generation.tool_format,
                   "How calls are written, for --chat")
      ->type_name("json|function_tag|python_list");
  command->add_option("--date", flags->generation.date, "Today's date for --chat")
      ->type_name("YYYY-MM-DD");
  command->footer(
      "Examples:\n"
      "  llama tokenize smollm2:135m \"Hello world\" --json\n"
      "  llama tokenize smollm2:135m --decode 19556,905\n"
      "  llama tokenize smollm2:135m --file README.md | wc -w\n"
      "  llama tokenize smollm2:135m --chat "
      "'[{\"role\":\"user\",\"content\":\"Hi\"}]' --json");
  command->callback([flags, text, decode, chat, &context] {
    flags->has_chat = chat->count() > 0;
    flags->has_text = text->count() > 0;
    flags->decodes = decode->count() > 0;
    context.Fail(Tokenize(*flags, context));
  });
}

}  // namespace cria::cli
