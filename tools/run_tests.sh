#!/usr/bin/env bash
# Builds and runs every test; the last line is ctest's summary. What can't run here says SKIPPED and why.
set -euo pipefail
cd "$(dirname "$0")/.."
python3 tools/check_layers.py
tools/fetch_default_model.sh || echo "run_tests.sh: no default model; the tests that need it are skipped" >&2
tools/fetch_test_data.sh
cmake --preset release -DCRIA_TESTS=ON >/dev/null
cmake --build build/release -j "$(nproc)"
ctest --test-dir build/release --output-on-failure
