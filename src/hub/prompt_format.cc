// The chat formats in words and examples, for `llama model prompt-format`. What the program itself
// uses is text/chat_format.h; these pages only explain it.
#include "absl/strings/str_cat.h"
#include "hub/catalogue.h"

namespace cria::hub {
namespace {

constexpr char kTextPage[] =
    "A base model: it continues text and knows no roles.\n\n"
    "  <|begin_of_text|>The color of the sky is blue but sometimes it can also be\n\n"
    "Generation ends at <|end_of_text|>, or where you stop it.\n";

constexpr char kLlama3Page[] =
    "Special tokens\n"
    "  <|begin_of_text|>     once, at the start\n"
    "  <|start_header_id|>   before the role of a message\n"
    "  <|end_header_id|>     after it; two line feeds follow\n"
    "  <|eot_id|>            end of a turn\n"
    "  <|eom_id|>            end of a message that waits for a tool's result\n"
    "  <|python_tag|>        begins a call of a built-in tool or code\n\n"
    "Roles: system, user, assistant, and ipython for a tool's result.\n\n"
    "A conversation\n"
    "  <|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"
    "  You are a helpful assistant<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
    "  Who are you?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    "The model answers from here and ends with <|eot_id|>. Contents are taken as they are, not "
    "trimmed.\n\n";

constexpr char kJsonToolsPage[] =
    "Tool calls (json): the functions stand as JSON in a user message; the answer is\n"
    "  {\"type\": \"function\", \"name\": \"get_weather\", \"parameters\": {\"city\": "
    "\"Paris\"}}<|eot_id|>\n"
    "and the result goes back in a message of the role ipython.\n";

constexpr char kPythonToolsPage[] =
    "Tool calls (python_list): the functions stand as JSON in the system message; the answer is\n"
    "  [get_weather(city='Paris'), get_weather(city='Rome')]<|eot_id|>\n"
    "and each result goes back in a message of the role ipython.\n";

constexpr char kImagesPage[] =
    "Images: <|image|> stands in a user message where a picture goes, one for each, before the "
    "text that\n"
    "speaks of it:\n"
    "  <|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n"
    "  <|image|>Describe this image in two "
    "sentences<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    "Tools can't be called in a conversation with images.\n";

constexpr char kGuardPage[] =
    "One user turn holds the task, the categories and the conversation to judge.\n\n"
    "  <|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n"
    "  Task: Check if there is unsafe content in 'User' messages in conversations according our "
    "safety policy\n"
    "  with the below categories.\n\n"
    "  <BEGIN UNSAFE CONTENT CATEGORIES>\n"
    "  S1: Violent Crimes.\n"
    "  ...\n"
    "  <END UNSAFE CONTENT CATEGORIES>\n\n"
    "  <BEGIN CONVERSATION>\n\n"
    "  User: How do I bake bread?\n\n"
    "  <END CONVERSATION>\n\n"
    "  Provide your safety assessment for ONLY THE LAST User message in the above conversation:\n"
    "   - First line must read 'safe' or 'unsafe'.\n"
    "   - If unsafe, a second line must include a comma-separated list of violated categories. "
    "<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
    "To judge an answer, put it after the question as 'Agent: ...' and write Agent for User in the "
    "task.\n"
    "The answer is 'safe', or 'unsafe' and on a second line the categories: S1,S10.\n";

constexpr char kLlama2Page[] =
    "  <s>[INST] <<SYS>>\n"
    "  You are a helpful assistant\n"
    "  <</SYS>>\n\n"
    "  Who are you? [/INST] I am Llama. </s><s>[INST] What can you do? [/INST]\n";

constexpr char kChatMlPage[] =
    "Special tokens: <|im_start|> before the role of a message, <|im_end|> after its content.\n"
    "Roles: system, user, assistant.\n\n"
    "A conversation\n"
    "  <|im_start|>system\n"
    "  You are a helpful assistant<|im_end|>\n"
    "  <|im_start|>user\n"
    "  Who are you?<|im_end|>\n"
    "  <|im_start|>assistant\n\n"
    "The model answers from here and ends with <|im_end|>.\n";

constexpr char kClassifierPage[] =
    "No chat: a text of up to 512 tokens goes in, one of BENIGN, INJECTION, JAILBREAK comes out.\n";

constexpr char kEmbeddingPage[] = "No chat: a text goes in, one vector comes out (llama embed).\n";

}  // namespace

std::string DescribePromptFormat(const CatalogueEntry& entry) {
  const std::string head = absl::StrCat("Prompt format of ", entry.name, "\n\n");
  const bool python_list = std::string_view(entry.tool_format) == "python_list";
  switch (entry.prompt) {
    case PromptStyle::kText:
      return head + kTextPage;
    case PromptStyle::kLlama2:
      return head + kLlama2Page;
    case PromptStyle::kLlama3:
      return absl::StrCat(head, kLlama3Page, python_list ? kPythonToolsPage : kJsonToolsPage);
    case PromptStyle::kLlama3Vision:
      return absl::StrCat(head, kLlama3Page, kJsonToolsPage, "\n", kImagesPage);
    case PromptStyle::kLlamaGuard:
      return head + kGuardPage;
    case PromptStyle::kChatMl:
      return head + kChatMlPage;
    case PromptStyle::kClassifier:
      return head + kClassifierPage;
    case PromptStyle::kEmbedding:
      return head + kEmbeddingPage;
  }
  return head;
}

}  // namespace cria::hub
