"""`llama stack run` over HTTP: every generation's inference routes, streams, errors, what is kept, and what a kill loses.

  python3 tests/e2e/server_test.py build/release/llama [unittest arguments]

Runs on the default model where it has been fetched.
"""

import base64
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

LLAMA = "build/release/llama"
HOME = pathlib.Path(os.environ.get("LLAMA_HOME") or pathlib.Path.home() / ".llama")
CHAT_MODEL = HOME / "checkpoints" / "smollm2-135m"
EMBEDDING_MODEL = next((place for place in (HOME / "checkpoints/all-minilm-l6-v2",
                                            pathlib.Path("build/test-data/all-minilm-l6-v2").absolute())
                        if place.exists()), pathlib.Path("all-minilm-l6-v2"))
MODEL = "smollm2:135m"
SKY = [{"role": "user", "content": "Why is the sky blue?"}]


class Server:
    """A server of its own: its home has the fetched models, and nothing else."""

    def __init__(self, home, *arguments):
        self.process = subprocess.Popen(
            [LLAMA, "stack", "run", "--port", "0", "--quiet", *arguments], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "LLAMA_HOME": str(home)})
        self.line = self.process.stdout.readline()
        found = re.fullmatch(r"Serving http://127\.0\.0\.1:(\d+) \(ready in \d+ ms\)\n", self.line)
        assert found, f"the first line is {self.line!r}"
        self.port = int(found[1])

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer, content

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.stdout.close()
        return self.process.wait(timeout=60)


def frames(content):
    """The data of each event of a stream; event names must go before where there are any."""
    return [line[len("data: "):] for line in content.decode().split("\n") if line.startswith("data: ")]


class ServerCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = pathlib.Path(tempfile.mkdtemp(prefix="cria-server-"))
        cls.addClassCleanup(shutil.rmtree, cls.home)
        (cls.home / "checkpoints").mkdir()
        for model in (CHAT_MODEL, EMBEDDING_MODEL):
            if model.exists():
                (cls.home / "checkpoints" / model.name).symlink_to(model)
        cls.server = Server(cls.home)
        cls.addClassCleanup(cls.server.stop)

    def ask(self, method, path, body=None, status=200, headers=None):
        answer, content = self.server.ask(method, path, body, headers)
        self.assertEqual(answer.status, status, content)
        return json.loads(content) if content else None

    def post(self, path, status=200, headers=None, **body):
        return self.ask("POST", path, body, status, headers)

    def stream(self, path, headers=None, **body):
        answer, content = self.server.ask("POST", path, {**body, "stream": True}, headers)
        self.assertEqual(answer.status, 200, content)
        self.assertEqual(answer.headers["Content-Type"], "text/event-stream")
        return frames(content)

    def chat(self, **more):
        return {"model": MODEL, "messages": SKY, "max_tokens": 12, "temperature": 0, **more}


