"""The reference implementation: transformers' LlamaForCausalLM, eager attention, on the CPU."""

import torch
import transformers

from goldens import tiny

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
torch.set_num_threads(2)


def _logits(model, tokens):
    model.eval()
    with torch.inference_mode():
        return model(torch.tensor([tokens]), use_cache=False).logits[0].float().numpy()


def logits_of_directory(path, tokens, dtype=torch.float32):
    """What transformers makes of a written checkpoint: it reads the config and the shards itself."""
    model = transformers.LlamaForCausalLM.from_pretrained(path, dtype=dtype, attn_implementation="eager")
    return _logits(model, tokens)


def build(spec, weights):
    """The model of a spec with given float32 weights."""
    config = transformers.LlamaConfig.from_dict(tiny.hf_config(spec))
    config._attn_implementation = "eager"
    model = transformers.LlamaForCausalLM(config)
    if spec.layer_widths:
        _replace_layers(model, spec)
    state = {name: torch.from_numpy(value.copy()) for name, value in weights.items()}
    if spec.tied:
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
    model.load_state_dict(state, strict=True)
    if spec.divisors:
        rotary = model.model.rotary_emb
        rotary.inv_freq = rotary.inv_freq / torch.tensor(spec.divisors, dtype=torch.float32)
    return model.eval()


def _replace_layers(model, spec):
    """Gives each layer its own widths: a layer reads them from its own config."""
    for index in range(spec.layers):
        heads, kv_heads, ffn = spec.widths(index)
        values = tiny.hf_config(spec) | {"num_attention_heads": heads, "num_key_value_heads": kv_heads, "intermediate_size": ffn}
        config = transformers.LlamaConfig.from_dict(values)
        config._attn_implementation = "eager"
        model.model.layers[index] = transformers.models.llama.modeling_llama.LlamaDecoderLayer(config, index)


def logits(spec, weights, tokens):
    return _logits(build(spec, weights), tokens)


def greedy(model, prompt, count, stop=()):
    """The `count` most likely next tokens, one after the other, up to and with one of `stop`; and at each step by how
    much the best logit leads the second."""
    ids, margins, cache = [], [], None
    step = torch.tensor([prompt])
    with torch.inference_mode():
        while len(ids) < count:
            result = model(step, past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache = result.past_key_values
            best = torch.topk(result.logits[0, -1].float(), 2)
            ids.append(int(best.indices[0]))
            margins.append(float(best.values[0] - best.values[1]))
            if ids[-1] in stop:
                break
            step = torch.tensor([[ids[-1]]])
    return ids, margins


def log_probabilities(model, tokens):
    """log p(token i | the tokens before it), for i from 1 on."""
    with torch.inference_mode():
        logits = model(torch.tensor([tokens]), use_cache=False).logits[0, :-1].float()
        picked = torch.log_softmax(logits, dim=-1).gather(1, torch.tensor(tokens[1:])[:, None])
    return picked[:, 0].numpy()
