#!/usr/bin/env python3
"""Makes the goldens of the parity tests: what the reference implementation computes, as small committed files.

  make_goldens.py [PART...]          remakes the goldens (all parts by default)
  make_goldens.py --check [PART...]  recomputes and compares with what is committed; exit 1 on a difference

Parts:
  parity    tests/data/parity: tiny seeded models of every format, and their logits
  stories   tests/data/parity/stories260k.json: the greedy story; needs --stories FOLDER
  smollm2   tests/data/smollm2: log-probabilities and greedy answers of SmolLM2-135M; takes minutes
  embedding tests/data/embedding: tiny seeded encoders and their vectors; ids and vectors of all-MiniLM-L6-v2

Needs the packages of tools/goldens/requirements.txt; nothing else in the project does.
"""

import argparse
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from goldens import store  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
STORIES = "stories260k.json"
TEXT = "text.txt"


def make_parity(folder):
    from goldens import families
    out = store.Store(folder)
    for family in (families.hugging_face, families.meta, families.device_quantized, families.gguf, families.llama2c):
        family(out)
    out.finish()


def make_stories(folder, source):
    from goldens import stories
    stories.make(source, folder)


def make_smollm2(folder):
    from goldens import smollm2
    smollm2.make(ROOT / "tests/data/smollm2" / TEXT, folder)


def make_embedding(folder):
    from goldens import embedding
    embedding.make(folder)


def parts(arguments):
    """name -> (how to make it, where it is committed, which files there it doesn't own)"""
    made = {"parity": (make_parity, "tests/data/parity", lambda name: name == STORIES),
            "smollm2": (make_smollm2, "tests/data/smollm2", lambda name: name == TEXT),
            "embedding": (make_embedding, "tests/data/embedding", lambda name: False)}
    if arguments.stories:
        made["stories"] = (lambda folder: make_stories(folder, arguments.stories), "tests/data/parity", lambda name: name != STORIES)
    return made


def commit(fresh, folder, foreign):
    """Replaces the files of `folder` that the part owns."""
    for entry in folder.iterdir() if folder.exists() else ():
        if not foreign(entry.name):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    shutil.copytree(fresh, folder, dirs_exist_ok=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the committed files instead of writing them")
    parser.add_argument("--stories", type=pathlib.Path, metavar="FOLDER", help="has stories260K.bin and tok512.bin of karpathy/tinyllamas")
    parser.add_argument("parts", nargs="*", metavar="PART")
    arguments = parser.parse_args()
    known, failed = parts(arguments), False
    for part in arguments.parts or known:
        if part not in known:
            parser.error(f"no part '{part}' (here: {', '.join(known)}; stories needs --stories)")
        make, where, foreign = known[part]
        with tempfile.TemporaryDirectory() as temporary:
            fresh = pathlib.Path(temporary) / "fresh"
            make(fresh)
            if arguments.check:
                problems = store.compare_trees(fresh, ROOT / where, foreign)
                print(f"{part}: " + ("; ".join(problems) or "as committed"))
                failed |= bool(problems)
            else:
                commit(fresh, ROOT / where, foreign)
                size = sum(p.stat().st_size for p in fresh.rglob("*") if p.is_file())
                print(f"{part}: {where}, {size / 1e6:.2f} MB")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
