#!/usr/bin/env bash
# Judges a server by the official clients, unchanged: tests/clients/run.sh [URL]
# Without a URL it starts build/release/llama on the default model, on a free port and with a home of its own.
# Clients are installed into build/clients, pinned by npm/package-lock.json, pypi/requirements.txt and the lists below.
# One line a method on stdout; the results of all in build/clients/summary.json, of which docs/clients.md is written with
# UPDATE_DOCS=1. Fails if a method failed. ONLY="openai 0.7.5" runs the judges whose names contain one of these words.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
cd "$root"
clients="$root/build/clients"
npm_versions="0.0.35 0.1.9 0.2.23 0.3.0 0.7.3"
pypi_versions="0.2.23 0.7.5"

tools/install_deps.sh clients
mkdir -p "$clients/npm" "$clients/results"
rm -f "$clients"/results/*.json

# npm's own check of the engine is of the Node that installs; the judges run on the Node that is among the packages.
stamp="$(cat "$here/npm/package-lock.json" "$here/pypi/requirements.txt" - <<<"$pypi_versions" | sha256sum)"
if [ "$(cat "$clients/stamp" 2>/dev/null)" != "$stamp" ]; then
  rm -rf "$clients/npm" "$clients"/pypi*
  mkdir -p "$clients/npm"
  cp "$here/npm/package.json" "$here/npm/package-lock.json" "$clients/npm/"
  (cd "$clients/npm" && npm ci --ignore-scripts --no-audit --no-fund --loglevel error >&2)
  python3 -m venv "$clients/pypi"
  "$clients/pypi/bin/pip" install --quiet --disable-pip-version-check -r "$here/pypi/requirements.txt"
  for version in $pypi_versions; do  # these ask for Python 3.12 and work on Debian's 3.11 all the same
    "$clients/pypi/bin/pip" install --quiet --disable-pip-version-check --no-deps --ignore-requires-python \
      --target "$clients/pypi-$version" "llama-stack-client==$version"
  done
  echo "$stamp" > "$clients/stamp"
fi
node="$(ls "$clients"/npm/node_modules/node-linux-*/bin/node)"

server_home="" server_pid=""
stop() {
  if [ -n "$server_pid" ]; then kill "$server_pid" 2>/dev/null && wait "$server_pid" 2>/dev/null || true; fi
  if [ -n "$server_home" ]; then rm -rf "$server_home"; fi
}
trap stop EXIT

# Prints the address of a new server.
start_server() {
  tools/fetch_default_model.sh
  server_home="$(mktemp -d)"
  mkdir -p "$server_home/checkpoints"
  ln -s "${LLAMA_HOME:-$HOME/.llama}/checkpoints/smollm2-135m" "$server_home/checkpoints/"
  LLAMA_HOME="$server_home" build/release/llama stack run --port 0 >"$clients/server.log" 2>&1 &
  server_pid=$!
  for _ in $(seq 300); do
    url="$(grep -oE 'http://[^ ]+:[0-9]+' "$clients/server.log" | head -1 | sed -E 's#//(0\.0\.0\.0|\[::\])#//127.0.0.1#' || true)"
    if [ -n "$url" ] && curl -sf "$url/v1/health" >/dev/null; then return; fi
    kill -0 "$server_pid" 2>/dev/null || break
    sleep 0.2
  done
  echo "run.sh: the server didn't start; its log:" >&2
  cat "$clients/server.log" >&2
  exit 1
}

url="${1:-}"
[ -n "$url" ] || start_server
url="${url%/}"
curl -sf "$url/v1/health" >/dev/null || { echo "run.sh: no server answers GET $url/v1/health" >&2; exit 1; }

# The first model of a type in the server's list; of no such model, the first.
model_of_type() {
  curl -sf "$url/v1/models" | python3 -c '
import json, sys
models = json.load(sys.stdin)["data"]
fit = [m for m in models if m.get("model_type", m.get("custom_metadata", {}).get("model_type")) == sys.argv[1]]
print((fit or models)[0]["id"])' "$1"
}
export CRIA_URL="$url" CRIA_CLIENTS="$clients"
CRIA_MODEL="$(model_of_type llm)"
CRIA_EMBEDDING_MODEL="$(model_of_type embedding)"
export CRIA_MODEL CRIA_EMBEDDING_MODEL

wanted() {
  [ -z "${ONLY:-}" ] && return 0
  for word in $ONLY; do [[ "$1" == *"$word"* ]] && return 0; done
  return 1
}
# judge NAME COMMAND...: its results in results/NAME.json
judge() {
  local name="$1"
  shift
  wanted "$name" || return 0
  CRIA_RESULTS="$clients/results/$name.json" "$@" || true  # what failed is in the results
  [ -s "$clients/results/$name.json" ] || printf '[{"client":"%s","version":"-","method":"(the judge)","kind":"served","pass":false,"reason":"ended early"}]' "$name" > "$clients/results/$name.json"
}
for version in $npm_versions; do
  judge "npm-llama-stack-client-$version" "$node" "$here/npm/llama_stack_client.mjs" "$version"
done
judge npm-openai "$node" "$here/npm/openai.mjs"
judge npm-anthropic "$node" "$here/npm/anthropic.mjs"
for version in $pypi_versions; do
  judge "pypi-llama-stack-client-$version" env PYTHONPATH="$clients/pypi-$version" \
    "$clients/pypi/bin/python" -W ignore::DeprecationWarning "$here/pypi/llama_stack_client_judge.py"
done
judge pypi-openai "$clients/pypi/bin/python" -W ignore::DeprecationWarning "$here/pypi/openai_judge.py"

python3 "$here/summarize.py" "$clients/results" "$clients/summary.json" ${UPDATE_DOCS:+"$root/docs/clients.md"}
