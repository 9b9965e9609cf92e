#!/usr/bin/env python3
"""What the server costs in front of a model: requests a second through it, and latencies, beside the same mock asked
directly and, where it is installed, beside Python's llama-stack on that mock.

  bench/server_load.py BUILD_DIR [--seconds 8] [--rounds 3] [--peer PYTHON]

PYTHON: the interpreter of an environment with llama-stack (pip install llama-stack==0.7.3 aiosqlite
'sqlalchemy[asyncio]'). Every completion is stored by both. Needs wrk (Debian). Rounds are interleaved; medians are
printed. All of it stays on 127.0.0.1 and ends by itself.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

BODY = json.dumps({"model": "mock/mock-model", "messages": [{"role": "user", "content": "Say hello to the mock."}]})

CONFIG = """version: 2
{name}: bench
apis: [inference]
providers:
  inference:
  - provider_id: mock
    provider_type: remote::openai
    config: {{base_url: "http://127.0.0.1:{mock}/v1", api_key: none}}
storage:
  backends:
    kv: {{type: kv_sqlite, db_path: {folder}/kv.db}}
    sql: {{type: sql_sqlite, db_path: {folder}/sql.db}}
  stores:
    metadata: {{namespace: registry, backend: kv}}
    inference: {{table_name: inference_store, backend: sql, max_write_queue_size: 10000, num_writers: 4}}
    conversations: {{table_name: openai_conversations, backend: sql}}
    prompts: {{namespace: prompts, backend: kv}}
registered_resources:
  models:
  - {{model_id: mock/mock-model, provider_id: mock, provider_model_id: mock-model}}
server: {{port: {port}, host: 127.0.0.1}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def resident_mb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


class Program:
    """A server that is up, how long that took, and what it holds before the first request."""

    def __init__(self, command, port, environment=None):
        self.port = port
        started = time.monotonic()
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, **(environment or {})}, start_new_session=True)
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=5).read()
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() - started > 120:
                    raise SystemExit(f"server_load.py: {command[0]} does not come up")
                time.sleep(0.002)
        self.start_s = time.monotonic() - started
        time.sleep(1)
        self.idle_mb = resident_mb(self.process.pid)

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def load(port, script, concurrency, seconds):
    """(requests a second, p50 ms, p99 ms) by wrk."""
    out = subprocess.run(["wrk", "-t1", f"-c{concurrency}", f"-d{seconds}s", "--latency", "-s", script,
                          f"http://127.0.0.1:{port}/v1/chat/completions"], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        raise SystemExit("server_load.py: errors under load:\n" + out)

    def milliseconds(percent):
        value, unit = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", out).groups()
        return float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]

    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), milliseconds(50), milliseconds(99)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("build")
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", help="the Python of an environment with llama-stack")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="cria-load-"))
    programs = {}
    try:
        mock_port = free_port()
        mock = Program([f"{options.build}/mock_openai", str(mock_port)], mock_port)
        programs["mock alone"] = mock

        def config(name, key):
            (folder / name).mkdir()
            port = free_port()
            path = folder / name / "run.yaml"
            path.write_text(CONFIG.format(name=key, mock=mock_port, folder=folder / name, port=port))
            return str(path), port

        path, port = config("cria", "distro_name")
        programs["cria"] = Program([f"{options.build}/llama", "stack", "run", path, "--quiet"], port,
                                   {"LLAMA_HOME": str(folder / "home")})
        if options.peer:
            path, port = config("peer", "image_name")
            programs["llama-stack"] = Program(
                [str(pathlib.Path(options.peer).parent / "llama"), "stack", "run", path], port, {"HOME": str(folder)})
        script = folder / "post.lua"
        script.write_text(f"wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nwrk.body = [==[{BODY}]==]\n")
        measured = {(name, c): [] for name in programs for c in (1, 64, 128)}
        for _ in range(options.rounds):
            for name, program in programs.items():
                for concurrency in (1, 64, 128):
                    measured[name, concurrency].append(load(program.port, script, concurrency, options.seconds))
        for name, program in programs.items():
            print(f"{name}: ready after {program.start_s * 1e3:.0f} ms, idle {program.idle_mb:.1f} MB")
            for concurrency in (1, 64, 128):
                rate, p50, p99 = (statistics.median(column) for column in zip(*measured[name, concurrency]))
                print(f"  {concurrency:3} at once: {rate:8.0f} requests/s, p50 {p50:7.2f} ms, p99 {p99:7.2f} ms")
        if options.peer:
            for concurrency in (1, 64, 128):
                ours, theirs = (statistics.median(r[0] for r in measured[name, concurrency])
                                for name in ("cria", "llama-stack"))
                print(f"cria / llama-stack, {concurrency} at once: {ours / theirs:.1f}x the requests per second")
    finally:
        for program in programs.values():
            program.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