class ChatCompletions(ServerCase):
    def test_the_pieces_of_a_stream_join_to_the_whole_answer(self):
        whole = self.post("/v1/chat/completions", **self.chat())
        choice = whole["choices"][0]
        self.assertEqual(choice["finish_reason"], "length")
        self.assertEqual(whole["usage"]["completion_tokens"], 12)
        data = self.stream("/v1/chat/completions", **self.chat(stream_options={"include_usage": True}))
        self.assertEqual(data[-1], "[DONE]")
        chunks = [json.loads(line) for line in data[:-1]]
        self.assertEqual(len({chunk["id"] for chunk in chunks}), 1)
        self.assertEqual(chunks[0]["choices"][0]["delta"], {"role": "assistant", "content": ""})
        text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks if chunk["choices"])
        self.assertEqual(text, choice["message"]["content"])
        self.assertEqual(chunks[-1]["choices"], [])
        self.assertEqual(chunks[-1]["usage"]["total_tokens"], whole["usage"]["total_tokens"])
        self.assertEqual(chunks[-2]["choices"][0]["finish_reason"], "length")

    def test_llama_stacks_own_clients_get_no_done(self):
        agent = {"User-Agent": "LlamaStackClient/Python 0.2.23"}
        data = self.stream("/v1/chat/completions", headers=agent, **self.chat())
        self.assertEqual(json.loads(data[-1])["choices"][0]["finish_reason"], "length")

    def test_several_choices_differ_and_a_seed_makes_them_again(self):
        request = self.chat(n=3, temperature=1.5, seed=5)
        first = [c["message"]["content"] for c in self.post("/v1/chat/completions", **request)["choices"]]
        again = [c["message"]["content"] for c in self.post("/v1/chat/completions", **request)["choices"]]
        self.assertEqual(first, again)
        self.assertEqual(len(set(first)), 3)

    def test_logprobs_spell_the_answer(self):
        choice = self.post("/v1/chat/completions", **self.chat(logprobs=True, top_logprobs=2))["choices"][0]
        content = choice["logprobs"]["content"]
        self.assertEqual(len(content), 12)
        self.assertEqual(bytes(sum((token["bytes"] for token in content), [])).decode(), choice["message"]["content"])
        self.assertEqual([len(token["top_logprobs"]) for token in content], [2] * 12)

    def test_a_schema_shapes_the_answer(self):
        schema = {"type": "object", "properties": {"colour": {"enum": ["blue", "red"]}}, "required": ["colour"],
                  "additionalProperties": False}
        answer = self.post("/v1/chat/completions", **self.chat(
            max_tokens=60, response_format={"type": "json_schema", "json_schema": {"name": "c", "schema": schema}}))
        self.assertIn(json.loads(answer["choices"][0]["message"]["content"])["colour"], ("blue", "red"))

    def test_a_tool_that_is_required_is_called_whole_and_in_pieces(self):
        tool = {"type": "function", "function": {"name": "weather", "parameters": {
            "type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}}, "required": ["city"]}}}
        request = self.chat(tools=[tool], tool_choice="required", max_tokens=80)
        choice = self.post("/v1/chat/completions", **request)["choices"][0]
        self.assertEqual(choice["finish_reason"], "tool_calls")
        call = choice["message"]["tool_calls"][0]
        self.assertEqual(call["function"]["name"], "weather")
        self.assertIn(json.loads(call["function"]["arguments"])["city"], ("Paris", "Rome"))
        self.assertIsNone(choice["message"]["content"])
        chunks = [json.loads(line) for line in self.stream("/v1/chat/completions", **request)[:-1]]
        deltas = [c["choices"][0]["delta"]["tool_calls"][0] for c in chunks if "tool_calls" in c["choices"][0]["delta"]]
        self.assertEqual(deltas[0]["function"]["name"], "weather")
        arguments = "".join(delta["function"].get("arguments", "") for delta in deltas)
        self.assertIn(json.loads(arguments)["city"], ("Paris", "Rome"))
        self.assertEqual(chunks[-1]["choices"][0]["finish_reason"], "tool_calls")

    def test_answers_are_kept_with_their_messages_unless_the_client_says_no(self):
        kept = self.post("/v1/chat/completions", **self.chat())
        shown = self.ask("GET", f"/v1/chat/completions/{kept['id']}")
        self.assertEqual(shown["input_messages"], SKY)
        self.assertEqual(shown["choices"], kept["choices"])
        self.assertEqual(self.ask("GET", "/v1/openai/v1/chat/completions?limit=1")["data"][0]["id"], kept["id"])
        messages = self.ask("GET", f"/v1/chat/completions/{kept['id']}/messages")["data"]
        self.assertEqual(messages[0]["content"], SKY[0]["content"])
        secret = self.post("/v1/chat/completions", **self.chat(store=False))
        self.ask("GET", f"/v1/chat/completions/{secret['id']}", status=404)

    def test_a_client_that_goes_away_frees_its_slot(self):
        body = json.dumps(self.chat(stream=True, max_tokens=8000, messages=[
            {"role": "user", "content": "Count from one to ten thousand."}], logit_bias={"2": -100, "0": -100}))
        gone = socket.create_connection(("127.0.0.1", self.server.port))
        gone.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        self.assertIn(b"200", gone.recv(200))
        gone.close()
        for _ in range(1000):  # until no answer runs any more
            found = re.search(r"^cria_engine_running (\d+)", self.server.ask("GET", "/metrics")[1].decode(), re.M)
            if found and found[1] == "0":
                return
        self.fail("the answer goes on")


class Errors(ServerCase):
    def test_each_names_the_place_and_pleases_both_kinds_of_client(self):
        wrong = {
            "messages": (self.chat(messages="hi"), "messages"),
            "role": (self.chat(messages=[{"role": "usr", "content": "x"}]), "messages.0.role"),
            "temperature": (self.chat(temperature=3), "temperature"),
            "n": (self.chat(n=0), "n"),
        }
        for what, (body, place) in wrong.items():
            with self.subTest(what):
                error = self.ask("POST", "/v1/chat/completions", body, 400)["error"]
                self.assertIn(place, error["message"])
                self.assertEqual(error["type"], "invalid_request_error")
                self.assertEqual(".".join(map(str, error["detail"]["errors"][0]["loc"])), f"body.{place}")

    def test_what_is_no_json(self):
        error = self.ask("POST", "/v1/chat/completions", "{\"model\"", 400)["error"]
        self.assertIn("JSON", error["message"])

    def test_unknown_models_paths_and_methods(self):
        self.assertIn(MODEL, self.post("/v1/chat/completions", 404, **self.chat(model="nobody"))["error"]["message"])
        self.ask("GET", "/v1/nothing", status=404)
        answer, _ = self.server.ask("DELETE", "/v1/chat/completions")
        self.assertEqual(answer.status, 405)
        self.assertIn("POST", answer.headers["Allow"])

    def test_routes_that_are_not_built_say_so(self):
        for method, path in (("POST", "/v1/responses"), ("GET", "/shields/list"), ("POST", "/alpha/agents/create"),
                             ("GET", "/v1/vector_stores/x/files/y/content")):
            with self.subTest(path):
                error = self.ask(method, path, {} if method == "POST" else None, 501)["error"]
                self.assertIn("not served", error["message"])

    def test_a_prompt_beyond_the_context(self):
        error = self.post("/v1/chat/completions", 400, **self.chat(
            messages=[{"role": "user", "content": "word " * 20000}]))["error"]
        self.assertIn("8192", error["message"])


class NativeInference(ServerCase):
    def test_the_launch_release(self):
        body = {"model": MODEL, "messages": SKY, "sampling_params": {"strategy": "greedy", "max_tokens": 6}}
        whole = self.post("/inference/chat_completion", **body, stream=False)["completion_message"]
        self.assertEqual((whole["role"], whole["stop_reason"]), ("assistant", "out_of_tokens"))
        events = [json.loads(line)["event"] for line in self.stream("/inference/chat_completion", **body)]
        self.assertEqual([events[0]["event_type"], events[-1]["event_type"]], ["start", "complete"])
        self.assertEqual("".join(event["delta"] for event in events), whole["content"])
        self.assertEqual(events[-1]["stop_reason"], "out_of_tokens")

    def test_the_v1_release(self):
        body = {"model_id": MODEL, "messages": SKY,
                "sampling_params": {"strategy": {"type": "greedy"}, "max_tokens": 6}}
        whole = self.post("/v1/inference/chat-completion", **body)["completion_message"]
        events = [json.loads(line)["event"] for line in self.stream("/v1/inference/chat-completion", **body)]
        self.assertEqual({event["delta"]["type"] for event in events}, {"text"})
        self.assertEqual("".join(event["delta"]["text"] for event in events), whole["content"])

    def test_completion_and_batches(self):
        params = {"strategy": {"type": "greedy"}, "max_tokens": 4}
        one = self.post("/v1/inference/completion", model_id=MODEL, content="1 2 3", sampling_params=params)
        batch = self.post("/v1/inference/batch-completion", model_id=MODEL, content_batch=["1 2 3", "a b c"],
                          sampling_params=params)["batch"]
        self.assertEqual(batch[0]["content"], one["content"])
        self.assertEqual(len(batch), 2)
        chunks = [json.loads(line) for line in self.stream("/alpha/inference/completion", model_id=MODEL,
                                                           content="1 2 3", sampling_params=params)]
        self.assertEqual("".join(chunk["delta"] for chunk in chunks), one["content"])
        self.assertEqual(chunks[-1]["stop_reason"], "out_of_tokens")


class OtherRoutes(ServerCase):
    def test_models_please_clients_of_both_shapes(self):
        model = next(m for m in self.ask("GET", "/v1/models")["data"] if m["id"] == MODEL)
        self.assertEqual((model["identifier"], model["object"], model["model_type"]), (MODEL, "model", "llm"))
        named = self.post("/v1/models", model_id="mine/small", provider_id="cria", provider_model_id=MODEL)
        self.assertEqual(named["provider_resource_id"], MODEL)
        self.assertEqual(self.ask("GET", "/v1/models/mine/small")["id"], "mine/small")
        answer = self.post("/v1/chat/completions", **self.chat(model="mine/small"))
        self.assertEqual(answer["model"], "mine/small")
        self.ask("DELETE", "/v1/models/mine/small")
        self.ask("GET", "/v1/models/mine/small", status=404)

    def test_embeddings(self):
        if not EMBEDDING_MODEL.exists():
            self.skipTest("SKIPPED: all-MiniLM-L6-v2 is not there: tools/fetch_test_data.sh fetches it")
        body = {"model": "all-minilm:l6-v2", "input": ["a llama", "an alpaca", "a tax form"]}
        vectors = [item["embedding"] for item in self.post("/v1/embeddings", **body)["data"]]
        self.assertEqual([len(vector) for vector in vectors], [384] * 3)
        dot = lambda a, b: sum(x * y for x, y in zip(a, b))
        self.assertAlmostEqual(dot(vectors[0], vectors[0]), 1, places=5)
        self.assertGreater(dot(vectors[0], vectors[1]), dot(vectors[0], vectors[2]))
        packed = self.post("/v1/embeddings", **body, encoding_format="base64")["data"][0]["embedding"]
        self.assertEqual([x for x in struct.unpack("<384f", base64.b64decode(packed))][:3],
                         [struct.unpack("<f", struct.pack("<f", x))[0] for x in vectors[0][:3]])
        native = self.post("/v1/inference/embeddings", model_id="all-minilm:l6-v2", contents=["a llama"])
        self.assertEqual(native["embeddings"][0], vectors[0])

    def test_the_document_of_the_api_refers_to_nothing_that_is_not_there(self):
        document = self.ask("GET", "/openapi.json")
        self.assertEqual(document["openapi"], "3.1.0")
        for name in set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document))):
            self.assertIn(name, document["components"]["schemas"])
        operations = [op["operationId"] for item in document["paths"].values() for op in item.values()]
        self.assertEqual(len(operations), len(set(operations)))
        page = self.server.ask("GET", "/docs")[1].decode()
        self.assertIn("/openapi.json", page)

    def test_files_conversations_and_prompts_are_there(self):
        boundary = "X"
        form = (f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n'
                f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello\r\n'
                f'--{boundary}--\r\n')
        kept = self.ask("POST", "/v1/files", form, headers={"Content-Type": f"multipart/form-data; boundary={boundary}"})
        self.assertEqual((kept["bytes"], kept["filename"]), (5, "a.txt"))
        self.assertEqual(self.server.ask("GET", f"/v1/files/{kept['id']}/content")[1], b"hello")
        conversation = self.post("/v1/conversations", items=[{"type": "message", "role": "user", "content": "hi"}])
        items = self.ask("GET", f"/v1/conversations/{conversation['id']}/items")["data"]
        self.assertEqual(items[0]["content"][0]["text"], "hi")
        prompt = self.post("/v1/prompts", prompt="Hello {{ name }}", variables=["name"])
        self.assertEqual(self.ask("GET", f"/v1/prompts/{prompt['prompt_id']}")["version"], 1)


