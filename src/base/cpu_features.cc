#include "base/cpu_features.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <thread>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace cria::base {
namespace {

std::string ModelName() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

// The quota of the control group in whole cores, or a large number when there is none.
int CgroupCores() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 1 << 20;
  char* end = nullptr;
  const double microseconds = std::strtod(quota.c_str(), &end);
  return end == quota.c_str() ? 1 << 20
                              : std::max(1, static_cast<int>(std::lround(microseconds / period)));
}

#if defined(__x86_64__)
uint64_t ReadXcr0() {
  uint32_t low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

// Bit numbers: Intel SDM volume 2A, CPUID leaves 1, 7.0 and 7.1.
void DetectX86(CpuFeatures* cpu) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  const auto bit = [](unsigned word, int index) { return ((word >> index) & 1u) != 0; };
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return;
  const bool osxsave = bit(c, 27), fma = bit(c, 12), f16c = bit(c, 29), avx = bit(c, 28);
  if (!osxsave || !avx || (ReadXcr0() & 0x6) != 0x6) return;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return;
  const unsigned leaf7_b = b, leaf7_c = c;
  cpu->avx2 = bit(leaf7_b, 5) && fma && f16c;
  const bool zmm_saved = (ReadXcr0() & 0xe6) == 0xe6;
  cpu->avx512 =
      zmm_saved && bit(leaf7_b, 16) && bit(leaf7_b, 17) && bit(leaf7_b, 30) && bit(leaf7_b, 31);
  cpu->avx512_vnni = cpu->avx512 && bit(leaf7_c, 11);
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) == 0) return;
  cpu->avx_vnni = cpu->avx2 && bit(a, 4);
  cpu->avx512_bf16 = cpu->avx512 && bit(a, 5);
}
#endif

}  // namespace

std::vector<std::string> CpuFeatures::Names() const {
  std::vector<std::string> names;
  const auto add = [&names](bool has, const char* name) {
    if (has) names.emplace_back(name);
  };
  add(avx2, "avx2");
  add(avx_vnni, "avx_vnni");
  add(avx512, "avx512");
  add(avx512_vnni, "avx512_vnni");
  add(avx512_bf16, "avx512_bf16");
  add(neon, "neon");
  add(dotprod, "dotprod");
  add(i8mm, "i8mm");
  add(arm_bf16, "bf16");
  return names;
}

CpuFeatures DetectCpu() {
  CpuFeatures cpu;
  cpu.model = ModelName();
#if defined(__x86_64__)
  DetectX86(&cpu);
#elif defined(__aarch64__)
  const unsigned long hwcap = getauxval(AT_HWCAP), hwcap2 = getauxval(AT_HWCAP2);
  cpu.neon = (hwcap & HWCAP_ASIMD) != 0;
  cpu.dotprod = (hwcap & HWCAP_ASIMDDP) != 0;
  cpu.i8mm = (hwcap2 & HWCAP2_I8MM) != 0;
  cpu.arm_bf16 = (hwcap2 & HWCAP2_BF16) != 0;
#endif
  return cpu;
}

int UsableCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int cores = static_cast<int>(std::thread::hardware_concurrency());
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
  return std::max(1, std::min(cores, CgroupCores()));
}

}  // namespace cria::base
