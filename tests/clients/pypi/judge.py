"""What the judges of the Python clients have in common: one check a method, one line a check, results as JSON."""
import json
import math
import os
import re
import traceback

URL = os.environ["CRIA_URL"]
MODEL = os.environ["CRIA_MODEL"]
EMBEDDING_MODEL = os.environ["CRIA_EMBEDDING_MODEL"]
TIMEOUT = 300.0  # seconds; nothing is measured, a judge only must end

QUESTION = "What is the capital of France? Answer in one word."
MESSAGES = [{"role": "system", "content": "You are brief."}, {"role": "user", "content": QUESTION}]
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "the name of the city", "maxLength": 20}},
        "required": ["city"],
    },
}
YES_OR_NO = {
    "type": "object",
    "properties": {"answer": {"enum": ["yes", "no"]}},
    "required": ["answer"],
    "additionalProperties": False,
}


def expect(condition, message="not as expected"):
    if not condition:
        raise AssertionError(message)


def is_text(value):
    expect(isinstance(value, str) and value, f"expected a text, found {value!r}")


def is_yes_or_no(text):
    expect(json.loads(text)["answer"] in ("yes", "no"), f"not as the schema says: {text}")


def is_vector(vector):
    expect(len(vector) > 1 and all(isinstance(x, float) for x in vector), "expected a vector")
    expect(abs(math.hypot(*vector) - 1) < 1e-3, "expected a vector of length 1")


class Judge:
    def __init__(self, client, version):
        self.client, self.version, self.results = client, version, []

    def check(self, method, body):
        """Passes unless `body` raises."""
        self._run(method, "served", body)

    def check_error(self, method, status, body):
        """Passes if `body` fails with this HTTP status, in the client's own error class."""

        def run():
            error = self._failure_of(body)
            expect(error.status_code == status, f"expected HTTP {status}, found {error.status_code}: {error}")

        self._run(method, "served", run)

    def check_refused(self, method, body):
        """Passes if the server says by name that it doesn't serve this."""

        def run():
            error = self._failure_of(body)
            expect(error.status_code == 501, f"expected HTTP 501, found {error.status_code}: {error}")

        self._run(method, "refused", run)

    @staticmethod
    def _failure_of(body):
        try:
            answer = body()
        except Exception as error:  # the clients' errors have no class in common
            if not hasattr(error, "status_code"):
                raise
            return error
        raise AssertionError(f"expected an error, found {answer!r}")

    def _run(self, method, kind, body):
        result = {"client": self.client, "version": self.version, "method": method, "kind": kind, "pass": True}
        try:
            body()
        except Exception as error:
            told = str(error) if isinstance(error, AssertionError) or hasattr(error, "status_code") \
                else "".join(traceback.format_exception_only(error)) + str(traceback.extract_tb(error.__traceback__)[-1])
            result["pass"] = False
            result["reason"] = re.sub(r"\s+", " ", told)[:600]
        self.results.append(result)
        words = "PASS" if result["pass"] else "FAIL"
        reason = "" if result["pass"] else ": " + result["reason"]
        print(f"{words} {self.client} {self.version} {method}{reason}", flush=True)

    def finish(self):
        with open(os.environ["CRIA_RESULTS"], "w", encoding="utf-8") as file:
            json.dump(self.results, file, indent=1)
        return 0 if all(result["pass"] for result in self.results) else 1
