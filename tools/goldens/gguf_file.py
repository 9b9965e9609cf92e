"""Writes GGUF files, version 2 or 3, little-endian: the layout of ggml's docs/gguf.md."""

import struct

import numpy as np

from goldens import blocks, tiny

_U32, _F32, _BOOL, _STRING, _ARRAY = 4, 6, 7, 8, 9


def _string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value):
    if isinstance(value, bool):
        return struct.pack("<I?", _BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", _U32, value)
    if isinstance(value, float):
        return struct.pack("<If", _F32, value)
    if isinstance(value, str):
        return struct.pack("<I", _STRING) + _string(value)
    return struct.pack("<IIQ", _ARRAY, _U32, len(value)) + struct.pack(f"<{len(value)}I", *value)


def write(path, metadata, tensors, version=3, alignment=32):
    """`tensors`: (name, kind, shape outermost first, bytes)."""
    if alignment != 32:
        metadata = metadata | {"general.alignment": alignment}
    header = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(metadata))
    for key, value in metadata.items():
        header += _string(key) + _value(value)
    offset, data = 0, b""
    for name, kind, shape, content in tensors:
        header += _string(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *reversed(shape))
        header += struct.pack("<IQ", blocks.kind_of(kind).value, offset)
        data += content + bytes(-len(content) % alignment)
        offset = len(data)
    path.write_bytes(header + bytes(-len(header) % alignment) + data)


_NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
          "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
          "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}


def tensor_name(name):
    """Hugging Face's name (without .weight) as GGUF calls it."""
    fixed = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    if name in fixed:
        return fixed[name] + ".weight"
    _, _, layer, rest = name.split(".", 3)
    return f"blk.{layer}.{_NAMES[rest]}.weight"


def metadata(spec):
    def per_layer(index):
        values = [spec.widths(layer)[index] for layer in range(spec.layers)]
        return values if spec.layer_widths else values[0]

    keys = {
        "general.architecture": "llama", "general.name": spec.name, "llama.block_count": spec.layers,
        "llama.context_length": spec.context, "llama.embedding_length": spec.hidden,
        "llama.feed_forward_length": per_layer(2), "llama.attention.head_count": per_layer(0),
        "llama.attention.head_count_kv": per_layer(1), "llama.attention.layer_norm_rms_epsilon": float(spec.eps),
        "llama.attention.key_length": spec.head_dim, "llama.attention.value_length": spec.head_dim,
        "llama.rope.freq_base": float(spec.theta), "llama.rope.dimension_count": spec.rotary_dim or spec.head_dim,
        "llama.vocab_size": spec.vocab,
    }
    if spec.rope:  # GGUF has a key for linear scaling only; llama3's goes into rope_freqs
        keys |= {"llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": float(spec.rope["factor"])}
    return keys


def write_model(path, spec, kind, version=3, alignment=32):
    """Writes the tiny model of `spec` with matrices of `kind(name)`; returns the weights as they read back."""
    source, stored, tensors = tiny.make_weights(spec), {}, []
    for name in tiny.norms(spec):
        stored[name + ".weight"] = source[name + ".weight"]
        tensors.append((tensor_name(name), "F32", (spec.hidden,), source[name + ".weight"].astype("<f4").tobytes()))
    for name, rows, cols in tiny.matrices(spec):
        rng = tiny.generator(spec.name, name, "blocks")
        data = blocks.encode(kind(name), source[name + ".weight"], rng)
        values = blocks.decode(kind(name), data, cols)
        if name.endswith(("q_proj", "k_proj")):  # the file's rows are in adjacent order
            heads = rows // spec.head_dim
            if spec.rotary_dim:
                values = _partial_halves(values, heads, spec)
            else:
                values = tiny.to_halves(values, heads)
        stored[name + ".weight"] = values
        tensors.append((tensor_name(name), kind(name), (rows, cols), data.tobytes()))
    if spec.divisors:
        data = np.array(spec.divisors, dtype="<f4")
        tensors.append(("rope_freqs.weight", "F32", data.shape, data.tobytes()))
    write(path, metadata(spec), tensors, version, alignment)
    return stored


def _partial_halves(values, heads, spec):
    rows = values.reshape(heads, spec.head_dim, -1)
    turning = tiny.to_halves(rows[:, :spec.rotary_dim].reshape(heads * spec.rotary_dim, -1), heads)
    turning = turning.reshape(heads, spec.rotary_dim, -1)
    return np.concatenate([turning, rows[:, spec.rotary_dim:]], axis=1).reshape(values.shape)
