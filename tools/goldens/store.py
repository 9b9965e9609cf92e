"""Where goldens go: model files, logits as raw little-endian float32 [tokens, vocab], and index.json beside them."""

import json
import pathlib

import numpy as np

from goldens import tiny

# How far transformers' float32 may be from our float64 forward pass, relative to the largest logit.
AGREEMENT = 2e-5
# What --check allows: another processor rounds float32 sums differently.
CHECK_TOLERANCE = 2e-5
BF16_CHECK_TOLERANCE = 2e-2


class Store:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.root.mkdir(parents=True, exist_ok=True)
        self.entries = []

    def path(self, name):
        return self.root / name

    def logits(self, name, values):
        np.ascontiguousarray(values, dtype="<f4").tofile(self.path(name + ".logits"))
        return name + ".logits"

    def add(self, name, covers, spec, tokens, logits, tolerance=1e-4, **more):
        """`logits`: values, or the file of an earlier entry that this one must equal."""
        if not isinstance(logits, str):
            logits = self.logits(name, logits)
        entry = {"name": name, "covers": covers, "path": more.pop("path", name), "vocab": spec.vocab, "tokens": tokens,
                 "logits": logits, "tolerance": tolerance}
        self.entries.append(entry | more)

    def finish(self):
        lines = ",\n".join("  " + json.dumps(entry) for entry in self.entries)
        self.path("index.json").write_text('{"models": [\n' + lines + "\n]}\n")


def require_agreement(name, judged, ours, limit=AGREEMENT):
    """Two implementations must give one answer before it becomes a golden."""
    error = relative_error(judged, ours)
    if not error <= limit:
        raise AssertionError(f"{name}: the two reference implementations differ by {error:.2e}, allowed {limit:.0e}")


def relative_error(a, b):
    return float(np.abs(np.asarray(a, np.float64) - b).max() / np.abs(b).max())


def compare_trees(made, committed, foreign):
    """Differences between a fresh tree and the committed one, as a list of sentences; top-level entries that are
    `foreign` don't count."""
    made, committed = pathlib.Path(made), pathlib.Path(committed)
    names = {p.relative_to(root) for root in (made, committed) for p in root.rglob("*") if p.is_file()}
    names = sorted(name.as_posix() for name in names if not foreign(name.parts[0]))
    problems = []
    for name in names:
        a, b = made / name, committed / name
        if not b.exists():
            problems.append(f"{name}: not committed")
        elif not a.exists():
            problems.append(f"{name}: committed, but no longer made")
        elif name.endswith(".logits"):
            x, y = np.fromfile(a, "<f4"), np.fromfile(b, "<f4")
            limit = BF16_CHECK_TOLERANCE if name.endswith("_bf16.logits") else CHECK_TOLERANCE
            if x.shape != y.shape or relative_error(x, y) > limit:
                problems.append(f"{name}: logits differ")
        elif a.read_bytes() != b.read_bytes():
            problems.append(f"{name}: content differs")
    return problems


def forward32(spec, weights, tokens):
    return tiny.forward(spec, weights, tokens).astype(np.float32)


def write_json(path, values):
    """One line for each key: small, and fit for a diff."""
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in values.items())
    path.write_text("{\n" + lines + "\n}\n")
