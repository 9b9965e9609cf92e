#!/usr/bin/env python3
"""Writes Llama 3's tokenizer.model (tiktoken's format) from the vocabulary in npm's llama3-tokenizer-js.

    tools/convert_llama3_vocabulary.py llama3-tokenizer-js-1.2.0.tgz tokenizer.model

The package holds the tokens in the order of their ids, each in GPT-2's alphabet for bytes, joined by line feeds, in
base64. The result is byte for byte the file that Meta publishes.
"""
import base64
import re
import sys
import tarfile

DATA = "package/src/data-converted.js"


def bytes_of_character():
    """GPT-2's alphabet: printable bytes of Latin-1 are themselves, the others U+0100 and up."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(b): b for b in printable} | {chr(0x100 + i): b for i, b in enumerate(others)}


def main(package, target):
    with tarfile.open(package) as archive:
        script = archive.extractfile(DATA).read().decode("ascii")
    vocabulary = re.search(r'llama_vocab_base64\s*=\s*"([A-Za-z0-9+/=]*)"', script)
    if vocabulary is None:
        sys.exit(f"{package}: no llama_vocab_base64 in {DATA}")
    alphabet = bytes_of_character()
    tokens = base64.b64decode(vocabulary[1]).decode("utf-8").split("\n")
    with open(target, "wb") as out:
        for rank, token in enumerate(tokens):
            out.write(base64.b64encode(bytes(alphabet[c] for c in token)) + b" %d\n" % rank)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
