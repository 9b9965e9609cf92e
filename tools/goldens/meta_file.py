"""Writes Meta's consolidated.NN.pth and params.json."""

import json

import numpy as np
import torch

from goldens import tiny

_NAMES = {"self_attn.q_proj": "attention.wq", "self_attn.k_proj": "attention.wk", "self_attn.v_proj": "attention.wv",
          "self_attn.o_proj": "attention.wo", "mlp.gate_proj": "feed_forward.w1", "mlp.up_proj": "feed_forward.w3",
          "mlp.down_proj": "feed_forward.w2", "input_layernorm": "attention_norm", "post_attention_layernorm": "ffn_norm"}
_DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


def meta_name(name):
    fixed = {"model.embed_tokens": "tok_embeddings", "model.norm": "norm", "lm_head": "output"}
    if name in fixed:
        return fixed[name]
    _, _, layer, rest = name.split(".", 3)
    return f"layers.{layer}.{_NAMES[rest]}"


def params(spec, **more):
    values = {"dim": spec.hidden, "n_layers": spec.layers, "n_heads": spec.heads, "n_kv_heads": spec.kv_heads,
              "vocab_size": spec.vocab, "multiple_of": spec.ffn, "ffn_dim_multiplier": 1.0, "norm_eps": spec.eps,
              "rope_theta": spec.theta}
    return values | more


def state_dict(spec, weights):
    state = {}
    for key, value in weights.items():
        name = key.removesuffix(".weight")
        if name.endswith(("q_proj", "k_proj")):
            value = tiny.to_adjacent(value, value.shape[0] // spec.head_dim)
        state[meta_name(name) + ".weight"] = torch.from_numpy(np.ascontiguousarray(value)).to(_DTYPES[spec.dtype])
    return state


def split(state, parts):
    """Model-parallel slices: wo and w2 by columns, the other matrices by rows, vectors whole."""
    shards = []
    for rank in range(parts):
        shard = {}
        for name, value in state.items():
            if value.dim() == 1:
                shard[name] = value
            else:
                axis = 1 if name.endswith(("attention.wo.weight", "feed_forward.w2.weight")) else 0
                shard[name] = value.chunk(parts, dim=axis)[rank].clone()
        shards.append(shard)
    return shards


def write(path, shards, params_json, names=None):
    path.mkdir(parents=True)
    (path / "params.json").write_text(json.dumps(params_json, indent=1) + "\n")
    for rank, shard in enumerate(shards):
        torch.save(shard, path / (names[rank] if names else f"consolidated.{rank:02d}.pth"))
