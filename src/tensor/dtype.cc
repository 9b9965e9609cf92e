#include "tensor/dtype.h"

#include <array>

#include "tensor/blocks.h"

namespace cria::tensor {
namespace {

template <typename Block>
constexpr DTypeInfo BlockInfo(std::string_view name) {
  return {name, Block::kElements, static_cast<int>(sizeof(Block))};
}

// In the order of DType.
constexpr std::array kInfos = {
    DTypeInfo{"F32", 1, 4},       DTypeInfo{"F16", 1, 2},       DTypeInfo{"BF16", 1, 2},
    DTypeInfo{"I8", 1, 1},        DTypeInfo{"U8", 1, 1},        DTypeInfo{"I16", 1, 2},
    DTypeInfo{"I32", 1, 4},       DTypeInfo{"I64", 1, 8},       DTypeInfo{"F64", 1, 8},
    DTypeInfo{"BOOL", 1, 1},      BlockInfo<BlockQ8_0>("Q8_0"), BlockInfo<BlockQ4_0>("Q4_0"),
    BlockInfo<BlockQ4_1>("Q4_1"), BlockInfo<BlockQ5_0>("Q5_0"), BlockInfo<BlockQ5_1>("Q5_1"),
    BlockInfo<BlockQ4K>("Q4_K"),  BlockInfo<BlockQ5K>("Q5_K"),  BlockInfo<BlockQ6K>("Q6_K"),
};
static_assert(kInfos.size() == static_cast<size_t>(DType::kQ6K) + 1);

}  // namespace

const DTypeInfo& Info(DType dtype) { return kInfos[static_cast<size_t>(dtype)]; }

std::optional<DType> DTypeFromName(std::string_view name) {
  for (size_t i = 0; i < kInfos.size(); ++i)
    if (kInfos[i].name == name) return static_cast<DType>(i);
  return std::nullopt;
}

}  // namespace cria::tensor
