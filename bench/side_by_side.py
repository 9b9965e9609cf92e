#!/usr/bin/env python3
"""Cria beside another engine on the same model, round by round.

    bench/side_by_side.py MODEL --peer 'COMMAND bench {model}' [--rounds 5] [--prompt 512] [--generate 32] [--sessions 1,8]
                          [--at-context 0] [--threads 2] [--llama build/bench/llama]

COMMAND is called with the flags of `llama bench` that are given here, and prints what `llama bench --json` prints:
{"rows": [{"kind": "prefill|decode", "prompt", "generate", "sessions", "context", "tokens_per_s"}]}. The engines take
turns. A row of the table is the median of each and the median of the rounds' ratios, with the lowest and the highest.
"""
import argparse
import json
import shlex
import statistics
import subprocess
import sys


def measure(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(command)}: exit code {done.returncode}: {done.stderr.strip()[-500:]}")
    rows = json.loads(done.stdout)["rows"]
    return {(row["kind"], row["prompt"] if row["kind"] == "prefill" else row["generate"], row["sessions"],
             row["context"]): row["tokens_per_s"] for row in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--peer", required=True)
    parser.add_argument("--llama", default="build/bench/llama")
    parser.add_argument("--rounds", type=int, default=5)
    for flag, default in (("prompt", "512"), ("generate", "32"), ("sessions", "1,8"), ("at-context", "0"),
                          ("threads", "2")):
        parser.add_argument("--" + flag, default=default)
    args = parser.parse_args()
    flags = [word for flag in ("prompt", "generate", "sessions", "at-context", "threads")
             for word in ("--" + flag, getattr(args, flag.replace("-", "_")))] + ["--repeat", "1"]
    commands = [[args.llama, "bench", args.model, "--json"] + flags,
                [word.replace("{model}", args.model) for word in shlex.split(args.peer)] + flags]
    rounds = []
    for number in range(args.rounds):
        rounds.append([measure(command) for command in commands])
        print(f"round {number + 1} of {args.rounds}", file=sys.stderr)
    print("| kind | tokens | sessions | context | Cria, tokens/s | peer, tokens/s | ratio (lowest to highest) |")
    print("|---|---|---|---|---|---|---|")
    for key in rounds[0][0]:
        if any(key not in peer for _, peer in rounds):
            continue
        ours, peers = ([pair[side][key] for pair in rounds] for side in (0, 1))
        ratios = [a / b for a, b in zip(ours, peers)]
        cells = list(map(str, key)) + [f"{statistics.median(ours):.1f}", f"{statistics.median(peers):.1f}",
                                       f"{statistics.median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f})"]
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
