#include "server/conversation_items.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/random_id.h"

namespace cria::server {
namespace {

namespace json = base::json;

constexpr int kIdDigits = 48;
constexpr std::string_view kMessage = "message";
constexpr std::string_view kTypesWithStatus[] = {kMessage, "function_call", "function_call_output",
                                                 "file_search_call", "web_search_call"};

// One text as the list of parts that it stands for.
json::array PartsOf(const json::string& text, bool from_assistant) {
  if (!from_assistant) return {json::object{{"type", "input_text"}, {"text", text}}};
  return {json::object{{"type", "output_text"}, {"text", text}, {"annotations", json::array()}}};
}

}  // namespace

json::object NormalItem(json::object item) {
  if (base::Find(item, "type") == nullptr) item["type"] = kMessage;
  const json::string type = item.at("type").get_string();
  if (type == kMessage && item.at("content").is_string()) {
    const json::string text = std::move(item.at("content").get_string());
    item["content"] = PartsOf(text, item.at("role").get_string() == "assistant");
  }
  const bool has_status = std::find(std::begin(kTypesWithStatus), std::end(kTypesWithStatus),
                                    std::string_view(type)) != std::end(kTypesWithStatus);
  if (has_status && base::Find(item, "status") == nullptr) item["status"] = "completed";
  if (base::Find(item, "id") == nullptr)
    item["id"] = absl::StrCat(type == kMessage ? "msg_" : "item_", base::RandomHex(kIdDigits));
  return item;
}

}  // namespace cria::server
