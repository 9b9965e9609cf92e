#!/bin/bash
# Runs each libFuzzer target on its corpus: tests/fuzz/run.sh [SECONDS a target, default 10] [target ...]
# As many at a time as there are processors; one line a target. Fails if one crashes, hangs or takes more than 2 GiB, and
# says where the input lies that did it. New inputs are kept in build/fuzz/corpus/; what crashed once belongs into
# tests/fuzz/corpus/.
set -u
cd "$(dirname "$0")/../.."
seconds=${1:-10}
[ $# -gt 0 ] && shift
if ! command -v clang++-16 >/dev/null; then
  echo "SKIPPED: clang++-16 is absent, so there are no fuzz targets"
  exit 77
fi

log=build/fuzz/build.log
mkdir -p build/fuzz
if ! { cmake --preset fuzz && cmake --build build/fuzz --target fuzzers -j "$(nproc)"; } >"$log" 2>&1; then
  tail -n 30 "$log"
  echo "FAILED: the fuzz targets don't build; the whole log is in $log"
  exit 1
fi

# run_target NAME: fuzzes for $seconds.
run_target() {
  local name=$1 program=build/fuzz/tests/fuzz/${1}_fuzz
  local found=build/fuzz/corpus/$name seeds=tests/fuzz/corpus/$name artifacts=build/fuzz/artifacts/$name
  mkdir -p "$found" "$artifacts"
  [ -d "$seeds" ] || seeds=
  if "$program" -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
      -artifact_prefix="$artifacts/" "$found" $seeds >"build/fuzz/$name.log" 2>&1; then
    local runs
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name.log")
    echo "ok $name: $runs runs in $seconds s"
  else
    local reproducer reason
    reproducer=$(sed -n 's/.*Test unit written to //p' "build/fuzz/$name.log" | head -n 1)
    reason=$(grep -m 1 -E 'ERROR: |runtime error: ' "build/fuzz/$name.log")
    echo "FAILED $name: ${reason:-see build/fuzz/$name.log}; repeat with: $program ${reproducer:-}"
    return 1
  fi
}
export -f run_target
export seconds

names=()
for source in tests/fuzz/*_fuzz.cc; do
  name=$(basename "$source" _fuzz.cc)
  [ $# -gt 0 ] && [[ " $* " != *" $name "* ]] && continue
  names+=("$name")
done
[ ${#names[@]} -eq 0 ] && { echo "FAILED: no such target: $*"; exit 1; }
printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -I{} bash -c 'run_target {}' || exit 1
