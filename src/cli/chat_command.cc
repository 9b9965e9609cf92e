// llama chat: a conversation in the terminal.
#include <cstdio>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "chat/options.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/generation_flags.h"
#include "cli/interrupt.h"
#include "cli/line_editor.h"
#include "cli/open_model.h"
#include "engine/session.h"
#include "text/message_json.h"

namespace cria::cli {
namespace {

struct ChatFlags {
  std::string model, system;
  bool stats = false;
  GenerationFlags generation;
};

constexpr char kHelp[] =
    "  /help             this list\n"
    "  /system TEXT      set the system message and start anew\n"
    "  /clear            start anew\n"
    "  /save FILE        write the conversation as JSON messages\n"
    "  /bye              leave (also Ctrl-D)\n"
    "  \"\"\"               begin and end a message of several lines\n"
    "  Ctrl-C            stop the answer\n";

text::Message TextMessage(text::Role role, std::string text) {
  text::Message message;
  message.role = role;
  message.content.push_back({text::ContentPart::Type::kText, std::move(text), ""});
  return message;
}

// The state of one conversation and what its commands do.
class Chat {
 public:
  Chat(const ChatFlags& flags, const CliContext& context, const OpenedModel& opened,
       const text::ChatFormat& format, engine::GenerationOptions options,
       text::ChatOptions chat_options)
      : flags_(flags),
        context_(context),
        opened_(opened),
        format_(format),
        options_(std::move(options)),
        chat_options_(std::move(chat_options)) {
    Start(flags.system);
  }

  // False: leave.
  bool Command(const std::string& line) {
    if (line == "/bye" || line == "/exit" || line == "/quit") return false;
    if (line == "/help" || line == "/?") {
      std::fputs(kHelp, stderr);
    } else if (line == "/clear") {
      Start(system_);
      std::fputs("the conversation starts anew\n", stderr);
    } else if (line == "/system" || absl::StartsWith(line, "/system ")) {
      Start(std::string(absl::StripAsciiWhitespace(line.substr(7))));
      std::fprintf(stderr, "%s; the conversation starts anew\n",
                   system_.empty() ? "no system message" : "the system message is set");
    } else if (line == "/save" || absl::StartsWith(line, "/save ")) {
      Save(std::string(absl::StripAsciiWhitespace(line.substr(5))));
    } else {
      std::fprintf(stderr, "unknown command %s; /help lists them\n", line.c_str());
    }
    return true;
  }

  absl::Status Say(const std::string& text) {
    conversation_.push_back(TextMessage(text::Role::kUser, text));
    auto encoded = format_.Encode(conversation_, chat_options_);
    if (!encoded.ok()) return Undo(encoded.status());
    auto session = Session();
    if (!session.ok()) return Undo(session.status());
    engine::Request request;
    request.model = opened_.name;
    request.prompt = std::move(encoded->ids);
    request.options = options_;
    request.session = *session;
    request.draft_model = flags_.generation.draft;
    const auto parser = chat::MakeToolCallParser(chat_options_, options_);
    auto answer = Ask(*opened_.engine, std::move(request), parser.get(), /*stream_to_stdout=*/true);
    if (!answer.ok()) return Undo(Advised(answer.status()));
    if (answer->interrupted) return Stopped(*answer);
    if (flags_.stats) PrintStats(opened_, answer->result);
    conversation_.push_back(TextMessage(text::Role::kAssistant, answer->text));
    conversation_.back().tool_calls = std::move(answer->calls);
    NoteFullContext(opened_, options_, answer->result, context_);
    if (!answer->result.status.ok()) session_->Reset();
    return Advised(answer->result.status);
  }

 private:
  void Start(std::string system) {
    system_ = std::move(system);
    conversation_.clear();
    if (!system_.empty()) conversation_.push_back(TextMessage(text::Role::kSystem, system_));
  }

  absl::StatusOr<std::shared_ptr<engine::Session>> Session() {
    if (session_ == nullptr) {
      CRIA_ASSIGN_OR_RETURN(session_, engine::Session::Create(opened_.model, context_.context));
    }
    return session_;
  }

  // What a signal leaves of an answer stays in the conversation; where there is nothing, the
  // question goes too.
  absl::Status Stopped(const Answer& answer) {
    session_ = nullptr;  // the engine may still be busy with it
    if (!answer.text.empty()) {
      conversation_.push_back(TextMessage(text::Role::kAssistant, answer.text));
      return absl::OkStatus();
    }
    std::fputs("\n", stdout);  // after the terminal's ^C
    std::fflush(stdout);
    return Undo(absl::OkStatus());
  }

  absl::Status Advised(const absl::Status& status) const {
    return AdviseOnContext(status, opened_, context_.context, "start anew with /clear");
  }

  absl::Status Undo(absl::Status status) {
    conversation_.pop_back();
    return status;
  }

