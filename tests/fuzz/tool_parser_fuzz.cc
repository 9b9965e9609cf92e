// Any answer through the tool-call parser: the same result however it is cut, the shown text is
// part of the answer, and every call it finds can be written again and read back.
#include "base/check.h"
#include "base/json.h"
#include "text/tool_parser_testing.h"
#include "text/tool_text.h"
#include "text/utf8.h"

namespace {

using cria::text::ParseInPieces;
using cria::text::ToolCallParser;
using cria::text::ToolDefinition;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::vector<ToolDefinition> tools;
  if (data[0] % 2 == 0) tools = {{"add", "", {}}, {"get-time", "", {}}};
  const size_t piece = 1 + data[0] / 2;
  const std::string answer =
      cria::text::ToValidUtf8(std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  const ToolCallParser::Result whole = ParseInPieces(answer, answer.size() + 1, tools);
  const ToolCallParser::Result cut = ParseInPieces(answer, piece, tools);
  CRIA_CHECK(whole.text == cut.text && whole.malformed == cut.malformed);
  CRIA_CHECK(whole.calls.size() == cut.calls.size());
  CRIA_CHECK(whole.text.size() <= answer.size());
  for (size_t i = 0; i < whole.calls.size(); ++i) {
    CRIA_CHECK(whole.calls[i].name == cut.calls[i].name);
    CRIA_CHECK(whole.calls[i].arguments == cut.calls[i].arguments);
    CRIA_CHECK(!whole.calls[i].name.empty());
    (void)cria::text::ToolCallText(whole.calls[i], cria::text::ToolFormat::kPythonList);
  }
  if (whole.calls.empty()) {  // then nothing is lost but the tags
    size_t kept = 0;
    for (const char c : whole.text) {
      while (kept < answer.size() && answer[kept] != c) ++kept;
      CRIA_CHECK(kept < answer.size());
      ++kept;
    }
  }
  return 0;
}
