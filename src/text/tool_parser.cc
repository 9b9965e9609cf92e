#include "text/tool_parser.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "text/tool_call_syntax.h"

namespace cria::text {
namespace {

using Start = ToolCallSyntax::Start;
using Span = ToolCallSyntax::Span;

constexpr std::string_view kSpaces = " \t\r\n";

void TrimEnd(std::string* text) { text->resize(text->find_last_not_of(kSpaces) + 1); }

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kSpaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpaces) + 1 - begin);
}

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// `text` without the tags that end a message.
std::string_view WithoutEnd(std::string_view text) {
  for (bool more = true; more;) {
    more = false;
    for (const std::string_view tag : {kEndOfTurnTag, kEndOfMessageTag}) {
      if (!EndsWith(text, tag)) continue;
      text.remove_suffix(tag.size());
      more = true;
    }
  }
  return text;
}

}  // namespace

class ToolCallParser::Impl {
 public:
  explicit Impl(std::vector<ToolDefinition> tools) : syntax_(std::move(tools)) {}

  std::string Feed(std::string_view text) {
    answer_ += text;
    if (holds_) return "";
    while (scanned_ < answer_.size()) {
      const Start start = syntax_.StartAt(answer_, scanned_);
      holds_ = start == Start::kYes;
      if (start != Start::kNo) break;
      // White space waits for what follows: around a call it goes.
      if (kSpaces.find(answer_[scanned_++]) == std::string_view::npos) ready_ = scanned_;
    }
    const size_t begin = std::exchange(shown_, ready_);
    return answer_.substr(begin, ready_ - begin);
  }

  Result Finish() {
    const std::string_view rest = WithoutEnd(std::string_view(answer_).substr(shown_));
    const size_t tag = rest.find(kPythonTag);
    ReadText(rest.substr(0, tag));
    if (tag != std::string_view::npos) ReadTagged(rest.substr(tag + kPythonTag.size()));
    if (!result_.calls.empty()) {
      TrimEnd(&result_.text);
      if (shown_ == 0) result_.text.erase(0, result_.text.find_first_not_of(kSpaces));
    }
    return std::move(result_);
  }

 private:
  void AddCalls(std::vector<ToolCall> calls) {
    for (ToolCall& call : calls) result_.calls.push_back(std::move(call));
  }

  // What follows <|python_tag|>.
  void ReadTagged(std::string_view text) {
    TrimEnd(&result_.text);
    text = Trimmed(WithoutEnd(Trimmed(text)));
    if (auto calls = syntax_.ReadAll(text)) return AddCalls(*std::move(calls));
    auto builtins = syntax_.FindBuiltinCalls(text);
    if (!builtins.empty()) return AddCalls(std::move(builtins));
    // Behind some text, so that a list of unknown functions counts as the code that it may be.
    const std::string behind = absl::StrCat(".", std::string(text));
    if (syntax_.StartAt(behind, 1) == Start::kYes) {
      result_.malformed = true;
      result_.text += text;
      return;
    }
    base::json::object arguments{{"code", std::string(text)}};
    AddCalls({{"", std::string(kCodeInterpreter), std::move(arguments)}});
  }

  // What no tag announces: text, with calls in it perhaps.
  void ReadText(std::string_view text) {
    if (shown_ == 0 && holds_) {
      auto calls = syntax_.ReadAll(text);
      if (calls) return AddCalls(*std::move(calls));
    }
    bool after_call = false;
    for (size_t at = 0; at < text.size();) {
      Span span{Span::Kind::kOther, 1, {}};
      const bool tag = text.substr(at, 2) == "<|";
      if (holds_ && !tag && syntax_.StartAt(text, at) == Start::kYes)
        span = syntax_.Read(text.substr(at));
      if (span.kind == Span::Kind::kCalls && AllKnown(span.calls)) {
        AddCalls(std::move(span.calls));
        TrimEnd(&result_.text);
        after_call = true;
      } else if (after_call && (text[at] == ';' || text[at] == ',')) {
        after_call = false;
      } else {
        result_.malformed |= span.kind == Span::Kind::kMalformed;
        result_.text += text.substr(at, span.length);
        after_call = after_call && kSpaces.find(text[at]) != std::string_view::npos;
      }
      at += span.length;
    }
  }

  bool AllKnown(const std::vector<ToolCall>& calls) const {
    return std::all_of(calls.begin(), calls.end(),
                       [&](const ToolCall& call) { return syntax_.Knows(call.name); });
  }

  const ToolCallSyntax syntax_;
  std::string answer_;
  size_t shown_ = 0;    // bytes of answer_ that Feed() returned
  size_t ready_ = 0;    // up to the last that is no white space of what was scanned
  size_t scanned_ = 0;  // no call begins before
  bool holds_ = false;  // a call may begin at scanned_: the rest is for Finish()
  Result result_;
};

ToolCallParser::ToolCallParser(std::vector<ToolDefinition> tools)
    : impl_(std::make_unique<Impl>(std::move(tools))) {}
ToolCallParser::~ToolCallParser() = default;

std::string ToolCallParser::Feed(std::string_view text) { return impl_->Feed(text); }
ToolCallParser::Result ToolCallParser::Finish() { return impl_->Finish(); }

}  // namespace cria::text