class Access(ServerCase):
    CONFIG = """version: 2
distro_name: guarded
apis: [inference]
providers:
  inference:
  - {{provider_id: cria, provider_type: inline::cria, config: {{}}}}
storage:
  backends:
    kv_default: {{type: kv_sqlite, db_path: {folder}/guarded-kv.db}}
    sql_default: {{type: sql_sqlite, db_path: {folder}/guarded.db}}
  stores:
    inference: {{table_name: inference_store, backend: sql_default}}
server:
  port: 8321
  host: 127.0.0.1
  cors: {{allow_origins: ["https://app.example"]}}
  quota: {{kvstore: {{namespace: quota, backend: kv_default}}, authenticated_max_requests: 5}}
  auth:
    provider_config:
      type: static_tokens
      tokens:
      - {{sha256: "{ada}", principal: ada, attributes: {{teams: [red]}}}}
      - {{sha256: "{bob}", principal: bob, attributes: {{teams: [red]}}}}
      - {{sha256: "{eve}", principal: eve}}
"""

    def test_tokens_owners_quota_and_origins_of_the_configuration(self):
        hashes = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("ada", "bob", "eve")}
        config = self.home / "guarded.yaml"
        config.write_text(self.CONFIG.format(folder=self.home, **hashes))
        server = Server(self.home, str(config))
        self.addCleanup(server.stop)

        def ask(who, method, path, body=None, **headers):
            token = {"Authorization": f"Bearer {who}"} if who else {}
            return server.ask(method, path, body, {**token, **headers})

        self.assertEqual(ask("", "GET", "/v1/health")[0].status, 200)
        self.assertEqual(ask("", "GET", "/v1/models")[0].status, 401)
        self.assertEqual(ask("nobody", "GET", "/v1/models")[0].status, 401)
        answer, content = ask("ada", "POST", "/v1/conversations", {})
        self.assertEqual(answer.status, 200, content)
        path = f"/v1/conversations/{json.loads(content)['id']}"
        self.assertEqual(ask("bob", "GET", path)[0].status, 200)  # of her team
        self.assertEqual(ask("eve", "GET", path)[0].status, 404)
        self.assertEqual(ask("eve", "DELETE", path)[0].status, 404)
        allowed = ask("ada", "GET", path, Origin="https://app.example")[0]
        self.assertEqual(allowed.headers["Access-Control-Allow-Origin"], "https://app.example")
        self.assertIsNone(ask("ada", "GET", path, Origin="https://evil.example")[0].headers["Access-Control-Allow-Origin"])
        statuses = [ask("eve", "GET", "/v1/models")[0].status for _ in range(5)]
        self.assertEqual(statuses, [200] * 3 + [429] * 2)
        self.assertEqual(ask("bob", "GET", "/v1/models")[0].status, 200)


