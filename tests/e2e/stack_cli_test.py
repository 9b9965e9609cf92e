"""`llama stack ...` from outside: words, JSON fields, files and exit codes.

  python3 tests/e2e/stack_cli_test.py build/release/llama [unittest arguments]
"""

import json
import os
import pathlib
import stat
import sys
import unittest

import cli_test

VARIABLES = ("OLLAMA_URL", "VLLM_URL", "OPENAI_API_KEY", "INFERENCE_MODEL", "LLAMA_STACK_PORT", "LLAMA_STACK_HOST",
             "SQLITE_STORE_DIR", "PASSTHROUGH_URL")


class StackCase(cli_test.CliCase):
    def setUp(self):
        super().setUp()
        self.home = self.folder / "home"
        kept = {name: os.environ.pop(name, None) for name in (*VARIABLES, "LLAMA_HOME")}
        os.environ["LLAMA_HOME"] = str(self.home)

        def restore():
            for name, value in kept.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
        self.addCleanup(restore)

    def distribution(self, name, suffix):
        return self.home / "distributions" / name / f"{name}-{suffix}.yaml"

    def config(self, name, *flags, **options):
        return self.json("stack", "show", name, *flags, **options)["config"]

    def terminal(self, *words):
        terminal = cli_test.Terminal(self, [cli_test.LLAMA, *words], {"TERM": "xterm", "LLAMA_HOME": str(self.home)})
        self.addCleanup(terminal.close)
        return terminal


class BuildTest(StackCase):
    def test_of_a_built_in_distribution(self):
        made = self.json("stack", "build", "--distro", "starter", "--name", "mine")
        self.assertEqual(list(made), ["name", "build", "run", "containerfile"])
        self.assertEqual(made["name"], "mine")
        self.assertEqual(made["run"], str(self.distribution("mine", "run")))
        self.assertEqual(made["build"], str(self.distribution("mine", "build")))
        self.assertIsNone(made["containerfile"])
        self.assertEqual(stat.S_IMODE(os.stat(made["run"]).st_mode), 0o600)
        config = self.config("mine")
        self.assertEqual(config["distro_name"], "mine")
        self.assertEqual(config["storage"]["backends"]["kv_default"]["db_path"],
                         str(self.home / "distributions" / "mine" / "kvstore.db"))
        self.assertEqual([one["provider_id"] for one in config["providers"]["inference"]], ["cria"])
        self.assertEqual(config["server"], {"port": 8321, "host": "127.0.0.1"})

    def test_never_writes_over_one_unasked(self):
        self.ok("stack", "build", "--distro", "starter", "--name", "mine")
        run = self.distribution("mine", "run")
        run.write_text("distro_name: edited\n")
        self.assertIn("--force", self.fails(1, "stack", "build", "--distro", "starter", "--name", "mine"))
        self.assertEqual(run.read_text(), "distro_name: edited\n")
        self.ok("stack", "build", "--distro", "starter", "--name", "mine", "--force")
        self.assertIn("distro_name: mine\n", run.read_text())

    def test_of_providers(self):
        self.ok("stack", "build", "--providers", "inference=meta-reference,inference=remote::vllm,files=inline::localfs",
                "--name", "both")
        text = self.distribution("both", "run").read_text()
        self.assertIn("base_url: ${env.VLLM_URL:=http://localhost:8000/v1}", text)
        config = self.config("both", environment={"VLLM_URL": "http://gpu:1/v1"})
        self.assertEqual([(one["provider_id"], one["provider_type"]) for one in config["providers"]["inference"]],
                         [("cria", "inline::cria"), ("vllm", "remote::vllm")])
        self.assertEqual(config["providers"]["inference"][1]["config"]["base_url"], "http://gpu:1/v1")
        self.assertEqual(config["apis"], ["files", "inference"])
        self.assertIn("expected a provider type of inference",
                      self.fails(2, "stack", "build", "--providers", "inference=remote::olama"))

    def test_of_a_build_file_of_the_first_release(self):
        build = self.file("old-build.yaml", "name: old\ndistribution_spec:\n  description: d\n  providers:\n"
                                            "    inference: remote::ollama\nimage_type: docker\n")
        made = self.json("stack", "build", "--config", build)
        self.assertEqual(made["name"], "old")
        container = pathlib.Path(made["containerfile"]).read_text()
        self.assertIn("COPY old-run.yaml /etc/llama/run.yaml", container)
        self.assertIn('ENTRYPOINT ["llama", "stack", "run", "/etc/llama/run.yaml"]', container)
        build.write_text("name: old\ndistribution_spec:\n  providers:\n    inferenc: remote::ollama\n")
        self.assertIn(f"{build}:4: key 'distribution_spec.providers.inferenc': expected a key that is known",
                      self.fails(3, "stack", "build", "--config", build))

    def test_lists_what_is_built_in(self):
        names = [one["name"] for one in self.json("stack", "build", "--list-distros")["distributions"]]
        self.assertEqual(names, ["ollama", "passthrough", "postgres-demo", "remote-vllm", "starter"])
        self.assertIn("starter", self.ok("stack", "build", "--list-templates"))

    def test_needs_nothing_installed(self):
        self.assertEqual(self.ok("stack", "build", "--distro", "starter", "--print-deps-only"), "")
        self.assertEqual(self.ok("stack", "list-deps", "starter"), "")
        self.assertEqual(self.json("stack", "list-deps", "starter"), {"dependencies": []})
        self.assertFalse(self.home.exists())

    def test_wrong_use(self):
        self.assertIn("no terminal", self.fails(2, "stack", "build"))
        self.assertIn("found both", self.fails(2, "stack", "build", "--distro", "starter", "--providers", "x=y"))
        self.assertIn("expected one of", self.fails(2, "stack", "build", "--distro", "startr"))
        for name in ("../evil", "a/b", "docker", "-x=y"):
            self.assertIn("expected", self.fails(2, "stack", "build", "--distro", "starter", f"--name={name}"))
        self.assertFalse(self.home.exists())

    def test_asks_on_a_terminal(self):
        terminal = self.terminal("stack", "build")
        terminal.until(r"Name of the distribution \[my-stack\]: ")
        terminal.say("no/name")
        terminal.until("expected a name of letters")
        terminal.until(r"Name of the distribution")
        terminal.say("asked")
        terminal.until("Image type")
        terminal.say("")
        terminal.until("providers of inference.*: ")
        terminal.say("remote::olama")
        terminal.until("expected a provider type of inference")
        terminal.until("providers of inference.*: ")
        terminal.write(b"remote::ol\t")
        terminal.until("lama ")  # what Tab put behind it
        terminal.say("inline::cria")
        terminal.until("providers of files.*: ")
        terminal.say("inline::localfs")
        terminal.until("Description")
        terminal.say("By hand")
        self.assertEqual(terminal.exit_code(), 0)
        config = self.config("asked")
        self.assertEqual([one["provider_type"] for one in config["providers"]["inference"]],
                         ["remote::ollama", "inline::cria"])
        self.assertIn("description: By hand", self.distribution("asked", "build").read_text())

    def test_leaving_writes_nothing(self):
        terminal = self.terminal("stack", "build")
        terminal.until("Name of the distribution")
        terminal.write(b"\x04")
        self.assertEqual(terminal.exit_code(), 130)
        self.assertFalse(self.home.exists())


