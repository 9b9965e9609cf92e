"""Meta's device-quantised checkpoints: int4 groups with int8 per-token activations, as torchao defines the arithmetic
(torchao/quantization/quant_primitives.py, GPTQ.py Int8DynActInt4WeightLinear; llama-models quantization/loader.py)."""

import numpy as np
import torch

from goldens import tiny

GROUP = 32
EPS = np.float32(np.finfo(np.float32).eps)


def quantize_groups(weight, group, low, high):
    """torchao's symmetric choice: scale = absmax / ((high - low) / 2), round half to even. int8 values, f32 scales."""
    rows, cols = weight.shape
    parts = weight.reshape(rows, cols // group, group).astype(np.float32)
    scales = np.maximum(np.abs(parts).max(-1) / np.float32((high - low) / 2), np.finfo(np.float32).tiny).astype(np.float32)
    values = np.clip(np.rint(parts / scales[..., None]), low, high)
    return values.reshape(rows, cols).astype(np.int8), scales


def fake_quantize_tokens(x):
    """x [T, n] float32 -> the float32 values that asymmetric int8 with one scale a token can hold."""
    x = x.astype(np.float32)
    low, high = np.minimum(x.min(-1, keepdims=True), 0), np.maximum(x.max(-1, keepdims=True), 0)
    scale = np.maximum((high - low) / np.float32(255), EPS)
    zero = np.clip(-128 - np.rint(low / scale), -128, 127)
    values = np.clip(np.rint(x / scale) + zero, -128, 127)
    return (values - zero) * scale


def hadamard(x):
    """Sylvester's matrix over the last axis, orthonormal."""
    n = x.shape[-1]
    y = x.astype(np.float64)
    width = 1
    while width < n:
        y = y.reshape(*x.shape[:-1], n // (2 * width), 2, width)
        y = np.stack([y[..., 0, :] + y[..., 1, :], y[..., 0, :] - y[..., 1, :]], axis=-2)
        width *= 2
    return y.reshape(x.shape) / np.sqrt(n)


class DeviceModel:
    """The quantised tensors of a spec, by Hugging Face's names, and the model that they define."""

    def __init__(self, spec, spin, rank=0, lora_scale=2.0):
        self.spec, self.spin, self.rank, self.lora_scale = spec, spin, rank, lora_scale
        self.q, self.scales, self.lora, self.norms = {}, {}, {}, {}
        source = tiny.make_weights(spec)
        for name, rows, cols in tiny.matrices(spec):
            weight = source[name + ".weight"]
            if ".layers." not in name:
                self.q[name], self.scales[name] = quantize_groups(weight, cols, -128, 127)
                continue
            if spin and name.endswith("down_proj"):  # the rotation that the run-time transform undoes
                weight = hadamard(weight).astype(np.float32)
            self.q[name], self.scales[name] = quantize_groups(weight, GROUP, -8, 7)
            if rank:
                rng = tiny.generator(spec.name, name, "lora")
                self.lora[name] = tuple(tiny.round_to(rng.standard_normal(s) * 0.15, "bf16") for s in ((rank, cols), (rows, rank)))
        for name in tiny.norms(spec):
            self.norms[name] = source[name + ".weight"]

    def dequantized(self):
        """Weights by name, LoRA not merged."""
        weights = {name + ".weight": value for name, value in self.norms.items()}
        for name, q in self.q.items():
            group = q.shape[1] // self.scales[name].shape[1]
            weights[name + ".weight"] = q.astype(np.float32) * np.repeat(self.scales[name], group, axis=1)
        return weights

    def logits(self, tokens, int8_activations):
        weights = self.dequantized()

        def linear(name, x):
            if self.spin and name.endswith("down_proj"):
                x = hadamard(x)
            entering = fake_quantize_tokens(x).astype(np.float64) if int8_activations else x
            y = entering @ weights[name + ".weight"].astype(np.float64).T
            if name in self.lora:
                a, b = self.lora[name]
                y = y + self.lora_scale * (x @ a.T.astype(np.float64)) @ b.T.astype(np.float64)
            return y

        return tiny.forward(self.spec, weights, tokens, linear).astype(np.float32)

    def meta_tensors(self, meta_name):
        """The state dict of the release: q and k rows adjacent, as everything Meta stores."""
        state = {}

        def order(name, value):
            if name.endswith(("q_proj", "k_proj")):
                return tiny.to_adjacent(value, value.shape[0] // self.spec.head_dim)
            return value

        for name, value in self.norms.items():
            state[meta_name(name) + ".weight"] = torch.from_numpy(value).to(torch.bfloat16)
        for name, q in self.q.items():
            state[meta_name(name) + ".weight"] = torch.from_numpy(order(name, q))
            state[meta_name(name) + ".scales"] = torch.from_numpy(order(name, self.scales[name]))
        for name, (a, b) in self.lora.items():
            state[meta_name(name) + ".adaptor.A.weight"] = torch.from_numpy(a).to(torch.bfloat16)
            state[meta_name(name) + ".adaptor.B.weight"] = torch.from_numpy(order(name, b)).to(torch.bfloat16)
        return state
