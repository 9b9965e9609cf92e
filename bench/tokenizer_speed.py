#!/usr/bin/env python3
"""Encodes the same texts by Cria, Hugging Face tokenizers and tiktoken, each on one thread, and prints the ratios.

    cmake --preset bench && cmake --build build/bench --target tokenizer_bench
    bench/tokenizer_speed.py [--rounds N] [--bytes N] [--text FILE ...]

The rounds are interleaved, every side is warmed up first, and medians are compared: an absolute figure of a shared
machine proves nothing. The peers are installed into build/bench/venv. Vocabularies: tools/fetch_test_data.sh and
tools/fetch_default_model.sh bring them; what is absent is skipped.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV = ROOT / "build/bench/venv"
PEERS = ["tiktoken==0.14.0", "tokenizers==0.23.3", "gguf==0.19.0"]


def reenter_in_venv():
    """Starts this script again with the peers installed and held to one thread."""
    python = VENV / "bin/python"
    if os.environ.get("CRIA_BENCH_VENV") == str(VENV):
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS], check=True)
    one_thread = {"CRIA_BENCH_VENV": str(VENV), "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    os.execve(python, [str(python), *sys.argv], os.environ | one_thread)


class Cria:
    """A tokenizer_bench process that encodes once for each line that it is sent."""

    def __init__(self, program, model, texts_file):
        self.process = subprocess.Popen([program, model, texts_file], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def __call__(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        seconds, ids = self.process.stdout.readline().split()
        return float(seconds), int(ids)


def timed(encode, texts):
    def once():
        start = time.perf_counter()
        ids = sum(encode(texts))
        return time.perf_counter() - start, ids
    return once


def compare(title, texts, rounds, sides):
    size = sum(len(text.encode()) for text in texts) / 1e6
    taken = {name: [] for name in sides}
    for round_number in range(rounds + 1):
        counts = set()
        for name, side in sides.items():
            seconds, ids = side()
            counts.add(ids)
            if round_number > 0:  # the first warms up
                taken[name].append(seconds)
        assert len(counts) == 1, f"{title}: the sides disagree: {counts} ids"
    medians = {name: statistics.median(seconds) for name, seconds in taken.items()}
    print(f"{title}: {len(texts)} texts, {size:.2f} MB, median of {rounds} interleaved rounds")
    for name, median in medians.items():
        spread = (max(taken[name]) - min(taken[name])) / median
        print(f"  {name:24} {size / median:8.2f} MB/s   cria is {median / medians['cria']:5.2f}x   "
              f"(spread {spread:.0%})")


def batches(tokenizer):
    return lambda texts: (len(e.ids) for e in tokenizer.encode_batch_fast(texts, add_special_tokens=False))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "build/bench/tokenizer_bench"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bytes", type=int, default=1_000_000, help="of generated text")
    parser.add_argument("--text", nargs="*", default=[], help="more sets of texts: the lines of each file")
    args = parser.parse_args()
    if not pathlib.Path(args.program).exists():
        sys.exit(f"{args.program} is not there: cmake --preset bench && "
                 "cmake --build build/bench --target tokenizer_bench")
    sys.path.insert(0, str(ROOT / "tools"))
    import compare_tokenizers as peers

    sets = {"many languages, code, white space": [text for text in peers.corpus(args.bytes, []) if text]}
    for path in args.text:
        sets[path] = [line for line in pathlib.Path(path).read_text(encoding="utf-8").split("\n") if line]
        # Below 400,000 characters, where Meta's tokenizer cuts and the peers don't.
        sets[f"{path}, its start as one text"] = ["\n".join(sets[path])[:300_000]]
    llama3 = next((path for path in (ROOT / "../shared/data/llama3/tokenizer.model",
                                     ROOT / "build/test-data/llama3/tokenizer.model") if path.exists()), None)
    store = pathlib.Path(os.environ.get("LLAMA_HOME") or pathlib.Path.home() / ".llama")
    smollm2 = next(iter((store / "checkpoints/smollm2-135m").glob("*.gguf")), None)
    for number, (title, texts) in enumerate(sets.items()):
        file = ROOT / f"build/bench/tokenizer_texts_{number}.jsonl"
        file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        if llama3:
            ranks = peers.read_ranks(llama3)
            tiktoken = peers.llama3_by_tiktoken(ranks)
            compare(f"Llama 3, {title}", texts, args.rounds, {
                "cria": Cria(args.program, str(llama3), str(file)),
                "tokenizers 0.23.3": timed(batches(peers.llama3_by_tokenizers(ranks)), texts),
                "tiktoken 0.14.0": timed(lambda texts: (len(tiktoken.encode_ordinary(t)) for t in texts), texts)})
        if smollm2:
            compare(f"SmolLM2, {title}", texts, args.rounds, {
                "cria": Cria(args.program, str(smollm2), str(file)),
                "tokenizers 0.23.3": timed(batches(peers.smollm2_by_tokenizers(str(smollm2))), texts)})
    if not (llama3 or smollm2):
        print("SKIPPED: no vocabulary here: tools/fetch_test_data.sh and tools/fetch_default_model.sh bring them")


if __name__ == "__main__":
    reenter_in_venv()
    main()