class ConfigureTest(StackCase):
    def test_takes_the_defaults_without_a_terminal(self):
        self.ok("stack", "build", "--providers", "inference=remote::ollama", "--name", "o")
        self.distribution("o", "run").unlink()
        self.assertIn("llama stack configure o", self.fails(3, "stack", "show", "o"))
        made = self.json("stack", "configure", "o")
        self.assertEqual(made, {"name": "o", "run": str(self.distribution("o", "run"))})
        self.assertEqual(self.config("o")["providers"]["inference"][0]["config"]["base_url"],
                         "http://localhost:11434/v1")

    def test_asks_checks_and_writes(self):
        self.ok("stack", "build", "--providers", "inference=remote::vllm", "--name", "v")
        terminal = self.terminal("stack", "configure", "v")
        terminal.until("inference vllm")
        terminal.until("Address of its API")
        terminal.say("gpu:8000")
        terminal.until("expected an address that begins with http:// or https://, found 'gpu:8000'")
        terminal.until("Address of its API")
        terminal.say("http://gpu:8000/v1")
        terminal.until("API token")
        terminal.say("${env.MY_TOKEN}")
        terminal.until("Port")
        terminal.say("80")
        terminal.until("expected a whole number 1024 to 65535, found '80'")
        terminal.until("Port")
        terminal.say("9000")
        terminal.until("Address to listen at")
        terminal.say("")
        self.assertEqual(terminal.exit_code(), 0)
        text = self.distribution("v", "run").read_text()
        self.assertIn("api_token: ${env.MY_TOKEN}", text)
        config = self.config("v", environment={"MY_TOKEN": "0123"})
        self.assertEqual(config["server"]["port"], 9000)
        self.assertEqual(config["providers"]["inference"][0]["config"]["base_url"], "http://gpu:8000/v1")
        self.assertEqual(config["providers"]["inference"][0]["config"]["api_token"], "********")

    def test_brings_a_run_file_of_the_first_release_up_to_date(self):
        old = self.file("phone-run.yaml", "image_name: phone\nconda_env: phone\napis_to_serve: [inference]\n"
                        "api_providers: {inference: {providers: [remote::ollama]}}\nrouting_table:\n  inference:\n"
                        "  - {routing_key: Llama3.2-1B-Instruct, provider_id: remote::ollama, "
                        "config: {host: box, port: 11434}}\n")
        made = self.json("stack", "configure", old, "--output-dir", self.folder / "new")
        self.assertEqual(made["run"], str(self.folder / "new" / "phone-run.yaml"))
        text = pathlib.Path(made["run"]).read_text()
        self.assertNotIn("routing_table", text)
        self.assertIn("base_url: http://box:11434/v1", text)
        self.assertEqual(self.config(made["run"]), self.config(old))


