#!/usr/bin/env bash
# Builds and runs the tests with sanitizers: address and undefined behaviour for all programs, threads for those that
# have threads. The first run builds everything twice.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset asan -DCRIA_TESTS=ON >/dev/null
cmake --build build/asan -j "$(nproc)"
# What needs other compilers or sanitizers of its own is left to `make test`.
ctest --test-dir build/asan --output-on-failure -E 'fuzz|kernels_neon|simde'
cmake --preset tsan -DCRIA_TESTS=ON >/dev/null
cmake --build build/tsan -j "$(nproc)" --target base_test model_test engine_test
ctest --test-dir build/tsan --output-on-failure -R '^(base|model|engine)_test$'
