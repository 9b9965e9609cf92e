"""Tiny Llama models with seeded weights, and a plain float64 forward pass of our own.

The goldens themselves come from transformers; the forward pass here checks them (two implementations, one answer) and
computes what transformers has no switch for: device quantisation, partial rotary embeddings, per-layer widths.
Weights go by Hugging Face's names, q and k in Hugging Face's row order (halves).
"""

import dataclasses
import zlib

import numpy as np


@dataclasses.dataclass(frozen=True)
class Spec:
    """One architecture. `rope` is a dict as in config.json's rope_scaling, or None."""

    name: str
    hidden: int = 32
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 8
    ffn: int = 48
    vocab: int = 96
    eps: float = 1e-5
    theta: float = 10000.0
    rope: dict | None = None
    divisors: tuple | None = None  # GGUF rope_freqs
    rotary_dim: int | None = None
    tied: bool = False
    bias: bool = False
    dtype: str = "bf16"  # what the weights are exact in
    tokens: int = 24
    context: int = 128
    layer_widths: tuple | None = None  # ((heads, kv_heads, ffn), ...) where layers differ

    def widths(self, layer):
        return self.layer_widths[layer] if self.layer_widths else (self.heads, self.kv_heads, self.ffn)


def round_to(values, dtype):
    """float32 values that `dtype` holds exactly (round to nearest, ties to even)."""
    values = np.ascontiguousarray(values, dtype=np.float32)
    if dtype == "f16":
        return values.astype(np.float16).astype(np.float32)
    if dtype == "bf16":
        bits = values.view(np.uint32)
        bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
        return bits.view(np.float32)
    return values


def generator(*names):
    return np.random.Generator(np.random.PCG64(zlib.crc32("/".join(names).encode())))


def matrices(spec):
    """(name, rows, columns) of every matrix of the model."""
    shapes = [("model.embed_tokens", spec.vocab, spec.hidden)]
    for layer in range(spec.layers):
        heads, kv_heads, ffn = spec.widths(layer)
        prefix = f"model.layers.{layer}."
        q, kv = heads * spec.head_dim, kv_heads * spec.head_dim
        shapes += [(prefix + "self_attn.q_proj", q, spec.hidden), (prefix + "self_attn.k_proj", kv, spec.hidden),
                   (prefix + "self_attn.v_proj", kv, spec.hidden), (prefix + "self_attn.o_proj", spec.hidden, q),
                   (prefix + "mlp.gate_proj", ffn, spec.hidden), (prefix + "mlp.up_proj", ffn, spec.hidden),
                   (prefix + "mlp.down_proj", spec.hidden, ffn)]
    if not spec.tied:
        shapes.append(("lm_head", spec.vocab, spec.hidden))
    return shapes


def norms(spec):
    names = [f"model.layers.{i}.{n}" for i in range(spec.layers)
             for n in ("input_layernorm", "post_attention_layernorm")]
    return names + ["model.norm"]


def make_weights(spec):
    """Weights large enough that attention is sharp and every position counts."""
    weights = {}
    for name, rows, cols in matrices(spec):
        scale = 1.0 if name == "model.embed_tokens" else 1.3 / np.sqrt(cols)
        values = generator(spec.name, name).standard_normal((rows, cols)) * scale
        weights[name + ".weight"] = round_to(values, spec.dtype)
        if spec.bias and ".layers." in name:
            bias = generator(spec.name, name, "bias").standard_normal(rows) * 0.3
            weights[name + ".bias"] = round_to(bias, spec.dtype)
    for name in norms(spec):
        values = 1.0 + 0.25 * generator(spec.name, name).standard_normal(spec.hidden)
        weights[name + ".weight"] = round_to(values, spec.dtype)
    return weights


def make_tokens(spec):
    return [int(t) for t in generator(spec.name, "tokens").integers(0, spec.vocab, spec.tokens)]


def hf_config(spec, form="new"):
    """config.json. `form` "old" has rope_theta and rope_scaling, "new" the rope_parameters of transformers 5."""
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
        "hidden_size": spec.hidden, "intermediate_size": spec.ffn, "num_hidden_layers": spec.layers,
        "num_attention_heads": spec.heads, "num_key_value_heads": spec.kv_heads, "head_dim": spec.head_dim,
        "vocab_size": spec.vocab, "rms_norm_eps": spec.eps, "max_position_embeddings": spec.context,
        "tie_word_embeddings": spec.tied, "attention_bias": spec.bias, "mlp_bias": spec.bias,
        "bos_token_id": 1, "eos_token_id": 2,
    }
    dtype = {"f32": "float32", "f16": "float16", "bf16": "bfloat16"}[spec.dtype]
    if form == "old":
        config |= {"torch_dtype": dtype, "rope_theta": spec.theta, "rope_scaling": spec.rope}
    else:
        config |= {"dtype": dtype, "rope_parameters": {"rope_type": "default", "rope_theta": spec.theta} | (spec.rope or {})}
    return config


