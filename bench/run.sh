#!/usr/bin/env bash
# Every benchmark once, on the default model: what docs/benchmarks.md records.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/fetch_default_model.sh
cmake --preset bench >/dev/null
cmake --build build/bench -j "$(nproc)" --target llama benchmarks
model="$(echo "${LLAMA_HOME:-$HOME/.llama}"/checkpoints/smollm2-135m/*.gguf)"
echo "== Speed of SmolLM2-135M beside the limits of this machine"
build/bench/llama bench "$model" --prompt 128,512 --generate 64 --sessions 1,8 --at-context 0,4096 --repeat 5
echo
echo "== Matrix products beside the peak of one thread"
build/bench/kernels_bench --benchmark_min_time=0.2
echo
echo "== Many clients of one engine"
build/bench/serving_bench "$model"
echo
echo "== The server in front of a model that answers at once"
bench/server_load.py build/bench
echo
echo "== Tokenizers, beside Hugging Face tokenizers and tiktoken on one thread"
tools/fetch_test_data.sh
bench/tokenizer_speed.py
echo
echo "== What a JSON Schema costs a token"
vocabulary=build/test-data/llama3/tokenizer.model
[ -f "$vocabulary" ] || vocabulary="$model"
build/bench/grammar_bench "$vocabulary" 20
echo
echo "== Perplexity of SmolLM2-135M in every weight format"
build/bench/quantization_quality "$model" tests/data/smollm2/text.txt 2048
