#!/usr/bin/env bash
# Format, include directions, and clang-tidy over the sources.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files 'src/*.cc' 'src/*.h' 'tests/*.cc' 'tests/*.h' 'bench/*.cc' 'bench/*.h' | xargs -r clang-format-16 --dry-run -Werror
python3 tools/check_layers.py
cmake --preset dev >/dev/null
# The NEON files are for another processor than the one that clang-tidy is told about, and some flags are for GCC.
git ls-files 'src/*.cc' ':!src/*_neon.cc' |
  xargs -r -P "$(nproc)" -n 4 clang-tidy-16 -p build/dev --quiet --extra-arg=-Wno-unknown-warning-option