  void Save(const std::string& path) const {
    if (path.empty()) {
      std::fputs("/save: expected a file: /save FILE\n", stderr);
      return;
    }
    const base::json::array messages = text::ConversationToJson(conversation_);
    const absl::Status status =
        base::WriteFileAtomically(path, base::json::serialize(messages) + "\n");
    if (status.ok()) {
      std::fprintf(stderr, "saved %zu messages to %s\n", conversation_.size(), path.c_str());
    } else {
      std::fprintf(stderr, "llama: error: %s\n", std::string(status.message()).c_str());
    }
  }

  const ChatFlags& flags_;
  const CliContext& context_;
  const OpenedModel& opened_;
  const text::ChatFormat& format_;
  engine::GenerationOptions options_;
  text::ChatOptions chat_options_;
  std::shared_ptr<engine::Session> session_;  // null: the next answer makes one
  std::string system_;
  text::Conversation conversation_;
};

// A whole message: a line, or the lines between two """.
std::optional<std::string> ReadMessage(LineEditor& editor) {
  std::optional<std::string> line = editor.Read(">>> ");
  if (!line || !absl::StartsWith(*line, "\"\"\"")) return line;
  std::string message = line->substr(3);
  while (!absl::EndsWith(message, "\"\"\"")) {
    const std::optional<std::string> next = editor.Read("... ");
    if (!next || Interrupted()) return std::string();
    absl::StrAppend(&message, "\n", *next);
  }
  message.resize(message.size() - 3);
  return message;
}

absl::StatusOr<const text::ChatFormat*> ChatFormatOf(const OpenedModel& opened) {
  auto format = opened.model->chat_format();
  if (!absl::IsNotFound(format.status())) return format;
  const bool reads = opened.model->tokenizer() != nullptr;
  return absl::NotFoundError(absl::StrCat(
      opened.name, ": expected a model for conversations, found one with no ",
      reads ? "chat format (a base model)" : "tokenizer", "; llama run ", opened.name,
      reads ? " --raw \"...\" continues a text" : " --token-ids LIST continues token ids"));
}

absl::Status RunChat(const ChatFlags& flags, const CliContext& context) {
  if (context.json)
    return absl::InvalidArgumentError(
        "chat: --json has no meaning in a conversation; llama run --json gives one answer");
  if (flags.generation.logprobs)
    return absl::InvalidArgumentError(
        "chat: --logprobs are shown in JSON answers only: llama run --json --logprobs N");
  CRIA_ASSIGN_OR_RETURN(OpenedModel opened, OpenModel(context, flags.model));
  CRIA_RETURN_IF_ERROR(LoadDraft(context, flags.generation.draft, &opened));
  CRIA_ASSIGN_OR_RETURN(const text::ChatFormat* format, ChatFormatOf(opened));
  CRIA_ASSIGN_OR_RETURN(engine::GenerationOptions options,
                        MakeGenerationOptions(flags.generation, context, *opened.model));
  CRIA_ASSIGN_OR_RETURN(text::ChatOptions chat_options,
                        MakeChatOptions(flags.generation, opened.tool_format));
  CRIA_RETURN_IF_ERROR(SetToolOptions(*format, chat_options, *opened.model->tokenizer(), &options));
  if (!context.quiet && StderrIsTerminal())
    std::fprintf(stderr, "%s is ready. /help lists the commands, Ctrl-D leaves.\n",
                 opened.name.c_str());
  Chat chat(flags, context, opened, *format, std::move(options), std::move(chat_options));
  const char* home = std::getenv("HOME");
  LineEditor editor(home == nullptr ? "" : absl::StrCat(home, "/.llama_history"));
  while (true) {
    ClearInterrupt();
    const std::optional<std::string> message = ReadMessage(editor);
    if (Terminated()) return absl::CancelledError("terminated");
    if (!message) return absl::OkStatus();
    if (message->empty()) continue;
    if ((*message)[0] == '/') {
      if (!chat.Command(*message)) return absl::OkStatus();
      continue;
    }
    if (const absl::Status status = chat.Say(*message); !status.ok())
      std::fprintf(stderr, "llama: error: %s\n", std::string(status.message()).c_str());
    if (Terminated()) EndInterrupted();
  }
}

}  // namespace

void AddChatCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("chat", "A conversation in the terminal");
  auto flags = std::make_shared<ChatFlags>();
  command
      ->add_option("model", flags->model,
                   "A path, a name of `llama model list`, or a tag (default smollm2:135m)")
      ->type_name("MODEL");
  command->add_option("--system", flags->system, "The system message")->type_name("TEXT");
  command->add_flag("--stats", flags->stats, "Say after each answer how fast it was");
  AddGenerationFlags(*command, flags->generation);
  command->footer(
      "Example:\n  llama chat llama3.2:1b --system \"Answer like a pirate\"\n\nCommands inside:\n" +
      std::string(kHelp));
  command->callback([flags, &context] { context.Fail(RunChat(*flags, context)); });
}

}  // namespace cria::cli
