"""GGUF block formats in numpy: decoding from the byte layouts of ggml-common.h, written apart from the gguf package and
compared with it, and valid random blocks for the K kinds, which that package can't encode."""

import gguf
import numpy as np

from goldens import tiny

TYPES = gguf.GGMLQuantizationType


def kind_of(name):
    return TYPES[name]


def encode(kind, values, rng):
    """Bytes [rows, n] of float32 `values` [rows, cols]. K kinds ignore the values but for their scale."""
    if kind in ("Q4_K", "Q5_K", "Q6_K"):
        return _random_k_blocks(kind, values, rng)
    if kind == "BF16":
        return (tiny.round_to(values, "bf16").view(np.uint32) >> 16).astype("<u2").view(np.uint8)
    return np.ascontiguousarray(gguf.quants.quantize(values, TYPES[kind])).view(np.uint8)


def decode(kind, data, cols):
    """float32 [rows, cols]; our decoder and the gguf package's must agree."""
    rows = data.shape[0]
    ours = _DECODERS[kind](data.reshape(-1)).reshape(rows, cols).astype(np.float32)
    theirs = gguf.quants.dequantize(data, TYPES[kind]).reshape(rows, cols)
    if not np.allclose(ours, theirs, rtol=1e-6, atol=1e-7):
        raise AssertionError(f"{kind}: two decoders disagree by {np.abs(ours - theirs).max()}")
    return theirs


def _half(data):
    return data.reshape(data.shape[0], -1, 2).copy().view("<f2").reshape(data.shape[0], -1).astype(np.float32)


def _blocks(data, size):
    return data.reshape(-1, size)


def _nibbles(q):
    return np.concatenate([q & 15, q >> 4], axis=1).astype(np.int32)


def _q8_0(data):
    b = _blocks(data, 34)
    return _half(b[:, :2]) * b[:, 2:].view(np.int8)


def _q4_0(data):
    b = _blocks(data, 18)
    return _half(b[:, :2]) * (_nibbles(b[:, 2:]) - 8)


def _q4_1(data):
    b = _blocks(data, 20)
    return _half(b[:, :2]) * _nibbles(b[:, 4:]) + _half(b[:, 2:4])


def _fifth(high):
    return np.unpackbits(high, axis=1, bitorder="little").astype(np.int32) << 4


def _q5_0(data):
    b = _blocks(data, 22)
    return _half(b[:, :2]) * ((_nibbles(b[:, 6:]) | _fifth(b[:, 2:6])) - 16)


def _q5_1(data):
    b = _blocks(data, 24)
    return _half(b[:, :2]) * (_nibbles(b[:, 8:]) | _fifth(b[:, 4:8])) + _half(b[:, 2:4])


def _scales_and_minima(s):
    s = s.astype(np.int32)
    scale = np.concatenate([s[:, 0:4] & 63, (s[:, 8:12] & 15) | (s[:, 0:4] >> 6) << 4], axis=1)
    minimum = np.concatenate([s[:, 4:8] & 63, (s[:, 8:12] >> 4) | (s[:, 4:8] >> 6) << 4], axis=1)
    return scale, minimum


def _pack_scales_and_minima(scale, minimum):
    low = scale[:, :4] | (scale[:, 4:] >> 4) << 6
    middle = minimum[:, :4] | (minimum[:, 4:] >> 4) << 6
    high = (scale[:, 4:] & 15) | (minimum[:, 4:] & 15) << 4
    return np.concatenate([low, middle, high], axis=1).astype(np.uint8)


def _pairs_of_subblocks(q):
    """[n, 128] bytes -> [n, 8, 32]: low nibbles of 32 bytes, then their high nibbles."""
    q = q.reshape(-1, 4, 32)
    return np.stack([q & 15, q >> 4], axis=2).reshape(-1, 8, 32).astype(np.int32)


def _affine(b, quants):
    scale, minimum = _scales_and_minima(b[:, 4:16])
    return (_half(b[:, :2]) * scale)[..., None] * quants - (_half(b[:, 2:4]) * minimum)[..., None]


def _q4_k(data):
    b = _blocks(data, 144)
    return _affine(b, _pairs_of_subblocks(b[:, 16:]))


def _q5_k(data):
    b = _blocks(data, 176)
    fifth = (b[:, 16:48][:, None, :] >> np.arange(8, dtype=np.uint8)[None, :, None]) & 1
    return _affine(b, _pairs_of_subblocks(b[:, 48:]) | fifth.astype(np.int32) << 4)


def _q6_k(data):
    b = _blocks(data, 210)
    low, high = b[:, :128].reshape(-1, 2, 64), b[:, 128:192].reshape(-1, 2, 32)
    scales, d = b[:, 192:208].view(np.int8).astype(np.float32), _half(b[:, 208:])
    nibbles = np.concatenate([low & 15, low >> 4], axis=2).reshape(-1, 2, 4, 32).astype(np.int32)
    two = (high[:, :, None, :] >> np.array([0, 2, 4, 6], dtype=np.uint8)[None, None, :, None]) & 3
    quants = (nibbles | two.astype(np.int32) << 4) - 32
    return (d * scales)[..., None] * quants.reshape(-1, 16, 16)


_DECODERS = {
    "F32": lambda d: d.view("<f4"), "F16": lambda d: d.view("<f2").astype(np.float32),
    "BF16": lambda d: (d.view("<u2").astype(np.uint32) << 16).view(np.float32),
    "Q8_0": _q8_0, "Q4_0": _q4_0, "Q4_1": _q4_1, "Q5_0": _q5_0, "Q5_1": _q5_1,
    "Q4_K": _q4_k, "Q5_K": _q5_k, "Q6_K": _q6_k,
}


def _f16_bytes(values):
    return values.astype("<f2").reshape(-1, 1).view(np.uint8)


def _random_k_blocks(kind, values, rng):
    """Every bit of the quants random; scales such that the decoded weights spread like `values`."""
    rows, cols = values.shape
    n, spread = rows * cols // 256, float(values.std())
    def bits(count):
        return rng.integers(0, 256, (n, count), dtype=np.uint8)

    if kind == "Q6_K":
        scales = rng.integers(-127, 128, (n, 16)).astype(np.int8).view(np.uint8)
        d = spread / (18.5 * 73) * rng.uniform(0.7, 1.3, n)
        block = [bits(128), bits(64), scales, _f16_bytes(d)]
    else:
        levels = 16 if kind == "Q4_K" else 32
        d = spread / (levels * 0.29 * 42) * rng.uniform(0.7, 1.3, n)
        scale = rng.integers(20, 64, (n, 8))
        minimum = np.clip(scale + rng.integers(-4, 5, (n, 8)), 0, 63)
        block = [_f16_bytes(d), _f16_bytes(d * (levels - 1) / 2), _pack_scales_and_minima(scale, minimum)]
        block += [bits(128)] if kind == "Q4_K" else [bits(32), bits(128)]
    return np.concatenate(block, axis=1).reshape(rows, -1)
