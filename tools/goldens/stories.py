"""stories260K (karpathy/tinyllamas, MIT): the greedy story that llama2.c's own test expects, by two forward passes."""

import numpy as np

from goldens import judge, llama2c_file, store, tiny

TOKENS = 200
BOS = 1
# The first words of the story in llama2.c's test_all.py; a different story would be a defect of this tool.
PUBLISHED_START = ("Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, "
                   "red ball. She wanted to play with it, but it was too high.\nLily's mom said, \"Lily, let's go to the park.\"")


def make(source, folder):
    """`source` holds stories260K.bin and tok512.bin; writes stories260k.json."""
    spec, weights = llama2c_file.read(source / "stories260K.bin")
    pieces = llama2c_file.read_pieces(source / "tok512.bin", spec.vocab)
    model = judge.build(spec, weights)
    ids, margins = judge.greedy(model, [BOS], TOKENS)
    if ids != _greedy_by_ours(spec, weights):
        raise AssertionError("stories260K: the two reference implementations tell different stories")
    text = llama2c_file.decode(pieces, ids)
    if not text.startswith(PUBLISHED_START):
        raise AssertionError(f"stories260K: not the published story: {text[:80]!r}")
    store.Store(folder)
    golden = {"source": "stories260K.bin of karpathy/tinyllamas (MIT)", "prompt": [BOS], "tokens": ids,
              "smallest_margin": round(float(min(margins)), 5), "text": text}
    store.write_json(folder / "stories260k.json", golden)


def _greedy_by_ours(spec, weights):
    ids = [BOS]
    for _ in range(TOKENS):
        ids.append(int(np.argmax(tiny.forward(spec, weights, ids)[-1])))
    return ids[1:]
