#!/usr/bin/env bash
# Builds and runs every test; the last line is ctest's summary. What can't run here says SKIPPED and why.
set -euo pipefail
cd "$(dirname "$0")/.."
python3 tools/check_layers.py
tools/fetch_default_model.sh || echo "run_tests.sh: no default model; the tests that need it are skipped" >&2
tools/fetch_test_data.sh
cmake --preset release -DCRIA_TESTS=ON >/dev/null
cmake --build build/release -j "$(nproc)"
status=0
ctest --test-dir build/release --output-on-failure | tee build/release/ctest.log || status=$?
skipped="$(grep -ho 'SKIPPED: .*' build/release/Testing/Temporary/LastTest.log | sort | uniq -c || true)"
if [ -n "$skipped" ]; then
  echo "What was not tested here, and why:"
  echo "$skipped"
fi
grep 'tests failed out of' build/release/ctest.log
exit $status
