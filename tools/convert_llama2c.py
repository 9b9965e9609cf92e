#!/usr/bin/env python3
"""Converts a llama2.c model (version 0) and its tokenizer to a Hugging Face directory.

    tools/convert_llama2c.py stories260K.bin tok512.bin tests/data/stories260k

Writes config.json, generation_config.json, model.safetensors (float32), tokenizer.json and tokenizer_config.json. The
rows of wq and wk are put from llama2.c's order (rotating pairs are neighbours) into Hugging Face's (halves of a head).
The tokenizer becomes a byte-fallback BPE: its merges are all splits of every piece into two pieces, best score first, which
is how transformers converts SentencePiece models too.

Needs nothing beyond Python's standard library. tests/data/stories260k was made by it, once.
"""

import argparse
import array
import json
import pathlib
import struct

HEADER = struct.Struct("<7i")
SPACE = "\u2581"  # SentencePiece's spelling of a space
NAMES = ["<unk>", "<s>", "</s>"]
FIRST_TEXT_TOKEN = 3
STOPS = [2, 1]  # run.c stops at BOS too: it delimits the training texts


class Model:
    """The header and the float32 tensors of a version 0 file, by Hugging Face's names."""

    def __init__(self, data):
        (self.dim, self.hidden, self.layers, self.heads, self.kv_heads, vocab, self.context) = HEADER.unpack_from(data)
        self.vocab, self.tied = abs(vocab), vocab > 0
        self.head_dim = self.dim // self.heads
        self._floats = array.array("f", data[HEADER.size:])
        self._position = 0
        self.tensors = {}  # name -> (shape, array of float32)
        self._read()

    def _take(self, name, *shape):
        count = 1
        for size in shape:
            count *= size
        values = self._floats[self._position:self._position + count]
        if len(values) != count:
            raise SystemExit(f"the file ends inside {name}")
        self._position += count
        self.tensors[name] = (list(shape), values)

    def _take_layers(self, name, *shape):
        for layer in range(self.layers):
            self._take(f"model.layers.{layer}.{name}.weight", *shape)

    def _read(self):
        kv = self.kv_heads * self.head_dim
        self._take("model.embed_tokens.weight", self.vocab, self.dim)
        self._take_layers("input_layernorm", self.dim)
        self._take_layers("self_attn.q_proj", self.dim, self.dim)
        self._take_layers("self_attn.k_proj", kv, self.dim)
        self._take_layers("self_attn.v_proj", kv, self.dim)
        self._take_layers("self_attn.o_proj", self.dim, self.dim)
        self._take_layers("post_attention_layernorm", self.dim)
        self._take_layers("mlp.gate_proj", self.hidden, self.dim)
        self._take_layers("mlp.down_proj", self.dim, self.hidden)
        self._take_layers("mlp.up_proj", self.hidden, self.dim)
        self._take("model.norm.weight", self.dim)
        self._position += self.context * self.head_dim  # the rotations: computed anew
        if not self.tied:
            self._take("lm_head.weight", self.vocab, self.dim)
        if self._position != len(self._floats):
            raise SystemExit(f"the header calls for {self._position} numbers, the file has {len(self._floats)}")
        for name in self.tensors:
            if name.endswith(("q_proj.weight", "k_proj.weight")):
                self.tensors[name] = self._to_halves(*self.tensors[name])

    def _to_halves(self, shape, values):
        rows, cols = shape
        half = self.head_dim // 2
        result = array.array("f")
        for row in range(rows):
            head, j = divmod(row, self.head_dim)
            source = head * self.head_dim + (2 * j if j < half else 2 * (j - half) + 1)
            result.extend(values[source * cols:(source + 1) * cols])
        return shape, result

    def config(self):
        return {
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
            "hidden_size": self.dim, "intermediate_size": self.hidden, "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads, "num_key_value_heads": self.kv_heads, "head_dim": self.head_dim,
            "vocab_size": self.vocab, "max_position_embeddings": self.context, "rms_norm_eps": 1e-05,
            "rope_theta": 10000.0, "rope_scaling": None, "attention_bias": False, "mlp_bias": False,
            "tie_word_embeddings": self.tied, "bos_token_id": 1, "eos_token_id": STOPS, "torch_dtype": "float32",
        }


def safetensors(tensors):
    header, position = {"__metadata__": {"format": "pt"}}, 0
    for name, (shape, values) in tensors.items():
        end = position + 4 * len(values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [position, end]}
        position = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(values.tobytes() for _, values in tensors.values())


def read_pieces(data, vocab):
    """[(piece, score)] in SentencePiece's spelling."""
    pieces, position = [], 4
    for token in range(vocab):
        score, length = struct.unpack_from("<fi", data, position)
        piece = data[position + 8:position + 8 + length].decode()
        pieces.append((NAMES[token] if token < FIRST_TEXT_TOKEN else piece.replace(" ", SPACE), score))
        position += 8 + length
    if position != len(data):
        raise SystemExit(f"{len(data) - position} bytes behind the tokenizer's {vocab} tokens: another model's?")
    return pieces


def merges(pieces):
    ids = {piece: token for token, (piece, _) in enumerate(pieces) if token >= FIRST_TEXT_TOKEN}
    found = []
    for piece, token in ids.items():
        for i in range(1, len(piece)):
            left, right = piece[:i], piece[i:]
            if left in ids and right in ids:
                found.append((-pieces[token][1], ids[left], ids[right], [left, right]))
    return [pair for *_, pair in sorted(found)]


def tokenizer(pieces):
    def special(token):
        return {"id": token, "content": NAMES[token], "single_word": False, "lstrip": False, "rstrip": False,
                "normalized": False, "special": True}

    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [special(i) for i in range(3)],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": SPACE}, {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}]},
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                     {"SpecialToken": {"id": "<s>", "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": SPACE}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
            "vocab": {piece: token for token, (piece, _) in enumerate(pieces)}, "merges": merges(pieces)},
    }


TOKENIZER_CONFIG = {
    "tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": True, "add_eos_token": False, "bos_token": "<s>",
    "eos_token": "</s>", "unk_token": "<unk>", "clean_up_tokenization_spaces": False,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("tokenizer", type=pathlib.Path)
    parser.add_argument("directory", type=pathlib.Path)
    arguments = parser.parse_args()
    model = Model(arguments.model.read_bytes())
    pieces = read_pieces(arguments.tokenizer.read_bytes(), model.vocab)
    out = arguments.directory
    out.mkdir(parents=True, exist_ok=True)
    documents = {
        "config.json": model.config(), "generation_config.json": {"bos_token_id": 1, "eos_token_id": STOPS},
        "tokenizer.json": tokenizer(pieces), "tokenizer_config.json": TOKENIZER_CONFIG,
    }
    for name, document in documents.items():
        (out / name).write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (out / "model.safetensors").write_bytes(safetensors(model.tensors))


if __name__ == "__main__":
    main()
