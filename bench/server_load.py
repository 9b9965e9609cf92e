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
import tempfile
import time
import urllib.request

BODY = json.dumps({"model": "mock/mock-model", "messages": [{"role": "user", "content": "Say hello to the mock."}]})

CONCURRENCIES = (1, 64, 128)

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
    kv_default: {{type: kv_sqlite, db_path: {folder}/kv.db}}
    sql_default: {{type: sql_sqlite, db_path: {folder}/sql.db}}
  stores:
    metadata: {{namespace: registry, backend: kv_default}}
    inference: {{table_name: inference_store, backend: sql_default, max_write_queue_size: 10000, num_writers: 4}}
    conversations: {{table_name: openai_conversations, backend: sql_default}}
    prompts: {{namespace: prompts, backend: kv_default}}
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


def warm(port):
    """Python's llama-stack stalls for good where its first requests come in haste."""
    for _ in range(20):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/chat/completions", BODY.encode(),
                                         {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=60).read()


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
    mock_port = free_port()
    mock = Program([f"{options.build}/mock_openai", str(mock_port)], mock_port)
    script = folder / "post.lua"
    script.write_text(f"wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nwrk.body = [==[{BODY}]==]\n")

    def start(name, key, command, environment):
        """A program of its own, with a configuration and a home of its own."""
        home = pathlib.Path(tempfile.mkdtemp(prefix=name, dir=folder))
        port = free_port()
        config = home / "run.yaml"
        config.write_text(CONFIG.format(name=key, mock=mock_port, folder=home, port=port))
        return Program([*command, "stack", "run", str(config), "--port", str(port)], port, {environment: str(home)})

    kinds = {"cria": ("distro_name", [f"{options.build}/llama"], "LLAMA_HOME")}
    if options.peer:
        kinds["llama-stack"] = ("image_name", [str(pathlib.Path(options.peer).parent / "llama")], "HOME")
    loads = {(name, c): [] for name in ("mock alone", *kinds) for c in CONCURRENCIES}
    starts = {name: [] for name in kinds}
    try:
        for _ in range(options.rounds):
            for concurrency in CONCURRENCIES:
                loads["mock alone", concurrency].append(load(mock_port, script, concurrency, options.seconds))
            for name, kind in kinds.items():
                program = start(name, *kind)
                starts[name].append((program.start_s * 1e3, program.idle_mb))
                try:
                    warm(program.port)
                    for concurrency in CONCURRENCIES:
                        loads[name, concurrency].append(load(program.port, script, concurrency, options.seconds))
                finally:
                    program.stop()
    finally:
        mock.stop()
        shutil.rmtree(folder)
    report(starts, loads)


def report(starts, loads):
    median = {key: [statistics.median(column) for column in zip(*rows)] for key, rows in loads.items()}
    for name in dict.fromkeys(name for name, _ in loads):
        print(name)
        if name in starts:
            ready, idle = (statistics.median(column) for column in zip(*starts[name]))
            print(f"  ready after {ready:.0f} ms, idle {idle:.1f} MB")
        for concurrency in CONCURRENCIES:
            rate, p50, p99 = median[name, concurrency]
            print(f"  {concurrency:3} at once: {rate:8.0f} requests/s, p50 {p50:7.2f} ms, p99 {p99:7.2f} ms")
    if ("llama-stack", 1) in median:
        for concurrency in CONCURRENCIES:
            ratio = median["cria", concurrency][0] / median["llama-stack", concurrency][0]
            print(f"cria / llama-stack, {concurrency} at once: {ratio:.0f}x the requests per second")


if __name__ == "__main__":
    main()