def to_adjacent(weight, heads):
    """Rows of a q or k projection from Hugging Face's halves to the adjacent pairs of Meta and GGUF files."""
    rows = weight.shape[0]
    split = weight.reshape(heads, 2, rows // heads // 2, *weight.shape[1:])
    return np.ascontiguousarray(split.swapaxes(1, 2).reshape(weight.shape))


def to_halves(weight, heads):
    """The inverse of to_adjacent."""
    rows = weight.shape[0]
    split = weight.reshape(heads, rows // heads // 2, 2, *weight.shape[1:])
    return np.ascontiguousarray(split.swapaxes(1, 2).reshape(weight.shape))


def frequencies(spec):
    """Angle per position of each rotating pair, float64."""
    rotary = spec.rotary_dim or spec.head_dim
    freq = spec.theta ** (-np.arange(0, rotary, 2, dtype=np.float64) / rotary)
    if spec.divisors:
        freq = freq / np.array(spec.divisors, dtype=np.float32).astype(np.float64)
    rope = spec.rope or {}
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind == "linear":
        freq = freq / rope["factor"]
    elif kind == "llama3":
        freq = freq / llama3_divisors(freq, rope)
    return freq


def llama3_divisors(freq, rope):
    context = rope["original_max_position_embeddings"]
    low, high, factor = rope["low_freq_factor"], rope["high_freq_factor"], rope["factor"]
    wavelength = 2 * np.pi / freq
    smooth = np.clip((context / wavelength - low) / (high - low), 0, 1)
    return 1 / ((1 - smooth) / factor + smooth)


def rms_norm(x, weight, eps):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps) * weight


def rotate(x, freq):
    """x [T, heads, head_dim], halves; elements past 2 * len(freq) stay."""
    angles = np.arange(x.shape[0])[:, None, None] * freq
    cos, sin, n = np.cos(angles), np.sin(angles), len(freq)
    a, b = x[..., :n], x[..., n:2 * n]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin, x[..., 2 * n:]], axis=-1)


def attention(q, k, v):
    """Causal. q [T, H, D], k and v [T, KV, D] -> [T, H * D]."""
    repeat = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, repeat, axis=1), np.repeat(v, repeat, axis=1)
    scores = np.einsum("thd,shd->hts", q, k) / np.sqrt(q.shape[-1])
    scores = np.where(np.tri(len(q), dtype=bool), scores, -np.inf)
    p = np.exp(scores - scores.max(-1, keepdims=True))
    return np.einsum("hts,shd->thd", p / p.sum(-1, keepdims=True), v).reshape(len(q), -1)


def forward(spec, weights, tokens, linear=None):
    """Logits [T, vocab] in float64. `linear(name, x)` may replace the plain product for a matrix."""
    def plain(name, x):
        y = x @ weights[name + ".weight"].astype(np.float64).T
        return y + weights[name + ".bias"] if name + ".bias" in weights else y

    linear = linear or plain
    freq = frequencies(spec)
    x = weights["model.embed_tokens.weight"][tokens].astype(np.float64)
    for layer in range(spec.layers):
        heads, kv_heads, _ = spec.widths(layer)
        p = f"model.layers.{layer}."
        h = rms_norm(x, weights[p + "input_layernorm.weight"], spec.eps)
        q = linear(p + "self_attn.q_proj", h).reshape(len(x), heads, spec.head_dim)
        k = linear(p + "self_attn.k_proj", h).reshape(len(x), kv_heads, spec.head_dim)
        v = linear(p + "self_attn.v_proj", h).reshape(len(x), kv_heads, spec.head_dim)
        x = x + linear(p + "self_attn.o_proj", attention(rotate(q, freq), rotate(k, freq), v))
        h = rms_norm(x, weights[p + "post_attention_layernorm.weight"], spec.eps)
        gate = linear(p + "mlp.gate_proj", h)
        x = x + linear(p + "mlp.down_proj", gate / (1 + np.exp(-gate)) * linear(p + "mlp.up_proj", h))
    x = rms_norm(x, weights["model.norm.weight"], spec.eps)
    has_head = "lm_head.weight" in weights
    return linear("lm_head" if has_head or not spec.tied else "model.embed_tokens", x)
