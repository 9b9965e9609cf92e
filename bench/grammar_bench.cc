// What a grammar costs a token: the time of FillMask() and Accept() along sentences of each schema.
//   grammar_bench MODEL [REPEAT]
// MODEL is a tokenizer.model, a tokenizer.json, or whatever else `llama run` takes. A row for each
// schema: building the grammar, then the median, 99th percentile and maximum over the tokens of
// every pass, the first pass (cold caches) on its own.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <vector>

#include "base/json.h"
#include "open_tokenizer.h"
#include "text/grammar.h"
#include "text/token_trie.h"

namespace cria {
namespace {

using Clock = std::chrono::steady_clock;
using Micros = std::chrono::duration<double, std::micro>;

struct Case {
  const char* name;
  const char* schema;
  const char* sentence;
};

constexpr Case kCases[] = {
    {"person", R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"},
       "tags":{"type":"array","items":{"type":"string"}}},"required":["name","age","tags"]})",
     R"({"name": "Ada Lovelace, countess of the far north", "age": 36, "tags": ["mathematics", "engines", "größte Denkerin"]})"},
    {"tool call", R"({"type":"object","properties":{"name":{"enum":["get_weather","get_time"]},
       "parameters":{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer",
       "minimum":1,"maximum":14},"unit":{"enum":["celsius","fahrenheit"]}},"required":["city"]}},
       "required":["name","parameters"]})",
     R"({"name": "get_weather", "parameters": {"city": "San Francisco", "days": 7, "unit": "celsius"}})"},
    {"nested", R"({"type":"array","items":{"type":"object","properties":{"id":{"type":"string",
       "format":"uuid"},"when":{"type":"string","format":"date-time"},"position":{"type":"object",
       "properties":{"x":{"type":"number"},"y":{"type":"number"}},"required":["x","y"]},
       "note":{"type":["string","null"]}},"required":["id","when","position","note"]}})",
     R"([{"id": "123e4567-e89b-12d3-a456-426614174000", "when": "2024-09-25T12:00:00Z", "position": {"x": 1.25, "y": -3e-7}, "note": null}, {"id": "00000000-0000-0000-0000-000000000000", "when": "2024-12-31T23:59:59.5Z", "position": {"x": 0, "y": 0}, "note": "the end of the year, and of the road"}])"},
    {"recursive", R"({"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{
       "value":{"type":"string"},"children":{"type":"array","items":{"$ref":"#/$defs/node"}}},
       "required":["value","children"]}}})",
     R"({"value": "root", "children": [{"value": "left", "children": []}, {"value": "right", "children": [{"value": "leaf", "children": []}]}]})"},
    {"any JSON", "{}",
     R"({"a": [1, 2.5, true, null, {"b": "text with \"quotes\" and \u00e9"}], "c": {"d": [[[]]]}, "e": "done"})"},
    {"limited texts",
     R"({"type":"object","properties":{"title":{"type":"string","minLength":1,"maxLength":80},
       "body":{"type":"string","minLength":1},"code":{"type":"string","pattern":"^[A-Z]{3}-[0-9]{4}$"},
       "stars":{"type":"integer","minimum":1,"maximum":5}},"required":["title","body","code","stars"]})",
     R"({"title": "A fine machine", "body": "It does what it says, and no more than that.", "code": "ABC-1234", "stars": 4})"},
    {"bounded string", R"({"type":"string","pattern":"^[A-Za-z ,.]{10,200}$"})",
     R"("It was a bright cold day in April, and the clocks were striking thirteen.")"},
};

double Mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double Quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1))];
}

absl::Status Pass(const std::shared_ptr<const text::Grammar>& grammar,
                  const std::shared_ptr<const text::TokenTrie>& trie,
                  const std::vector<text::TokenId>& ids, std::vector<double>* micros) {
  const auto matcher = text::MakeGrammarMatcher(grammar, trie);
  std::vector<uint64_t> mask(trie->mask_words());
  for (const text::TokenId id : ids) {
    const auto start = Clock::now();
    matcher->FillMask(mask);
    const bool accepted = matcher->Accept(id);
    micros->push_back(Micros(Clock::now() - start).count());
    if (!accepted || !(mask[static_cast<size_t>(id) / 64] >> (id % 64) & 1))
      return absl::InternalError("the grammar refuses its own sentence");
  }
  return matcher->CanEnd() ? absl::OkStatus() : absl::InternalError("the sentence is not whole");
}

absl::Status Run(const std::string& model, int repeat) {
  CRIA_ASSIGN_OR_RETURN(const auto tokenizer, bench::OpenTokenizer(model));
  const auto trie_start = Clock::now();
  const auto trie = text::BuildTokenTrie(*tokenizer);
  std::printf("vocabulary %d, token trie built in %.0f ms\n",
              static_cast<int>(tokenizer->vocab_size()),
              Micros(Clock::now() - trie_start).count() / 1000);
  std::printf("%-15s %7s %9s %9s %9s %9s %9s %10s %9s\n", "schema", "tokens", "build us",
              "median us", "mean us", "p99 us", "max us", "first mean", "first max");
  for (const Case& c : kCases) {
    CRIA_ASSIGN_OR_RETURN(const auto schema, base::ParseJson(c.schema, c.name));
    std::vector<text::TokenId> ids;
    CRIA_RETURN_IF_ERROR(tokenizer->Encode(c.sentence, text::SpecialText::kPlain, &ids));
    const auto start = Clock::now();
    CRIA_ASSIGN_OR_RETURN(const auto grammar, text::GrammarFromJsonSchema(schema));
    const double build = Micros(Clock::now() - start).count();
    std::vector<double> first, micros;
    CRIA_RETURN_IF_ERROR(Pass(grammar, trie, ids, &first));
    for (int i = 0; i < repeat; ++i) CRIA_RETURN_IF_ERROR(Pass(grammar, trie, ids, &micros));
    std::printf("%-15s %7zu %9.0f %9.1f %9.1f %9.1f %9.1f %10.1f %9.1f\n", c.name, ids.size(),
                build, Quantile(micros, 0.5), Mean(micros), Quantile(micros, 0.99),
                Quantile(micros, 1), Mean(first), Quantile(first, 1));
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace cria

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "grammar_bench MODEL [REPEAT]\n");
    return 2;
  }
  const absl::Status status = cria::Run(argv[1], argc == 3 ? std::max(1, std::atoi(argv[2])) : 20);
  if (!status.ok()) std::fprintf(stderr, "grammar_bench: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
