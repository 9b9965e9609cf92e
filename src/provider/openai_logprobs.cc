#include "provider/openai_logprobs.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"

namespace cria::provider {
namespace {

namespace json = base::json;

// The bytes of a token that is given as text: OpenAI's completions write parts of characters as
// "bytes:\xe2\x80".
std::string BytesOf(std::string_view token) {
  constexpr std::string_view kPrefix = "bytes:\\x";
  if (!token.starts_with(kPrefix)) return std::string(token);
  const std::string_view escaped = token.substr(kPrefix.size() - 2);
  std::string bytes;
  return absl::CUnescape({escaped.data(), escaped.size()}, &bytes) ? bytes : std::string(token);
}

std::string_view View(const json::string& text) { return {text.data(), text.size()}; }

double NumberOr(const json::value* value, double otherwise) {
  return value != nullptr && value->is_number() ? value->to_number<double>() : otherwise;
}

// {"token", "bytes": [..] or null, "logprob"}
chat::TokenProbability ReadToken(const json::object& object) {
  chat::TokenProbability token;
  if (const json::array* bytes = base::FindArray(object, "bytes")) {
    for (const json::value& byte : *bytes)
      if (byte.is_int64()) token.bytes += static_cast<char>(byte.get_int64());
  } else if (const json::value* text = base::Find(object, "token"); text && text->is_string()) {
    token.bytes = BytesOf(View(text->get_string()));
  }
  token.logprob = NumberOr(base::Find(object, "logprob"), 0);
  return token;
}

void ReadContent(const json::array& content, std::vector<chat::TokenLogprobs>* tokens) {
  for (const json::value& value : content) {
    const json::object* object = value.if_object();
    if (object == nullptr) continue;
    chat::TokenLogprobs token{ReadToken(*object), {}};
    if (const json::array* top = base::FindArray(*object, "top_logprobs")) {
      for (const json::value& other : *top)
        if (other.is_object()) token.top.push_back(ReadToken(other.get_object()));
    }
    tokens->push_back(std::move(token));
  }
}

// {"token": logprob, ...}
std::vector<chat::TokenProbability> ReadTop(const json::value& value) {
  std::vector<chat::TokenProbability> top;
  const json::object* object = value.if_object();
  if (object == nullptr) return top;
  for (const auto& [token, logprob] : *object)
    top.push_back({std::nullopt, BytesOf({token.data(), token.size()}), NumberOr(&logprob, 0)});
  std::stable_sort(top.begin(), top.end(),
                   [](const auto& a, const auto& b) { return a.logprob > b.logprob; });
  return top;
}

void ReadCompletion(const json::object& logprobs, const json::array& texts,
                    std::vector<chat::TokenLogprobs>* tokens) {
  const json::array* values = base::FindArray(logprobs, "token_logprobs");
  const json::array* tops = base::FindArray(logprobs, "top_logprobs");
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!texts[i].is_string()) continue;
    chat::TokenLogprobs token;
    token.chosen.bytes = BytesOf(View(texts[i].get_string()));
    if (values != nullptr && i < values->size()) token.chosen.logprob = NumberOr(&(*values)[i], 0);
    if (tops != nullptr && i < tops->size()) token.top = ReadTop((*tops)[i]);
    tokens->push_back(std::move(token));
  }
}

}  // namespace

void ReadLogprobs(const json::object& logprobs, std::vector<chat::TokenLogprobs>* tokens) {
  if (const json::array* content = base::FindArray(logprobs, "content")) {
    ReadContent(*content, tokens);
  } else if (const json::array* texts = base::FindArray(logprobs, "tokens")) {
    ReadCompletion(logprobs, *texts, tokens);
  }
}

}  // namespace cria::provider
