#!/bin/sh
# Cross-compiles the kernels for AArch64 and runs their tests under qemu.
#   run_neon.sh BUILD_FOLDER
# Exits with 77 where that needs a package that is not installed.
set -eu
skip() { echo "SKIPPED: NEON kernels under qemu: $1 is not installed"; exit 77; }
command -v aarch64-linux-gnu-g++ >/dev/null || skip g++-aarch64-linux-gnu
command -v qemu-aarch64 >/dev/null || skip qemu-user
[ -f /usr/src/googletest/CMakeLists.txt ] || skip googletest
mkdir -p "$1"
log="$1/build.log"
{ cmake -S "$(dirname "$0")/aarch64" -B "$1" -G Ninja -DCMAKE_BUILD_TYPE=Release &&
  cmake --build "$1" --target kernels_test; } >"$log" 2>&1 || { cat "$log"; exit 1; }
exec qemu-aarch64 -cpu max "$1/kernels/kernels_test" --gtest_brief=1
