"""The version 0 .bin of karpathy/llama2.c (export.py, legacy_export), its tokenizer.bin, and its greedy text."""

import struct

import numpy as np

from goldens import tiny

_ORDER = ("input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
          "post_attention_layernorm", "mlp.gate_proj", "mlp.down_proj", "mlp.up_proj")


def write(path, spec, weights):
    """A negative vocabulary size says that the head is stored apart from the embedding."""
    vocab = spec.vocab if spec.tied else -spec.vocab
    data = struct.pack("<7i", spec.hidden, spec.ffn, spec.layers, spec.heads, spec.kv_heads, vocab, spec.context)
    parts = [weights["model.embed_tokens.weight"]]
    for kind in _ORDER:
        for layer in range(spec.layers):
            value = weights[f"model.layers.{layer}.{kind}.weight"]
            if kind.endswith(("q_proj", "k_proj")):
                value = tiny.to_adjacent(value, value.shape[0] // spec.head_dim)
            parts.append(value)
    parts.append(weights["model.norm.weight"])
    angles = np.arange(spec.context)[:, None] * tiny.frequencies(spec)
    parts += [np.cos(angles), np.sin(angles)]
    if not spec.tied:
        parts.append(weights["lm_head.weight"])
    path.write_bytes(data + b"".join(np.ascontiguousarray(p, dtype="<f4").tobytes() for p in parts))


def read(path):
    """(spec, weights by Hugging Face's names) of a .bin file."""
    data = path.read_bytes()
    hidden, ffn, layers, heads, kv_heads, vocab, context = struct.unpack_from("<7i", data)
    spec = tiny.Spec(path.stem, hidden=hidden, layers=layers, heads=heads, kv_heads=kv_heads, head_dim=hidden // heads,
                     ffn=ffn, vocab=abs(vocab), tied=vocab > 0, dtype="f32", context=context)
    values, offset, weights = np.frombuffer(data, "<f4", offset=28), 0, {}
    shapes = {name: (rows, cols) for name, rows, cols in tiny.matrices(spec)} | {n: (hidden,) for n in tiny.norms(spec)}

    def take(name):
        nonlocal offset
        count = int(np.prod(shapes[name]))
        value = values[offset:offset + count].reshape(shapes[name])
        offset += count
        if name.endswith(("q_proj", "k_proj")):
            value = tiny.to_halves(value, value.shape[0] // spec.head_dim)
        weights[name + ".weight"] = value

    take("model.embed_tokens")
    for kind in _ORDER:
        for layer in range(layers):
            take(f"model.layers.{layer}.{kind}")
    take("model.norm")
    offset += context * spec.head_dim  # the rope tables
    if not spec.tied:
        take("lm_head")
    if offset != len(values):
        raise ValueError(f"{path}: {len(values)} floats, expected {offset}")
    return spec, weights


def write_tokenizer(path, pieces):
    """`pieces`: (bytes, score) per id."""
    data = struct.pack("<i", max(len(p) for p, _ in pieces))
    for piece, score in pieces:
        data += struct.pack("<fi", score, len(piece)) + piece
    path.write_bytes(data)


def read_pieces(path, vocab):
    data, offset, pieces = path.read_bytes(), 4, []
    for _ in range(vocab):
        _, length = struct.unpack_from("<fi", data, offset)
        pieces.append(data[offset + 8:offset + 8 + length])
        offset += 8 + length
    return pieces


def decode(pieces, ids):
    """Text after BOS (1), by the rules of llama2.c's run.c: one leading space dropped, <0xNN> is a byte."""
    text, previous = b"", 1
    for token in ids:
        piece = pieces[token]
        if previous == 1 and piece.startswith(b" "):
            piece = piece[1:]
        if len(piece) == 6 and piece.startswith(b"<0x"):
            piece = bytes([int(piece[3:5], 16)])
        text, previous = text + piece, token
    return text.decode()
