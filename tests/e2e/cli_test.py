"""The `llama` program from outside: words, JSON fields and exit codes that scripts depend on.

  python3 tests/e2e/cli_test.py build/release/llama [unittest arguments]

Runs on the small model that the project ships; what needs a chat model runs on the default model where it has been
fetched.
"""

import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

LLAMA = "build/release/llama"
STORIES = "tests/data/stories260k"
ENCODER = "tests/data/embedding/tiny_f32"
HOME = pathlib.Path(os.environ.get("LLAMA_HOME") or pathlib.Path.home() / ".llama")
CHAT_MODEL = HOME / "checkpoints" / "smollm2-135m"
STORY = "Once upon a time, there was a little girl named Lily."


def llama(*arguments, stdin="", environment=None, timeout=120):
    return subprocess.run([LLAMA, *map(str, arguments)], input=stdin, text=True, errors="surrogateescape",
                          capture_output=True, timeout=timeout,
                          env={**os.environ, **(environment or {})})


class CliCase(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="cria-cli-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def ok(self, *arguments, **options):
        done = llama(*arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def json(self, *arguments, **options):
        """The one JSON object on stdout."""
        return json.loads(self.ok(*arguments, "--json", **options))

    def fails(self, code, *arguments, **options):
        """The one error line of a command that ends with `code`."""
        done = llama(*arguments, **options)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        errors = [line for line in done.stderr.splitlines() if line.startswith("llama: error: ")]
        self.assertEqual(len(errors), 1, done.stderr)
        return errors[0]

    def file(self, name, content):
        path = self.folder / name
        path.write_text(content) if isinstance(content, str) else path.write_bytes(content)
        return path


class RunTest(CliCase):
    STORY_FLAGS = (STORIES, "--raw", "Once upon a time", "--temperature", "0")

    def test_streams_text_and_ends_the_line(self):
        self.assertEqual(self.ok("run", *self.STORY_FLAGS, "--max-tokens", 11), ", there was a little girl named Lily.\n")

    def test_json_has_the_fields_that_scripts_read(self):
        answer = self.json("run", *self.STORY_FLAGS, "--max-tokens", 6, "--logprobs", 2)
        self.assertEqual(list(answer), ["model", "prompt_token_ids", "text", "token_ids", "logprobs", "stop_reason",
                                        "tool_calls", "usage", "timings", "speculation"])
        self.assertEqual(answer["model"], STORIES)
        self.assertEqual(answer["prompt_token_ids"][0], 1)
        self.assertEqual(len(answer["token_ids"]), 6)
        self.assertEqual(answer["stop_reason"], "max_tokens")
        self.assertEqual(answer["tool_calls"], [])
        self.assertEqual(answer["usage"], {"prompt_tokens": len(answer["prompt_token_ids"]), "completion_tokens": 6})
        self.assertEqual(set(answer["timings"]), {"load_s", "ttft_s", "prefill_tokens_per_s", "decode_tokens_per_s",
                                                  "peak_rss_bytes"})
        for token, entry in zip(answer["token_ids"], answer["logprobs"]):
            self.assertEqual(list(entry), ["token_id", "token", "bytes", "logprob", "top"])
            self.assertEqual(entry["token_id"], token)
            self.assertLessEqual(entry["logprob"], 0)
            self.assertEqual(len(entry["top"]), 2)
            self.assertEqual(entry["top"][0]["token_id"], token)  # greedy
        self.assertEqual(b"".join(bytes(entry["bytes"]) for entry in answer["logprobs"]).decode(), answer["text"])

    def test_prompt_from_standard_input(self):
        for dash in ([], ["-"]):
            text = self.ok("run", STORIES, *dash, "--raw", "--temperature", 0, "--max-tokens", 3, stdin="Once upon\n")
            self.assertEqual(text, " a time,\n")

    def test_token_ids_need_no_tokenizer(self):
        bare = self.folder / "bare"
        bare.mkdir()
        for name in ("config.json", "model.safetensors"):
            shutil.copy(pathlib.Path(STORIES) / name, bare)
        ids = self.file("ids", "1 403,\n407")
        answer = self.json("run", bare, "--token-ids", f"@{ids}", "--temperature", 0, "--max-tokens", 4, "--logprobs", 1)
        self.assertEqual(answer["prompt_token_ids"], [1, 403, 407])
        self.assertEqual(answer["text"], "")
        self.assertEqual(len(answer["token_ids"]), 4)
        self.assertIsNone(answer["logprobs"][0]["token"])
        self.assertIsNone(answer["logprobs"][0]["bytes"])
        self.assertIn("--token-ids", self.fails(2, "run", bare, "--raw", "hi"))

    def test_stop_strings_and_stop_tokens(self):
        answer = self.json("run", *self.STORY_FLAGS, "--max-tokens", 40, "--stop", "nothing", "--stop", "girl nam")
        self.assertEqual((answer["text"], answer["stop_reason"]), (", there was a little ", "stop_string"))
        answer = self.json("run", *self.STORY_FLAGS, "--max-tokens", 40, "--logit-bias", "2:1000")
        self.assertEqual((answer["token_ids"], answer["stop_reason"], answer["stop_token_id"]), ([], "end_of_text", 2))
        answer = self.json("run", *self.STORY_FLAGS, "--max-tokens", 3, "--logit-bias", "2:1000", "--ignore-eos")
        self.assertEqual((answer["token_ids"], answer["stop_reason"]), ([2, 2, 2], "max_tokens"))
        self.assertNotIn("stop_token_id", answer)

    def test_a_seed_repeats(self):
        def tokens(seed):
            return self.json("run", STORIES, "--raw", "Once", "--temperature", 1, "--max-tokens", 30, "--seed", seed)[
                "token_ids"]
        self.assertEqual(tokens(5), tokens(5))
        self.assertNotEqual(tokens(5), tokens(6))

    def test_every_instruction_set_that_runs_tells_the_same_story(self):
        about = self.json("inspect", "--cpu")
        self.assertIn(about["chosen"], [isa["name"] for isa in about["isas"] if isa["runs"]])
        for isa in about["isas"]:
            arguments = ("run", *self.STORY_FLAGS, "--max-tokens", 20, "--isa", isa["name"])
            if isa["runs"]:
                self.assertIn("little girl named Lily", self.ok(*arguments))
                self.assertEqual(self.ok(*arguments[:-2], environment={"CRIA_ISA": isa["name"]}), self.ok(*arguments))
            else:
                self.assertIn("can't run", self.fails(2, *arguments))
        self.assertIn("expected one of", self.fails(2, "run", *self.STORY_FLAGS, "--isa", "mmx"))

    def test_kv_types(self):
        for kind in ("bf16", "int8", "f32"):
            self.assertIn("girl", self.ok("run", *self.STORY_FLAGS, "--max-tokens", 20, "--kv-type", kind))
        self.assertIn("bf16, int8 or f32", self.fails(2, "run", *self.STORY_FLAGS, "--kv-type", "int3"))

    def test_grammar_and_schema_hold(self):
        grammar = self.file("colour.gbnf", 'root ::= "red" | "blue"\n')
        answer = self.json("run", *self.STORY_FLAGS[:3], "--grammar", grammar, "--max-tokens", 20, "--seed", 3)
        self.assertIn(answer["text"], ("red", "blue"))
        self.assertIn(answer["stop_reason"], ("end_of_text", "end_of_turn"))
        schema = {"type": "object", "required": ["age", "name"], "additionalProperties": False,
                  "properties": {"name": {"enum": ["Lily", "Tom"]}, "age": {"type": "integer", "minimum": 1, "maximum": 99}}}
        path = self.file("schema.json", json.dumps(schema))
        for given in (json.dumps(schema), path):
            for seed in range(3):
                answer = self.json("run", *self.STORY_FLAGS[:3], "--json-schema", given, "--max-tokens", 60, "--seed", seed)
                value = json.loads(answer["text"])
                self.assertIn(value["name"], ("Lily", "Tom"))
                self.assertTrue(1 <= value["age"] <= 99)
        self.assertIn("line 1", self.fails(2, "run", *self.STORY_FLAGS, "--grammar", self.file("bad.gbnf", "root := x")))

    def test_no_room(self):
        self.assertIn("--context", self.fails(5, "run", *self.STORY_FLAGS, "--context", 8, "--max-tokens", 50))
        self.fails(5, "run", STORIES, "--raw", "Once upon a time " * 200)
        self.assertIn("512", self.fails(2, "run", *self.STORY_FLAGS, "--context", 5000))

    def test_signals_end_it_while_it_reads(self):
        for kind in (signal.SIGINT, signal.SIGTERM):
            process = subprocess.Popen([LLAMA, "run", STORIES, "--raw", "-", "--json"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            time.sleep(0.5)
            process.send_signal(kind)
            self.assertEqual(process.wait(timeout=20), 130)  # standard input is still open
            self.assertEqual(json.loads(process.stdout.read())["error"]["code"], "cancelled")
            for stream in (process.stdin, process.stdout, process.stderr):
                stream.close()

    def test_a_full_disk_is_an_error(self):
        for arguments in (("run", *self.STORY_FLAGS, "--max-tokens", "5"), ("tokenize", STORIES, "hi"), ("--help",)):
            with open("/dev/full", "w", encoding="utf-8") as full:
                done = subprocess.run([LLAMA, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
            self.assertEqual(done.returncode, 5, arguments)
            self.assertEqual(done.stderr, "llama: error: cannot write the output: No space left on device\n")

    def test_a_context_that_ends_an_answer_says_so(self):
        done = llama("run", STORIES, "--raw", "Once", "--context", 16, "--ignore-eos", "--json")
        self.assertEqual(json.loads(done.stdout)["stop_reason"], "max_tokens")
        self.assertIn("the context of 16 tokens is full; raise --context", done.stderr)
        error = self.fails(5, "run", STORIES, "--raw", "Once upon a time " * 200)
        self.assertIn("the model takes no more", error)
        self.assertNotIn("--context", error)

    def test_memory_is_that_of_the_program_itself(self):
        code = "import os, sys; ballast = bytearray(600 << 20); os.execv(sys.argv[1], sys.argv[1:])"
        done = subprocess.run([sys.executable, "-c", code, LLAMA, "run", *self.STORY_FLAGS, "--max-tokens", "2", "--json"],
                              text=True, capture_output=True, timeout=60, check=True)
        self.assertLess(json.loads(done.stdout)["timings"]["peak_rss_bytes"], 500 << 20)


class WrongUseTest(CliCase):
    def test_flags_that_do_not_exist_or_fit(self):
        self.assertIn("--bogus", self.fails(2, "run", STORIES, "hi", "--bogus"))
        self.assertIn("llama run --help", self.fails(2, "run", STORIES, "hi", "--bogus"))
        self.assertIn("hot", self.fails(2, "run", STORIES, "hi", "--temperature", "hot"))
        self.assertIn("--top-p", self.fails(2, "run", STORIES, "--raw", "hi", "--top-p", "3"))
        self.assertIn("--logit-bias", self.fails(2, "run", STORIES, "--raw", "hi", "--logit-bias", "x:y"))
        self.assertIn("perplexity", self.fails(2))
        self.assertRegex(self.fails(2, "toknize"), r"'toknize'.*did you mean tokenize\?")
        self.assertRegex(self.fails(2, "model", "lst"), r"did you mean list\?; see llama model --help")
        self.assertRegex(self.fails(2, "run", STORIES, "hi", "--temp", "0"), r"--temp: .*did you mean --temperature")
        self.assertRegex(self.fails(2, "run", STORIES, "hi", "you"), r"'you': .* MODEL and PROMPT only.*quotes")
        self.assertIn("expected once", self.fails(2, "run", STORIES, "hi", "--seed", 1, "--seed", 2))
        self.assertIn("from 1 on, found '0'", self.fails(2, "run", STORIES, "hi", "--context", 0))
        for number in ("x", "99999999999999999999", "-1"):
            self.assertRegex(self.fails(2, "run", STORIES, "hi", "--max-tokens", number), f"expected .*'{number}'")
        self.assertIn("bash, zsh, fish, found 'tcsh'", self.fails(2, "completion", "tcsh"))
        self.assertIn("expected MODEL", self.fails(2, "tokenize"))
        self.assertIn("--name NAME", self.fails(2, "model", "import", "x"))
        self.assertIn("smollm2:135m", self.fails(3, "run", "Why is the sky blue?"))
        self.assertEqual(json.loads(llama("sing", "--json").stdout)["error"]["code"], "invalid_argument")

    def test_flags_without_effect_are_refused(self):
        raw = ("run", STORIES, "--raw", "hi")
        for arguments in (("run", STORIES, "hi", "--messages", "[]"), (*raw, "--system", "x"), (*raw, "--messages", "[]"),
                          (*raw, "--logprobs", 2), (*raw, "--tools", "[]"), ("run", STORIES, "hi", "--parse-special"),
                          ("run", STORIES, "--token-ids", ""), ("run", STORIES, "hi", "--token-ids", "1"),
                          ("tokenize", STORIES, "hi", "--chat", "[]"), ("tokenize", STORIES, "hi", "--tools", "[]"),
                          ("tokenize", STORIES, "hi", "--file", "x"), ("embed", STORIES, "hi", "--token-ids", "1"),
                          ("perplexity", STORIES, "--file", "x", "--token-ids", "1"),
                          ("perplexity", STORIES, "--token-ids", ""), ("inspect", STORIES, "--cpu"),
                          ("chat", STORIES, "--logprobs", "1")):
            with self.subTest(arguments):
                self.assertRegex(self.fails(2, *arguments), "--[a-z-]+.*(found|only with|only:)")
        self.assertEqual(llama("chat", STORIES, "--json").returncode, 2)
        self.assertIn("--raw", self.fails(3, "chat", STORIES))  # of run: it is a base model

    def test_errors_as_json(self):
        done = llama("run", "no/such/model", "hi", "--json")
        self.assertEqual(done.returncode, 3)
        error = json.loads(done.stdout)["error"]
        self.assertEqual(set(error), {"code", "message"})
        self.assertEqual(error["code"], "not_found")
        self.assertIn("no/such/model", error["message"])

    def test_json_is_utf8_whatever_the_arguments_are(self):
        name = os.fsdecode(b"no/such\xff")
        self.assertIn("no/such\ufffd", json.loads(llama("run", name, "hi", "--json").stdout)["error"]["message"])
        model = self.folder / os.fsdecode(b"model\xff")
        model.symlink_to(pathlib.Path(STORIES).absolute())
        self.assertTrue(self.json("tokenize", model, os.fsdecode(b"\xff"))["ids"])
        self.assertTrue(self.json("embed", model, "hi")["model"].endswith("model\ufffd"))

    def test_help_has_examples(self):
        for command in ("run", "chat", "perplexity", "tokenize", "bench", "inspect", "embed", "download", "completion",
                        *("model " + name for name in ("list", "describe", "prompt-format", "remove", "verify-download"))):
            page = self.ok(*command.split(), "--help")
            self.assertRegex(page, r"Examples?:\n +(.* \| |source <\()?(HF_TOKEN=\S+ )?llama (model )?" +
                             command.removeprefix("model "))
            self.assertEqual(page, self.ok("help", *command.split()))
            self.assertNotRegex(page, r"REQUIRED|INT in|POSITIVE|:\{\w")
        self.assertRegex(self.ok("run", "--help"), r"Common flags:\n(?s:.)*--threads N(?s:.)*--seed N")
        self.assertNotIn("--json  ", self.ok("chat", "--help"))
        self.assertRegex(self.ok("--version"), r"^llama .*\d+\.\d+\.\d+\n$")

    def test_hostile_models_are_refused(self):
        weights = (pathlib.Path(STORIES) / "model.safetensors").read_bytes()
        config = json.loads((pathlib.Path(STORIES) / "config.json").read_text())

        def model(name, weights=weights, **changes):
            folder = self.folder / name
            folder.mkdir()
            (folder / "config.json").write_text(json.dumps({**config, **changes}))
            (folder / "model.safetensors").write_bytes(weights)
            return folder

        header = struct.unpack("<Q", weights[:8])[0]
        cases = {
            "truncated": model("truncated", weights[:-1000]),
            "header": model("header", struct.pack("<Q", 1 << 60) + weights[8:]),
            "json": model("json", weights[:8] + b"[" * header + weights[8 + header:]),
            "shape": model("shape", hidden_size=128),
            "layers": model("layers", num_hidden_layers=10**9),
            "architecture": model("architecture", model_type="bert", architectures=["BertModel"]),
            "empty": self.file("empty.gguf", b""),
            "gguf": self.file("short.gguf", b"GGUF" + struct.pack("<IQQ", 3, 1 << 62, 1 << 62)),
            "noise": self.file("noise.bin", bytes(range(256)) * 40),
        }
        for name, path in cases.items():
            with self.subTest(name):
                self.assertIn(str(path), self.fails(3, "inspect", path))


class OtherCommandsTest(CliCase):
    def test_perplexity(self):
        text = self.file("text", STORY)
        score = self.json("perplexity", STORIES, "--file", text)
        self.assertEqual(list(score), ["model", "tokens", "scored", "nll", "perplexity", "token_logprobs"])
        self.assertEqual(len(score["token_logprobs"]), score["tokens"])
        self.assertEqual(score["scored"], score["tokens"] - 1)
        self.assertIsNone(score["token_logprobs"][0])
        self.assertAlmostEqual(-sum(score["token_logprobs"][1:]), score["nll"], places=4)
        self.assertLess(score["perplexity"], 5)
        self.assertEqual(self.json("perplexity", STORIES, stdin=STORY), score)
        broken = self.folder / "nan"
        shutil.copytree(STORIES, broken)
        weights = bytearray((broken / "model.safetensors").read_bytes())
        header = struct.unpack("<Q", weights[:8])[0]
        weights[8 + header:] = b"\xff" * (len(weights) - 8 - header)  # NaN in every type
        (broken / "model.safetensors").write_bytes(weights)
        self.assertIn("finite", self.fails(3, "perplexity", broken, "--file", text))
        nothing = self.json("perplexity", STORIES, "--token-ids", "1")
        self.assertEqual((nothing["scored"], nothing["nll"], nothing["perplexity"]), (0, 0, None))

    def test_perplexity_of_a_batch(self):
        batch = self.file("batch", '{"token_ids": [1, 403, 407]}\n\n{"text": "Once upon"}\n')
        lines = self.ok("perplexity", STORIES, "--jsonl", "--batch", batch).splitlines()
        scores = [json.loads(line) for line in lines]
        self.assertEqual(len(scores), 2)
        self.assertEqual(scores[0], scores[1])
        self.fails(2, "perplexity", STORIES, "--batch", batch)
        bad = self.file("bad", '{"token_ids": [1]}\n{"tokens": [1]}\n')
        self.assertIn("line 2", self.fails(2, "perplexity", STORIES, "--jsonl", "--batch", bad))

    def test_tokenize_there_and_back(self):
        out = self.json("tokenize", STORIES, STORY)
        self.assertEqual(set(out), {"ids", "pieces"})
        self.assertEqual(len(out["ids"]), len(out["pieces"]))
        ids = ",".join(map(str, out["ids"]))
        self.assertEqual(self.ok("tokenize", STORIES, "--decode", ids), STORY + "\n")
        self.assertEqual(self.ok("tokenize", STORIES, ids, "--decode"), STORY + "\n")
        self.assertEqual(self.json("tokenize", STORIES, "--decode", stdin=ids), {"text": STORY})
        lines = "".join(json.dumps({"text": text}) + "\n" for text in (STORY, "", "a\nb"))
        printed = [json.loads(line) for line in self.ok("tokenize", STORIES, "--jsonl", stdin=lines).splitlines()]
        self.assertEqual(printed[0], {"ids": out["ids"]})
        self.assertEqual(printed[1], {"ids": []})
        self.assertEqual(self.json("tokenize", STORIES, STORY, "--bos")["ids"], [1] + out["ids"])
        bare = pathlib.Path(STORIES) / "tokenizer.json"
        self.assertEqual(self.json("tokenize", bare, STORY)["ids"], out["ids"])
        self.assertIn("512", self.fails(2, "tokenize", STORIES, "--decode", "512"))
        nul = self.json("tokenize", STORIES, stdin="a\0b")["ids"]
        self.assertIn("\0", self.ok("tokenize", STORIES, "--decode", ",".join(map(str, nul))))

    def test_inspect(self):
        about = self.json("inspect", STORIES)
        self.assertEqual(list(about), ["format", "architecture", "parameters", "bytes", "config", "tokenizer",
                                       "chat_format", "tensors"])
        self.assertEqual(about["parameters"], 260032)
        self.assertEqual(sum(tensor["bytes"] for tensor in about["tensors"]), about["bytes"])
        self.assertEqual(set(about["tensors"][0]), {"name", "shape", "dtype", "bytes"})
        self.assertIn("260032", self.ok("inspect", STORIES))

    def test_bench(self):
        out = self.json("bench", STORIES, "--prompt", "16", "--generate", 4, "--sessions", "1,2", "--at-context",
                        "0,100", "--threads", "1", "--repeat", 2)
        self.assertEqual(set(out), {"machine", "model", "rows"})
        self.assertLessEqual({"cpu", "isa", "threads", "read_gb_per_s", "int8_gop_per_s", "bf16_gflop_per_s"},
                             set(out["machine"]))
        self.assertEqual([(row["kind"], row["prompt"], row["generate"], row["sessions"], row["context"], row["threads"])
                          for row in out["rows"]],
                         [("prefill", 16, 0, 1, 0, 1), ("decode", 0, 4, 1, 0, 1), ("decode", 0, 4, 2, 0, 1),
                          ("prefill", 16, 0, 1, 100, 1), ("decode", 0, 4, 1, 100, 1), ("decode", 0, 4, 2, 100, 1)])
        for row in out["rows"]:
            self.assertGreater(row["tokens_per_s"], 0)
            self.assertGreater(row["fraction_of_limit"], 0)
        self.assertIn("--sessions", self.fails(2, "bench", STORIES, "--sessions", "0"))
        self.assertIn("512", self.fails(2, "bench", STORIES, "--prompt", "600"))

    def test_embed(self):
        out = self.json("embed", STORIES, "a small dog")
        self.assertEqual(len(out["embedding"]), 64)
        self.assertAlmostEqual(sum(x * x for x in out["embedding"]), 1, places=4)
        self.assertEqual(self.json("embed", STORIES, stdin="a small dog\n"), out)

    def test_encoder(self):
        index = json.loads(pathlib.Path("tests/data/embedding/index.json").read_text())
        golden = next(model for model in index["models"] if model["name"] == "tiny_f32")["texts"][0]
        out = self.json("embed", ENCODER, golden["text"])
        self.assertEqual(out["usage"]["prompt_tokens"], len(golden["ids"]))
        for ours, theirs in zip(out["embedding"], golden["vector"], strict=True):
            self.assertAlmostEqual(ours, theirs, places=4)
        ids = ",".join(map(str, golden["ids"]))
        self.assertEqual(self.json("embed", ENCODER, "--token-ids", ids), out)
        self.assertIn("takes 20", self.fails(5, "embed", ENCODER, "the " * 30))
        self.assertEqual(self.json("embed", ENCODER, "the " * 30, "--truncate", "end")["usage"]["prompt_tokens"], 20)
        self.assertIn("--truncate", self.fails(2, "embed", ENCODER, "x", "--truncate", "middle"))
        for command in (("run", ENCODER, "hi"), ("chat", ENCODER), ("bench", ENCODER)):
            self.assertIn("'bert' is an encoder", self.fails(3, *command))
        about = self.json("inspect", ENCODER)
        self.assertEqual((about["architecture"], about["tokenizer"]["kind"], about["config"]["pooling"]),
                         ("bert", "WordPiece", "mean"))
        self.assertIn("at most 20 tokens", self.ok("inspect", ENCODER))

    def test_models_come_and_go(self):
        home = {"LLAMA_HOME": str(self.folder / "home")}
        source = self.folder / "source"
        shutil.copytree(STORIES, source)
        (source / "model.packed").write_bytes(b"x" * 1000)
        (source / "model.packed.partial").write_bytes(b"x" * 10)
        self.ok("model", "import", source, "--name", "stories:260k", environment=home)
        kept = self.folder / "home" / "checkpoints" / "stories-260k"
        self.assertEqual([path.name for path in kept.iterdir() if "packed" in path.name], [])
        size = self.json("model", "describe", "-m", "stories:260k", environment=home)["bytes"]
        (kept / "model.packed").write_bytes(b"x" * 1000)
        self.assertEqual(self.json("model", "describe", "-m", "stories:260k", environment=home)["bytes"], size + 1000)
        self.assertIn("stories:260k", self.ok("model", "list", "--downloaded", environment=home))
        self.assertIn("girl", self.ok("run", "stories:260k", *RunTest.STORY_FLAGS[1:], "--max-tokens", 20, environment=home))
        self.fails(2, "model", "remove", "-m", "stories:260k", environment=home)
        self.ok("model", "remove", "-m", "stories:260k", "-f", environment=home)
        self.fails(3, "run", "stories:260k", "hi", environment=home)

    def test_a_llama2c_model_brings_its_tokenizer(self):
        dim, hidden, layers, heads, vocab, length = 8, 16, 1, 2, 4, 8
        floats = vocab * dim + layers * (2 * dim + 4 * dim * dim + 3 * dim * hidden) + dim + length * dim // heads
        model = self.file("tiny.bin", struct.pack("<7i", dim, hidden, layers, heads, heads, vocab, length) +
                          struct.pack("<f", 0.5) * floats)
        pieces = (b"<unk>", b"\n<s>\n", b"\n</s>\n", b"<0x61>")
        self.file("tok4.bin", struct.pack("<i", 6) + b"".join(struct.pack("<fi", 0, len(piece)) + piece for piece in pieces))
        self.file("other.bin", b"not a part of it")
        home = {"LLAMA_HOME": str(self.folder / "home")}
        self.ok("model", "import", model, "--name", "tiny", environment=home)
        kept = self.folder / "home" / "checkpoints" / "tiny"
        self.assertEqual(sorted(path.name for path in kept.iterdir()), ["model.json", "tiny.bin", "tok4.bin"])
        self.assertEqual(self.json("tokenize", "tiny", "--decode", "3", environment=home), {"text": "a"})

    def test_completion_and_manual(self):
        bash = self.ok("completion", "bash")
        script = bash + '\nCOMP_WORDS=(llama run m --temp); COMP_CWORD=3; _llama; echo "${COMPREPLY[@]}"\n' \
                        'COMP_WORDS=(llama model li); COMP_CWORD=2; _llama; echo "${COMPREPLY[@]}"\n'
        shown = subprocess.run(["bash", "-c", script], cwd=self.folder, text=True, capture_output=True, check=True).stdout
        self.assertEqual(shown, "--temperature\nlist\n")
        script = bash + '\nllama() { printf "MODEL  X\\nmine:1b  -\\nother  -\\n"; }\n' \
                        'COMP_WORDS=(llama run --kv-type ""); COMP_CWORD=3; _llama; echo "${COMPREPLY[@]}"\n' \
                        'COMP_WORDS=(llama completion f); COMP_CWORD=2; _llama; echo "${COMPREPLY[@]}"\n' \
                        'COMP_WORDS=(llama run mine : 1); COMP_CWORD=4; COMP_LINE="llama run mine:1"; COMP_POINT=16\n' \
                        '_llama; echo "${COMPREPLY[@]}"\n'
        shown = subprocess.run(["bash", "-c", script], cwd=self.folder, text=True, capture_output=True, check=True).stdout
        self.assertEqual(shown, "bf16 int8 f32\nfish\n1b\n")
        self.assertIn("#compdef llama", self.ok("completion", "zsh"))
        self.assertIn("complete -c llama -n '__fish_seen_subcommand_from run' -l temperature -r",
                      self.ok("completion", "fish"))
        manual = self.ok("man")
        self.assertTrue(manual.startswith(".TH LLAMA 1"))
        for word in ("\\-\\-json\\-schema", "model verify\\-download", "Exit codes"):
            self.assertIn(word, manual)


@unittest.skipUnless(CHAT_MODEL.is_dir(), f"SKIPPED: no chat model in {CHAT_MODEL}: tools/fetch_default_model.sh gets it")
class ChatModelTest(CliCase):
    MODEL = "smollm2:135m"

    def test_tool_calls(self):
        tools = self.file("tools.json", json.dumps([
            {"type": "function", "function": {"name": "get_weather", "parameters": {
                "type": "object", "properties": {"city": {"enum": ["Rome", "Oslo"]}}, "required": ["city"]}}},
            {"type": "function", "function": {"name": "get-time"}}]))
        ask = ["run", self.MODEL, "Hello", "--tools", tools, "--max-tokens", 80, "--seed", 1]
        for choice, names in (("required", ("get_weather", "get-time")), ("get_weather", ("get_weather",))):
            answer = self.json(*ask, "--tool-choice", choice)
            self.assertEqual(answer["text"], "")
            self.assertTrue(answer["tool_calls"])
            for call in answer["tool_calls"]:
                self.assertIn(call["name"], names)
                if call["name"] == "get_weather":
                    self.assertIn(call["arguments"]["city"], ("Rome", "Oslo"))
        two = '{"name": "get-time", "parameters": {}}; {"name": "get_weather", "parameters": {"city": "Oslo"}}'
        said = self.file("said.gbnf", 'root ::= "' + two.replace('"', '\\"') + '"\n')
        answer = self.json(*ask, "--grammar", said)
        self.assertEqual(answer["tool_calls"], [{"name": "get-time", "arguments": {}},
                                                {"name": "get_weather", "arguments": {"city": "Oslo"}}])
        for without in (["--tool-choice", "none"], []):
            flags = ask if without else [flag for flag in ask if flag not in ("--tools", tools)]
            answer = self.json(*flags, *without, "--grammar", said)
            self.assertEqual((answer["text"], answer["tool_calls"]), (two, []))
        self.assertIn("nobody", self.fails(2, *ask, "--tool-choice", "nobody"))
        self.assertIn("--grammar", self.fails(2, *ask, "--tool-choice", "required", "--grammar", said))

    def test_messages_equal_the_prompt_they_spell(self):
        messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say hello."}]
        path = self.file("messages.json", json.dumps(messages))
        flags = ("--temperature", 0, "--max-tokens", 8)
        spelled = self.json("run", self.MODEL, "Say hello.", "--system", "Be brief.", *flags)
        told = self.json("run", self.MODEL, "--messages", path, *flags)
        self.assertEqual(told["prompt_token_ids"], spelled["prompt_token_ids"])
        self.assertEqual(told["token_ids"], spelled["token_ids"])
        chat = self.json("tokenize", self.MODEL, "--chat", path)
        self.assertEqual(chat["ids"], told["prompt_token_ids"])
        # What a user writes never becomes a special token.
        body = self.json("tokenize", self.MODEL, "--chat", json.dumps([{"role": "user", "content": "<|im_end|>"}]))
        self.assertGreater(len(body["ids"]), len(chat["ids"]) - 10)
        self.assertEqual(body["pieces"].count("<|im_end|>"), 2)  # the system's and the user's

    def test_bad_messages(self):
        self.assertIn("--messages", self.fails(2, "run", self.MODEL, "--messages", '[{"role": "wizard", "content": "x"}]'))
        self.fails(2, "run", self.MODEL, "--messages", "[")

    def test_an_interrupt_ends_a_long_prompt_at_once(self):
        with tempfile.TemporaryFile() as prompt:
            prompt.write(b"The sky is blue because of many reasons. " * 800)
            prompt.seek(0)
            process = subprocess.Popen([LLAMA, "run", self.MODEL], stdin=prompt, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE)
            time.sleep(2)
            start = time.monotonic()
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=20)
        self.assertEqual((process.returncode, out, errors), (130, b"", b""))
        self.assertLess(time.monotonic() - start, 1)

    def chat(self, *flags, **environment):
        terminal = Terminal(self, [LLAMA, "chat", self.MODEL, *flags],
                            {"HOME": str(self.folder), "LLAMA_HOME": str(HOME), "TERM": "xterm", **environment})
        self.addCleanup(terminal.close)
        terminal.until(r"/help.*\n")
        terminal.until(r">>> ")
        return terminal

    def saved(self, terminal):
        terminal.say("/save " + str(self.folder / "saved.json"))
        terminal.until(r"saved .*\n(?s:.)*>>> ")
        return json.loads((self.folder / "saved.json").read_text())

    def test_a_conversation_in_a_terminal(self):
        terminal = self.chat("--temperature", "0", "--max-tokens", "400")
        terminal.say("/help")
        terminal.until(r"/save FILE")
        terminal.until(r">>> ")
        terminal.say("/save")
        terminal.until(r"expected a file")
        terminal.until(r">>> ")
        terminal.say("Write a long story about a dog.")
        terminal.until(r"dog.*\w+ \w+ \w+", 30)
        terminal.write(b"\x03")  # Ctrl-C stops the answer and not the program
        terminal.until(r">>> ")
        self.assertEqual([message["role"] for message in self.saved(terminal)], ["user", "assistant"])
        terminal.say('"""First line')
        terminal.say('second line"""')
        terminal.until(r">>> ", 120)
        terminal.say("/bye")
        self.assertEqual(terminal.exit_code(), 0)

    def test_every_character_arrives(self):
        for locale in ("C", "en_US.ISO-8859-1", "C.UTF-8"):
            terminal = self.chat(LC_ALL=locale)
            terminal.say("/system Gr\u00fc\u00dfe, \u4f60\u597d \U0001f600")
            terminal.until("the system message is set")
            terminal.until(r">>> ")
            self.assertEqual(self.saved(terminal)[0]["content"], "Gr\u00fc\u00dfe, \u4f60\u597d \U0001f600")
            terminal.write(b"\x04")
            self.assertEqual(terminal.exit_code(), 0)
        self.assertIn("/system", (self.folder / ".llama_history").read_text())

    def test_signals_in_a_conversation(self):
        terminal = self.chat()
        terminal.say("The sky is blue because of many reasons. " * 80)
        terminal.read(1.5)
        terminal.write(b"\x03")  # while it reads the prompt
        terminal.until(r"\n(?s:.)*>>> ", 5)
        terminal.write(b"\x03")  # at the prompt
        terminal.until(r"\n(?s:.)*>>> ", 5)
        os.kill(terminal.child, signal.SIGTERM)
        self.assertEqual(terminal.exit_code(), 130)
        terminal = self.chat("--context", "40")
        terminal.say("Tell me, in a few sentences, about the history of all the dogs in the world. " * 3)
        terminal.until(r"raise --context, or start anew with /clear", 10)
        terminal.until(r">>> ", 5)
        terminal.hang_up()
        self.assertIn(terminal.exit_code(), (0, 130, -signal.SIGHUP))


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, test, command, environment):
        self.test = test
        self.seen = ""
        self.ended = None
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.environ.update(environment)
            os.execv(command[0], command)

    def until(self, pattern, timeout=60):
        end = time.monotonic() + timeout
        while not re.search(pattern, self.seen):
            self.test.assertLess(time.monotonic(), end, f"no {pattern!r} in {self.seen!r}")
            self.test.assertTrue(self.read(0.2), f"the program ended: {self.seen!r}")
        self.seen = self.seen[re.search(pattern, self.seen).end():]

    def read(self, seconds):
        """What comes in that time; False if the other end is gone."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.terminal], [], [], left)[0]:
                continue
            try:
                self.seen += os.read(self.terminal, 4096).decode(errors="replace")
            except OSError:
                return False
        return True

    def hang_up(self):
        os.close(self.terminal)
        self.terminal = None

    def write(self, keys):
        os.write(self.terminal, keys)

    def say(self, line):
        self.write(line.encode() + b"\n")

    def exit_code(self, timeout=20):
        end = time.monotonic() + timeout
        while self.ended is None and time.monotonic() < end:
            pid, status = os.waitpid(self.child, os.WNOHANG)
            if pid:
                self.ended = os.waitstatus_to_exitcode(status)
            if self.terminal is None or not self.read(0.1):
                time.sleep(0.1)
        self.test.assertIsNotNone(self.ended, "the program goes on")
        return self.ended

    def close(self):
        if self.ended is None:
            os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        LLAMA = os.path.abspath(sys.argv.pop(1))
    unittest.main()
