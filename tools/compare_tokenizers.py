#!/usr/bin/env python3
"""Compares `llama tokenize` with tiktoken and Hugging Face tokenizers, and writes the goldens of the tests.

    pip install tiktoken==0.14.0 tokenizers==0.23.3 gguf==0.19.0
    tools/compare_tokenizers.py --llama build/release/llama --llama3 tokenizer.model --smollm2 SmolLM2.gguf
                                [--text FILE ...] [--goldens tests/data/tokenizer]

Llama 3's ids come from tiktoken and, as a second opinion, from Hugging Face tokenizers with merges derived from the
ranks; SmolLM2's from Hugging Face tokenizers with the vocabulary and the merges of the GGUF file; a SentencePiece-like
tokenizer with byte fallback is trained on the spot. The texts are made here from a fixed seed: at least a megabyte of
many languages, code, emoji, white space, control characters and random Unicode.
"""
import argparse
import base64
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import tiktoken
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

LLAMA3_PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
                  r"|\s*[\r\n]+|\s+(?!\S)|\s+")

PHRASES = r"""
The quick brown fox jumps over the lazy dog.|I'M sure they'll say it's what we'd've done; DON'T!
Größenwahnsinnige Bäcker äßen süßes Öl.|L'été dernier, où étaient les élèves naïfs ?|El pingüino añoraba 1.234,56 €
Быстрая лиса перепрыгнула через собаку.|Η γρήγορη αλεπού πηδάει.|الثعلب البني السريع يقفز فوق الكلب|השועל המהיר קופץ
敏捷的棕色狐狸跳过了懒狗。日本語の文章、カタカナとひらがな。|다람쥐 헌 쳇바퀴에 타고파|สวัสดีชาวโลก ภาษาไทย|तेज़ भूरी लोमड़ी ने छलाँग लगाई
Tiếng Việt có nhiều dấu: ắ ằ ẳ ẵ ặ|ქართული ენა|հայերեն լեզու|አማርኛ ቋንቋ|தமிழ் மொழி|മലയാളം|ພາສາລາວ|မြန်မာစာ|བོད་སྐད་
for (int i = 0; i < n; ++i) { sum += a[i] * b[i]; }\n\treturn sum;  // done|def f(x, *args, **kw):\n    return {k: v for k, v in kw.items()}\n
SELECT * FROM t WHERE a >= 10 AND b != 'x''y';|<div class="a b">&nbsp;</div>|https://example.com/path?q=1&r=%20#frag|{"key": [1, 2.5e-3, null, true]}
🦙🚀 family 👨‍👩‍👧‍👦 flags 🇩🇪🇯🇵 skin 👍🏽 hearts ❤️‍🔥 keycaps 1️⃣|Ⅷ ½ ² ₃ ④ ٣ ৪ 五 〇 𝟘 𝒜𝓁𝓅𝒽𝒶 ﬁ ﬀ K Å ſ 'ſ ’s
0123456789 3.14159 1,000,000 2024-07-26T12:34:56Z +49 (0)30 0xDEADBEEF 1e-9|____ ---- ==== **** .... !!! ??? ~~ `` @@ ##
e\u0301 a\u0308 n\u0303 \u200b\u200c\u200d\ufeff \u00ad \u2028 \u2029 \u0085 \u00a0 \u3000 \u180e \u202f \u2003x|zalgo: h\u0335\u0321e\u0334l\u0337l\u0336o\u0338
<|begin_of_text|><|eot_id|> <|im_start|>user\n <s></s> [INST] <unk> <0x0A>|aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa hahahahahahahahahahaha
"""


def phrases():
    """The table above, with its escapes read."""
    def unescape(match):
        return {"n": "\n", "t": "\t"}.get(match[1]) or chr(int(match[1][1:], 16))
    table = [part for line in PHRASES.strip().split("\n") for part in line.split("|") if part]
    return [re.sub(r"\\(n|t|u[0-9a-f]{4})", unescape, phrase) for phrase in table]


SPACES = [" ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", " \n", "\n ", "\u00a0", "\u3000", "\u2003", "\v", "\f", "\u0085", "\u2028"]