class ShowTest(StackCase):
    def test_needs_no_files(self):
        shown = self.json("stack", "show")
        self.assertEqual(list(shown), ["name", "built_in", "run", "config"])
        self.assertEqual((shown["name"], shown["built_in"], shown["run"]), ("starter", True, None))
        self.assertEqual(shown["config"]["registered_resources"]["models"][0]["model_id"], "smollm2:135m")
        self.assertIn("port: ${env.LLAMA_STACK_PORT:=8321}", self.ok("stack", "show", "starter"))
        self.assertFalse(self.home.exists())

    def test_variables_of_the_command_come_before_those_of_the_environment(self):
        config = self.config("starter", "--env", "LLAMA_STACK_PORT=9001", "--env", "OLLAMA_URL=http://a:1/v1",
                             environment={"LLAMA_STACK_PORT": "9002"})
        self.assertEqual(config["server"]["port"], 9001)
        self.assertEqual([one["provider_id"] for one in config["providers"]["inference"]], ["cria", "ollama"])
        self.assertIn("KEY=VALUE", self.fails(2, "stack", "show", "starter", "--env", "x"))

    def test_secrets_are_hidden(self):
        run = self.file("run.yaml", "providers:\n  inference:\n  - provider_id: o\n    provider_type: remote::openai\n"
                                    "    config: {api_key: sk-secret}\n")
        self.assertNotIn("sk-secret", self.ok("stack", "show", run))
        self.assertNotIn("sk-secret", self.ok("stack", "show", run, "--json"))

    def test_mistakes_name_line_and_key(self):
        run = self.file("run.yaml", "version: 2\nserver:\n  port: abc\n")
        line = self.fails(3, "stack", "show", run)
        self.assertEqual(line, f"llama: error: {run}:3: key 'server.port': expected a whole number 1024 to 65535, "
                               "found 'abc'")
        done = cli_test.llama("stack", "show", run, "--json")
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "data_loss")
        self.assertIn("PASSTHROUGH_URL", self.fails(3, "stack", "show", "passthrough"))
        self.assertIn("did you mean starter?", self.fails(3, "stack", "show", "startr"))
        self.assertIn("no such file", self.fails(3, "stack", "show", self.folder / "gone.yaml"))
        self.assertIn("not valid YAML", self.fails(3, "stack", "show", self.file("x.yaml", "a: [\n")))
        self.fails(3, "stack", "show", self.file("noise.yaml", bytes(range(256))))


class ListTest(StackCase):
    def test_distributions_come_and_go(self):
        self.ok("stack", "build", "--distro", "starter", "--name", "mine")
        listed = self.json("stack", "list")["distributions"]
        self.assertEqual(list(listed[0]), ["name", "built_in", "run", "build", "description"])
        self.assertEqual((listed[0]["name"], listed[0]["run"]), ("mine", str(self.distribution("mine", "run"))))
        self.assertIn({"name": "starter", "built_in": True, "run": None, "build": None},
                      [{key: one[key] for key in ("name", "built_in", "run", "build")} for one in listed])
        self.assertIn(str(self.distribution("mine", "run")), self.ok("stack", "list"))
        self.assertIn("--yes", self.fails(2, "stack", "rm", "mine"))
        self.assertEqual(self.json("stack", "rm", "mine", "--yes"), {"removed": "mine"})
        self.assertFalse(self.distribution("mine", "run").parent.exists())
        self.assertIn("there are none", self.fails(3, "stack", "rm", "mine", "-f"))
        self.fails(3, "stack", "rm", "starter", "--yes")
        self.fails(2, "stack", "rm", "../..", "--yes")

    def test_apis_and_providers(self):
        apis = {one["api"]: one["available"] for one in self.json("stack", "list-apis")["apis"]}
        self.assertTrue(apis["inference"])
        self.assertFalse(apis["post_training"])
        providers = self.json("stack", "list-providers", "inference")["providers"]
        self.assertEqual(set(providers[0]), {"api", "provider_type", "available", "description", "config"})
        by_type = {one["provider_type"]: one["available"] for one in providers}
        self.assertTrue(by_type["inline::cria"])
        self.assertTrue(by_type["remote::ollama"])
        self.assertFalse(by_type["remote::bedrock"])
        self.assertGreater(len(self.json("stack", "list-providers")["providers"]), len(providers))
        self.assertRegex(self.ok("stack", "list-providers", "inference"), r"remote::bedrock +not yet")
        self.assertEqual(self.ok("stack", "list-providers", "memory"), self.ok("stack", "list-providers", "vector_io"))
        self.assertIn("did you mean inference?", self.fails(2, "stack", "list-providers", "inferense"))

    def test_help_has_examples(self):
        for command in ("build", "configure", "list", "show", "rm", "list-apis", "list-providers", "list-deps"):
            with self.subTest(command):
                self.assertIn("Example", self.ok("stack", command, "--help"))
                self.assertIn(f"stack {command}", self.ok("completion", "bash"))


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        cli_test.LLAMA = os.path.abspath(sys.argv.pop(1))
    unittest.main()
