// How long one thread takes to encode a set of texts:
//   tokenizer_bench MODEL TEXTS.jsonl
// MODEL is a tokenizer.model, a tokenizer.json, or whatever else `llama run` takes. For each line
// on standard input the texts (the "text" fields) are encoded once, and "SECONDS IDS" is written.
// bench/tokenizer_speed.py runs it side by side with its peers.
#include <chrono>
#include <cstdio>
#include <iostream>

#include "base/file.h"
#include "base/json.h"
#include "open_tokenizer.h"

namespace cria {
namespace {

constexpr uint64_t kMaxBytes = uint64_t{256} << 20;

absl::StatusOr<std::vector<std::string>> ReadTexts(const std::string& path) {
  CRIA_ASSIGN_OR_RETURN(const std::string file, base::ReadFile(path, kMaxBytes));
  std::vector<std::string> texts;
  for (std::string_view rest = file; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    CRIA_ASSIGN_OR_RETURN(const base::json::value line, base::ParseJson(rest.substr(0, end), path));
    texts.emplace_back(line.at("text").as_string());
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return texts;
}

absl::Status Run(const std::string& model, const std::string& path) {
  CRIA_ASSIGN_OR_RETURN(const auto tokenizer, bench::OpenTokenizer(model));
  CRIA_ASSIGN_OR_RETURN(const std::vector<std::string> texts, ReadTexts(path));
  for (std::string line; std::getline(std::cin, line);) {
    const auto start = std::chrono::steady_clock::now();
    size_t count = 0;
    for (const std::string& one : texts) {
      std::vector<text::TokenId> ids;
      CRIA_RETURN_IF_ERROR(tokenizer->Encode(one, text::SpecialText::kPlain, &ids));
      count += ids.size();
    }
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    std::printf("%.6f %zu\n", taken.count(), count);
    std::fflush(stdout);
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace cria

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "tokenizer_bench MODEL TEXTS.jsonl\n");
    return 2;
  }
  const absl::Status status = cria::Run(argv[1], argv[2]);
  if (!status.ok()) std::fprintf(stderr, "tokenizer_bench: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