def random_character(rng, bmp_share=0.7):
    while True:
        c = rng.randrange(0x10000 if rng.random() < bmp_share else 0x20000)
        if not 0xD800 <= c < 0xE000:
            return chr(c)


def mixed_text(rng, table):
    parts = []
    for _ in range(rng.randrange(1, 12)):
        kind = rng.random()
        if kind < 0.45:
            parts.append(rng.choice(table))
        elif kind < 0.65:
            words = rng.choice(table).split(" ")
            parts.append(rng.choice(words) * rng.randrange(1, 4))
        elif kind < 0.75:
            parts.append("".join(random_character(rng) for _ in range(rng.randrange(1, 12))))
        elif kind < 0.80:
            parts.append("".join(chr(rng.randrange(0x250)) for _ in range(rng.randrange(1, 20))))
        elif kind < 0.85:
            parts.append(str(rng.randrange(10 ** rng.randrange(1, 18))))
        else:
            parts.append("".join(rng.choice(SPACES) for _ in range(rng.randrange(1, 9))))
        if rng.random() < 0.5:
            parts.append(rng.choice(SPACES))
    return "".join(parts)


def corpus(minimum_bytes, files):
    rng = random.Random(20240726)
    table = phrases()
    texts = [""] + table
    size = 0
    while size < minimum_bytes:
        texts.append(mixed_text(rng, table))
        size += len(texts[-1].encode())
    # Every assigned character below the supplementary planes once, in runs of its neighbours.
    for start in range(0, 0x10000, 64):
        run = [chr(c) for c in range(start, start + 64) if not 0xD800 <= c < 0xE000]
        texts += ["".join(run), " ".join(run), "a".join(run)] if run else []
    for file in files:
        content = pathlib.Path(file).read_text(encoding="utf-8")
        texts += content.split("\n")
        texts.append(content[:200000])
    return texts


def read_ranks(path):
    lines = pathlib.Path(path).read_bytes().splitlines()
    return {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}


def byte_alphabet():
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in printable]
    return {b: chr(b) for b in printable} | {b: chr(0x100 + i) for i, b in enumerate(others)}


ALPHABET = byte_alphabet()


def spell(token):
    return "".join(ALPHABET[b] for b in token)


def llama3_by_tiktoken(ranks):
    return tiktoken.Encoding("llama3", pat_str=LLAMA3_PATTERN, mergeable_ranks=ranks, special_tokens={})


def llama3_by_tokenizers(ranks):
    """Merges in the order of the rank of what they make; of one token, in the order of its parts."""
    merges = []
    for token, rank in ranks.items():
        cuts = [(token[:i], token[i:]) for i in range(1, len(token))]
        known = [(ranks[a], ranks[b], a, b) for a, b in cuts if a in ranks and b in ranks]
        merges += [(rank, i, spell(a), spell(b)) for i, (_, _, a, b) in enumerate(sorted(known))]
    vocab = {spell(token): rank for token, rank in ranks.items()}
    model = models.BPE(vocab=vocab, merges=[(a, b) for _, _, a, b in sorted(merges)], ignore_merges=True)
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(LLAMA3_PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True)
                                  for t in ("<|begin_of_text|>", "<|eot_id|>")])
    tokenizer.encode_special_tokens = True
    return tokenizer


def smollm2_by_tokenizers(path):
    import gguf
    fields = gguf.GGUFReader(path).fields
    tokens, merges, types = (fields[f"tokenizer.ggml.{key}"].contents() for key in ("tokens", "merges", "token_type"))
    model = models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=[tuple(m.split(" ")) for m in merges])
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True)
                                  for t, kind in zip(tokens, types) if kind == 3])
    tokenizer.encode_special_tokens = True
    return tokenizer


