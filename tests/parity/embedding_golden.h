// What tools/goldens/embedding.py wrote: texts, their ids and their vectors by Hugging Face
// (transformers, pooled as sentence-transformers does). And running an embedder of ours on them.
#ifndef CRIA_TESTS_PARITY_EMBEDDING_GOLDEN_H_
#define CRIA_TESTS_PARITY_EMBEDDING_GOLDEN_H_

#include <memory>
#include <string>
#include <vector>

#include "engine/embedding.h"
#include "golden.h"

namespace cria::parity {

inline constexpr char kEmbeddingFolder[] = "tests/data/embedding";

struct EmbeddingGolden {
  std::string text;
  std::vector<text::TokenId> ids;  // empty where the file has none
  std::vector<double> vector;      // the same
};

// One of the committed models.
struct TinyEncoder {
  std::string path;
  int64_t dimension = 0, max_tokens = 0;
  std::vector<EmbeddingGolden> texts;
};

std::vector<TinyEncoder> LoadTinyEncoders();

// A file of one golden a line.
std::vector<EmbeddingGolden> LoadEmbeddingLines(const std::string& name);

// nullptr, and a failure of the test, if it can't be opened.
std::shared_ptr<const engine::TextEmbedder> OpenEmbedder(const std::string& path,
                                                         base::ThreadPool& pool,
                                                         const kernels::Kernels* kernels = nullptr);

// Ids and vectors are the goldens', all texts in one batch.
void ExpectVectors(const engine::TextEmbedder& embedder,
                   const std::vector<EmbeddingGolden>& goldens, base::ThreadPool& pool);

}  // namespace cria::parity

#endif  // CRIA_TESTS_PARITY_EMBEDDING_GOLDEN_H_