class Lifetime(ServerCase):
    def test_what_was_acknowledged_survives_a_kill(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="cria-kill-"))
        self.addCleanup(shutil.rmtree, folder)
        kept = []
        for round_number in range(4):
            server = Server(folder)
            for earlier in kept:
                self.assertEqual(server.ask("GET", f"/v1/conversations/{earlier}")[0].status, 200)
            stop = threading.Event()

            def write():
                while not stop.is_set():
                    try:
                        answer, content = server.ask("POST", "/v1/conversations", {"metadata": {"round": str(round_number)}})
                    except (OSError, http.client.HTTPException):
                        return
                    if answer.status == 200:
                        kept.append(json.loads(content)["id"])

            writers = [threading.Thread(target=write) for _ in range(4)]
            for writer in writers:
                writer.start()
            wanted = len(kept) + 30
            while len(kept) < wanted:
                stop.wait(0.002)
            server.stop(signal.SIGKILL)
            stop.set()
            for writer in writers:
                writer.join()
        self.assertGreater(len(kept), 100)

    def test_a_signal_lets_a_running_answer_finish(self):
        server = Server(self.home)
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        connection.request("POST", "/v1/chat/completions", json.dumps(self.chat(max_tokens=60, stream=True)))
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200)
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(frames(answer.read())[-1], "[DONE]")
        connection.close()
        server.process.stdout.close()
        self.assertEqual(server.process.wait(timeout=60), 0)

    def test_a_port_that_is_taken(self):
        done = subprocess.run([LLAMA, "stack", "run", "--port", str(self.server.port)], capture_output=True, text=True,
                              timeout=60, env={**os.environ, "LLAMA_HOME": str(self.home)})
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(self.server.port), done.stderr)


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        LLAMA = sys.argv.pop(1)
    LLAMA = os.path.abspath(LLAMA)
    if not CHAT_MODEL.exists():
        print(f"SKIPPED: {CHAT_MODEL} is not there: tools/fetch_default_model.sh fetches it")
        sys.exit(0)
    unittest.main(verbosity=1)
