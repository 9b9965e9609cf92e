// llama tokenize: text to ids and back.
#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/generation_flags.h"
#include "cli/input.h"
#include "cli/open_model.h"
#include "text/message_json.h"
#include "text/tokenizer_factory.h"

namespace cria::cli {
namespace {

struct TokenizeFlags {
  std::string model, text, file, decode, chat;
  bool has_text = false, decodes = false, jsonl = false, parse_special = false, bos = false;
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
  CRIA_ASSIGN_OR_RETURN(const std::string content, base::ReadFile(path, kMaxTokenizerBytes));
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
  auto value = base::ParseJson(json, flags.chat);
  if (!value.ok()) return absl::InvalidArgumentError(value.status().message());
  auto conversation = text::ConversationFromJson(*value);
  if (!conversation.ok()) return base::Annotate(conversation.status(), "--chat");
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
  std::printf("%s\n", base::json::serialize(out).c_str());
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
    std::printf("%s\n", base::json::serialize(out).c_str());
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
    std::printf("%s\n", base::json::serialize(base::json::object{{"text", text}}).c_str());
  } else {
    std::printf("%s\n", text.c_str());
  }
  return absl::OkStatus();
}

absl::Status Tokenize(const TokenizeFlags& flags, const CliContext& context) {
  CRIA_ASSIGN_OR_RETURN(const OpenedTokenizer opened, OpenTokenizer(flags.model));
  const text::Tokenizer& tokenizer = *opened.tokenizer;
  if (flags.decodes) return Decode(flags, tokenizer, context.json);
  if (!flags.chat.empty()) {
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
  command->add_option("--chat", flags->chat, "A JSON list of messages through the chat format")
      ->type_name("FILE");
  command->add_option("--tools", flags->generation.tools, "Functions for --chat")
      ->type_name("FILE");
  command
      ->add_option("--tool-format", flags->generation.tool_format,
                   "json, function_tag or python_list")
      ->type_name("FORMAT");
  command->add_option("--date", flags->generation.date, "Today's date for --chat")
      ->type_name("YYYY-MM-DD");
  command->footer("Example:\n  llama tokenize smollm2:135m \"Hello world\" --json");
  command->callback([flags, text, decode, &context] {
    flags->has_text = text->count() > 0;
    flags->decodes = decode->count() > 0;
    context.Fail(Tokenize(*flags, context));
  });
}

}  // namespace cria::cli
