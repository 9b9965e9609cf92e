#include "kernels/registry.h"

#include <array>
#include <iterator>

#include "kernels/isa_tables.h"

namespace cria::kernels {
namespace {

struct Entry {
  const Kernels* kernels;
  bool (*runs)(const base::CpuFeatures& cpu);
};

// Best first.
constexpr Entry kEntries[] = {
#if defined(__x86_64__)
    {&avx512_bf16::kTable,
     [](const base::CpuFeatures& cpu) { return cpu.avx2 && cpu.avx512_vnni && cpu.avx512_bf16; }},
    {&avx512_vnni::kTable,
     [](const base::CpuFeatures& cpu) { return cpu.avx2 && cpu.avx512_vnni; }},
    {&avx2::kTable, [](const base::CpuFeatures& cpu) { return cpu.avx2; }},
#elif defined(__aarch64__)
    {&neon_dotprod::kTable, [](const base::CpuFeatures& cpu) { return cpu.neon && cpu.dotprod; }},
#endif
    {&reference::kTable, [](const base::CpuFeatures&) { return true; }},
};

constexpr size_t kCount = std::size(kEntries);

}  // namespace

std::span<const Kernels* const> AllKernels() {
  static const auto kTables = [] {
    std::array<const Kernels*, kCount> tables{};
    for (size_t i = 0; i < kCount; ++i) tables[i] = kEntries[i].kernels;
    return tables;
  }();
  return kTables;
}

bool Runs(const Kernels& kernels, const base::CpuFeatures& cpu) {
  for (const Entry& entry : kEntries)
    if (entry.kernels == &kernels) return entry.runs(cpu);
  return false;
}

const Kernels* FindKernels(std::string_view isa) {
  for (const Entry& entry : kEntries)
    if (entry.kernels->isa == isa) return entry.kernels;
  return nullptr;
}

const Kernels& BestKernels(const base::CpuFeatures& cpu) {
  for (const Entry& entry : kEntries)
    if (entry.runs(cpu)) return *entry.kernels;
  return reference::kTable;
}

}  // namespace cria::kernels
