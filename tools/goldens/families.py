"""The tiny models of tests/data/parity: what each file format and each switch of the architecture has to get right."""

import dataclasses
import json

import numpy as np
import torch
from safetensors.torch import save_file

from goldens import device, gguf_file, judge, llama2c_file, meta_file, store, tiny
from goldens.tiny import Spec

_TORCH = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
_LLAMA3 = {"rope_type": "llama3", "low_freq_factor": 1.0, "high_freq_factor": 4.0}
# A short original context, so that a prompt of 40 tokens meets all three bands of the scaling.
_FACTOR_32 = _LLAMA3 | {"factor": 32.0, "original_max_position_embeddings": 32}
_FACTOR_8 = _LLAMA3 | {"factor": 8.0, "original_max_position_embeddings": 16}


def _write_hf(path, config, tensors, shards=1):
    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    names = sorted(tensors)
    if shards == 1:
        save_file(tensors, path / "model.safetensors", metadata={"format": "pt"})
        return
    weight_map = {}
    for shard in range(shards):
        part = names[shard::shards]
        file = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        save_file({name: tensors[name] for name in part}, path / file, metadata={"format": "pt"})
        weight_map |= {name: file for name in part}
    total = sum(t.numel() * t.element_size() for t in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
    (path / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")


def _torch_weights(spec, weights):
    return {name: torch.from_numpy(np.ascontiguousarray(value)).to(_TORCH[spec.dtype]) for name, value in weights.items()}


def _hf(out, spec, covers, *, form="new", shards=1, drop=(), edit=None, bf16=False):
    """Writes a directory, has transformers read it back and run it."""
    weights, tokens = tiny.make_weights(spec), tiny.make_tokens(spec)
    tensors = _torch_weights(spec, weights)
    if edit:
        edit(weights, tensors)
    config = {key: value for key, value in tiny.hf_config(spec, form).items() if key not in drop}
    _write_hf(out.path(spec.name), config, tensors, shards)
    logits = judge.logits_of_directory(out.path(spec.name), tokens)
    store.require_agreement(spec.name, logits, tiny.forward(spec, weights, tokens))
    _require_scaling_to_matter(spec, weights, tokens, logits)
    more = {}
    if bf16:
        rounded = judge.logits_of_directory(out.path(spec.name), tokens, torch.bfloat16)
        more = {"bf16_logits": out.logits(spec.name + "_bf16", rounded),
                "bf16_error": round(store.relative_error(rounded, logits), 5)}
    out.add(spec.name, covers, spec, tokens, logits, **more)


def hugging_face(out):
    _hf(out, Spec("hf_gqa_f32", dtype="f32"), "grouped-query attention, untied, F32")
    _hf(out, Spec("hf_mqa_f16", kv_heads=1, tied=True, dtype="f16"), "multi-query attention, tied, F16")
    _hf(out, Spec("hf_mha_bf16", kv_heads=4, tied=True), "multi-head attention, tied, BF16; config without head_dim and KV heads",
        form="old", drop=("head_dim", "num_key_value_heads"), bf16=True)
    _hf(out, Spec("hf_gqa_bf16", hidden=64, head_dim=16, ffn=80), "grouped-query attention, untied, BF16", bf16=True)
    scaled = dict(head_dim=16, theta=10000.0, tokens=40, context=1024)
    _hf(out, Spec("hf_rope_llama3_factor32_old", rope=_FACTOR_32, tied=True, **scaled), "llama3 rope, factor 32, as rope_scaling", form="old")
    _hf(out, Spec("hf_rope_llama3_factor8_new", rope=_FACTOR_8, **scaled), "llama3 rope, factor 8, as rope_parameters")
    _hf(out, Spec("hf_rope_linear_old", rope={"type": "linear", "factor": 4.0}, **scaled), "linear rope, the old key `type`", form="old")
    _hf(out, Spec("hf_rope_linear_new", rope={"rope_type": "linear", "factor": 2.5}, **scaled), "linear rope, as rope_parameters")
    _hf(out, Spec("hf_rope_theta", theta=500000.0, tokens=40), "rope theta 500000", form="old")
    _hf(out, Spec("hf_head_dim", hidden=36, head_dim=12, ffn=50, vocab=131, eps=1e-6),
        "heads * head_dim not equal to hidden; odd widths; epsilon 1e-6")
    _hf(out, Spec("hf_odd", hidden=20, layers=3, heads=5, kv_heads=5, head_dim=4, ffn=7, vocab=33, tied=True, dtype="f32"),
        "widths that no vector length divides")
    _hf(out, Spec("hf_large_epsilon", eps=0.1, layers=1), "epsilon as read, not as usual")
    _hf(out, Spec("hf_sharded", dtype="f16"), "three shards and an index", shards=3)
    _hf(out, Spec("hf_bias", bias=True, tied=True), "attention and MLP biases")
    _hf(out, Spec("hf_mixed_dtypes"), "norms F32, MLP F16, the rest BF16", edit=_mix_dtypes)
    _hf(out, Spec("hf_tied_with_stored_head", tied=True), "tied by the config, yet another head is stored: the stored one counts",
        edit=_store_a_head)


def _mix_dtypes(weights, tensors):
    for name, value in weights.items():
        if "norm" in name:
            tensors[name] = torch.from_numpy(value)
        elif ".mlp." in name:
            weights[name] = tiny.round_to(value, "f16")
            tensors[name] = torch.from_numpy(weights[name]).to(torch.float16)


def _store_a_head(weights, tensors):
    head = tiny.round_to(tiny.generator("stored head").standard_normal(weights["model.embed_tokens.weight"].shape), "bf16")
    weights["lm_head.weight"] = head
    tensors["lm_head.weight"] = torch.from_numpy(head).to(torch.bfloat16)


def meta(out):
    plain = Spec("meta", heads=4, kv_heads=2, tokens=24)
    weights, tokens = tiny.make_weights(plain), tiny.make_tokens(plain)
    state = meta_file.state_dict(plain, weights)
    logits = _judged(plain, weights, tokens)
    meta_file.write(out.path("meta_one_shard"), [state], meta_file.params(plain))
    out.add("meta_one_shard", "consolidated.00.pth, adjacent rope pairs", plain, tokens, logits)
    meta_file.write(out.path("meta_two_shards"), meta_file.split(state, 2), meta_file.params(plain))
    out.add("meta_two_shards", "model-parallel shards to merge", plain, tokens, "meta_one_shard.logits")
    wrapped = {"model": meta_file.params(plain, vocab_size=-1)}
    meta_file.write(out.path("meta_wrapped"), [state], wrapped, ["consolidated.pth"])
    out.add("meta_wrapped", "consolidated.pth, params under \"model\", vocabulary from the shapes", plain, tokens, "meta_one_shard.logits")
    _meta_views(out)
    _meta_scaled_rope(out)


def _judged(spec, weights, tokens):
    logits = judge.logits(spec, weights, tokens)
    store.require_agreement(spec.name, logits, tiny.forward(spec, weights, tokens))
    _require_scaling_to_matter(spec, weights, tokens, logits)
    return logits


def _require_scaling_to_matter(spec, weights, tokens, logits):
    """A reader that ignores the scaling of rope has to fail the parity test by a wide margin."""
    if spec.rope or spec.divisors:
        unscaled = tiny.forward(dataclasses.replace(spec, rope=None, divisors=None), weights, tokens)
        if store.relative_error(unscaled, logits) < 1e-2:
            raise AssertionError(f"{spec.name}: the scaling of rope changes too little")


def _meta_views(out):
    """Tensors that share a storage: a tied head, transposed views, slices of one buffer."""
    spec = Spec("meta_views", tied=True, dtype="f16")
    weights, tokens = tiny.make_weights(spec), tiny.make_tokens(spec)
    state = meta_file.state_dict(spec, weights)
    state["output.weight"] = state["tok_embeddings.weight"]
    for layer in range(spec.layers):
        p = f"layers.{layer}."
        key = p + "feed_forward.w2.weight"
        state[key] = state[key].t().contiguous().t()
        both = torch.cat([state[p + "feed_forward.w1.weight"], state[p + "feed_forward.w3.weight"]])
        state[p + "feed_forward.w1.weight"], state[p + "feed_forward.w3.weight"] = both[:spec.ffn], both[spec.ffn:]
    meta_file.write(out.path(spec.name), [state], meta_file.params(spec))
    out.add(spec.name, "shared storages, offsets and strides", spec, tokens, _judged(spec, weights, tokens))


def _meta_scaled_rope(out):
    rope = _LLAMA3 | {"factor": 8.0, "original_max_position_embeddings": 8192}
    spec = Spec("meta_scaled_rope", head_dim=16, theta=500000.0, rope=rope, tokens=40)
    weights, tokens = tiny.make_weights(spec), tiny.make_tokens(spec)
    logits = _judged(spec, weights, tokens)
    meta_file.write(out.path(spec.name), [meta_file.state_dict(spec, weights)], meta_file.params(spec, use_scaled_rope=True))
    out.add(spec.name, "use_scaled_rope", spec, tokens, logits)


def device_quantized(out):
    shape = dict(hidden=64, head_dim=16, ffn=128, tokens=24)
    arguments = {"scheme": "int4_weight_int8_dynamic_activation", "group_size": 256}  # the tensors say 32, and count
    for name, spin, rank in (("meta_spinquant", True, 0), ("meta_qlora", False, 4)):
        spec = Spec(name, **shape)
        model = device.DeviceModel(spec, spin, rank)
        tokens = tiny.make_tokens(spec)
        params = meta_file.params(spec, quantization_args=arguments | {"spinquant": spin})
        if rank:
            params["lora_args"] = {"rank": rank, "scale": model.lora_scale}
        exact = model.logits(tokens, int8_activations=False)
        rounded = model.logits(tokens, int8_activations=True)
        store.require_agreement(name, _merged_logits(spec, model, tokens), exact)
        meta_file.write(out.path(name), [model.meta_tensors(meta_file.meta_name)], params)
        out.add(name, "int4 groups of 32" + (", online Hadamard" if spin else ", LoRA branch"), spec, tokens, exact,
                int8_logits=out.logits(name + "_int8", rounded))


def _merged_logits(spec, model, tokens):
    """transformers on the same function with the Hadamard transform and the LoRA branch folded into the weights."""
    weights = model.dequantized()
    for name in model.q:
        if model.spin and name.endswith("down_proj"):
            weights[name + ".weight"] = device.hadamard(weights[name + ".weight"]).astype(np.float32)
        if name in model.lora:
            a, b = model.lora[name]
            weights[name + ".weight"] = (weights[name + ".weight"] + model.lora_scale * (b.astype(np.float64) @ a)).astype(np.float32)
    return judge.logits(spec, weights, tokens)


def gguf(out):
    small = dict(hidden=32, ffn=64, tokens=20)
    for kind in ("F32", "F16", "BF16"):
        _gguf(out, Spec("gguf_" + kind.lower(), dtype=kind.lower(), **small), f"{kind} matrices", kind)
    wide = dict(hidden=64, head_dim=16, ffn=96, dtype="f32", tokens=20)
    for kind in ("Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"):
        _gguf(out, Spec("gguf_" + kind.lower(), **wide), f"{kind} matrices, 96 columns in the widest", kind)
    for kind in ("Q4_K", "Q5_K", "Q6_K"):  # 64 columns of attn_output can't hold a K block: llama.cpp falls back, as here
        spec = Spec("gguf_" + kind.lower(), hidden=256, layers=1, heads=2, kv_heads=1, head_dim=32, ffn=256, vocab=64, tied=True,
                    dtype="f32", tokens=20)
        fallback = {"Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}[kind]
        _gguf(out, spec, f"{kind} matrices, {fallback} where a row is too short",
              lambda name, k=kind, f=fallback: f if name.endswith("o_proj") else k)
    _gguf_switches(out)


def _gguf_switches(out):
    def mixed(name):
        if name == "model.embed_tokens":
            return "Q8_0"
        return "Q5_0" if name.endswith(("v_proj", "down_proj")) else "Q4_0"

    _gguf(out, Spec("gguf_mixed", hidden=64, head_dim=16, ffn=96, tied=True, dtype="f32", tokens=20), "several kinds in one model", mixed)
    base = dict(head_dim=16, dtype="f16", tokens=40, context=1024)
    _gguf(out, Spec("gguf_version2", dtype="f16", tokens=20), "GGUF version 2, alignment 64", "F16", version=2, alignment=64)
    plain = Spec("", head_dim=16)
    divisors = tuple(float(d) for d in tiny.llama3_divisors(tiny.frequencies(plain), _FACTOR_32).astype(np.float32))
    _gguf(out, Spec("gguf_rope_freqs", divisors=divisors, **base), "llama3 rope as rope_freqs.weight", "F16")
    _gguf(out, Spec("gguf_rope_linear", rope={"rope_type": "linear", "factor": 4.0}, **base), "linear rope by metadata", "F16")
    _gguf(out, Spec("gguf_partial_rotary", rotary_dim=8, **base), "half of each head rotates", "F16", judged=False)
    widths = ((4, 2, 48), (2, 1, 32), (4, 4, 80))
    _gguf(out, Spec("gguf_layer_widths", layers=3, layer_widths=widths, dtype="f16", tokens=20), "heads and FFN differ by layer", "F16")


def _gguf(out, spec, covers, kind, judged=True, **options):
    choose = kind if callable(kind) else lambda name: kind
    file = spec.name + ".gguf"
    weights = gguf_file.write_model(out.path(file), spec, choose, **options)
    tokens = tiny.make_tokens(spec)
    logits = _judged(spec, weights, tokens) if judged else store.forward32(spec, weights, tokens)
    out.add(spec.name, covers, spec, tokens, logits, path=file)


def llama2c(out):
    for tied in (True, False):
        name = "llama2c_tied" if tied else "llama2c_untied"
        spec = Spec(name, tied=tied, dtype="f32", tokens=20, context=32)
        weights, tokens = tiny.make_weights(spec), tiny.make_tokens(spec)
        path = out.path(name)
        path.mkdir()
        llama2c_file.write(path / "model.bin", spec, weights)
        pieces = [(b"<unk>", 0.0), (b"\n<s>\n", 0.0), (b"\n</s>\n", 0.0)]
        pieces += [(bytes([33 + i]), -float(i)) for i in range(spec.vocab - 3)]
        llama2c_file.write_tokenizer(path / "tokenizer.bin", pieces)
        out.add(name, "llama2.c version 0, " + ("shared head" if tied else "own head"), spec, tokens,
                _judged(spec, weights, tokens), path=name + "/model.bin")