def trained_byte_fallback(texts, metaspace):
    """Llama 2's layout (a normalizer) or the newer one (Metaspace), with a small vocabulary trained on `texts`."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    # Without "<": else merges could spell special tokens, as no real model's do.
    tokenizer.train_from_iterator([text for text in texts if "<" not in text], trainers.BpeTrainer(vocab_size=4000, special_tokens=special, limit_alphabet=600,
                                                             show_progress=False))
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = state["added_tokens"][:3]
    if metaspace:
        state["pre_tokenizer"]["prepend_scheme"] = "first"
        state["pre_tokenizer"]["split"] = False
    else:
        state["pre_tokenizer"] = None
        state["normalizer"] = {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "\u2581"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}
    state["decoder"] = {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"},
        {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
    made = Tokenizer.from_str(json.dumps(state))
    made.encode_special_tokens = True
    return made


def ours(llama, model, texts):
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    run = subprocess.run([llama, "tokenize", str(model), "--jsonl"], input=lines.encode(), capture_output=True)
    if run.returncode != 0:
        sys.exit(f"llama tokenize {model}: {run.stderr.decode()}")
    return [json.loads(line)["ids"] for line in run.stdout.splitlines()]


def report(name, texts, got, expected):
    wrong = [i for i, (a, b) in enumerate(zip(got, expected)) if a != b]
    size = sum(len(text.encode()) for text in texts)
    print(f"{name}: {len(texts) - len(wrong)} of {len(texts)} texts equal, {size / 1e6:.2f} MB, "
          f"{sum(map(len, expected))} ids")
    for i in wrong[:5]:
        at = next((k for k, (a, b) in enumerate(zip(got[i], expected[i])) if a != b), None)
        print(f"  {texts[i][:120]!r}\n    ours {got[i][:24]}\n    want {expected[i][:24]}\n    first difference at {at}")
    return len(wrong) + abs(len(got) - len(expected))


def write_goldens(path, texts, ids, limit):
    """Short texts first come, first served, up to `limit` bytes."""
    size = 0
    with open(path, "w", encoding="ascii") as out:
        for text, one in zip(texts, ids):
            line = json.dumps({"text": text, "ids": one}, separators=(",", ":")) + "\n"
            if len(text) > 400 or size + len(line) > limit:
                continue
            size += len(line)
            out.write(line)
    print(f"wrote {path}: {size} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llama", default="build/release/llama")
    parser.add_argument("--llama3", help="Meta's tokenizer.model")
    parser.add_argument("--smollm2", help="SmolLM2 as GGUF")
    parser.add_argument("--text", nargs="*", default=[], help="more texts")
    parser.add_argument("--bytes", type=int, default=1_500_000, help="of generated text")
    parser.add_argument("--goldens", help="folder to write expected ids to")
    args = parser.parse_args()
    texts = corpus(args.bytes, args.text)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        def check_file(name, reference, expected):
            file = pathlib.Path(folder) / "tokenizer.json"
            reference.save(str(file))
            return report(name, texts, ours(args.llama, file, texts), expected)

        if args.llama3:
            ranks = read_ranks(args.llama3)
            expected = llama3_by_tiktoken(ranks).encode_ordinary_batch(texts)
            wrong += report("Llama 3, tokenizer.model against tiktoken", texts,
                            ours(args.llama, args.llama3, texts), expected)
            reference = llama3_by_tokenizers(ranks)
            second = [e.ids for e in reference.encode_batch(texts, add_special_tokens=False)]
            wrong += report("Llama 3, tiktoken against tokenizers", texts, expected, second)
            wrong += check_file("Llama 3, tokenizer.json against tokenizers", reference, second)
            if args.goldens:
                write_goldens(f"{args.goldens}/llama3.jsonl", texts, expected, 100_000)
        if args.smollm2:
            reference = smollm2_by_tokenizers(args.smollm2)
            expected = [e.ids for e in reference.encode_batch(texts, add_special_tokens=False)]
            wrong += report("SmolLM2, GGUF against tokenizers", texts, ours(args.llama, args.smollm2, texts), expected)
            wrong += check_file("SmolLM2, tokenizer.json against tokenizers", reference, expected)
            if args.goldens:
                write_goldens(f"{args.goldens}/smollm2.jsonl", texts, expected, 100_000)
        for metaspace in (False, True):
            reference = trained_byte_fallback(texts, metaspace)
            expected = [e.ids for e in reference.encode_batch(texts, add_special_tokens=False)]
            layout = "Metaspace" if metaspace else "normalizer"
            wrong += check_file(f"byte fallback with {layout}, tokenizer.json against tokenizers", reference, expected)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
