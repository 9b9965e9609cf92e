"""Judges the server by the official llama-stack-client on PYTHONPATH, which checks every answer against its types."""
import importlib.metadata
import logging
import sys
import time

import llama_stack_client
from openai_routes import (judge_chat, judge_completions, judge_conversations, judge_embeddings, judge_files,
                           judge_kept_chat)

from judge import EMBEDDING_MODEL, MESSAGES, MODEL, QUESTION, TIMEOUT, URL, YES_OR_NO, Judge, expect, is_text, is_vector, \
    is_yes_or_no

STOP_REASONS = ("end_of_turn", "end_of_message", "out_of_tokens")
TOOL = {"tool_name": "get_weather", "description": "The weather of a city",
        "parameters": {"city": {"param_type": "string", "description": "the name of the city", "required": True}}}


def judge_inspect(judge, client):
    judge.check("inspect.health", lambda: expect(client.inspect.health().status == "OK"))
    judge.check("inspect.version", lambda: is_text(client.inspect.version().version))

    def inference_provider():
        return next(one for one in client.providers.list() if one.api == "inference")

    judge.check("providers.list", inference_provider)
    judge.check("providers.retrieve",
                lambda: is_text(client.providers.retrieve(inference_provider().provider_id).provider_type))
    judge.check_error("providers.retrieve (unknown)", 404, lambda: client.providers.retrieve("no-such-provider"))
    judge.check("routes.list", lambda: expect(len(client.routes.list()) > 10))


def judge_models(judge, client):
    def names():
        return [getattr(one, "identifier", None) or one.id for one in client.models.list()]

    def register():
        known = client.models.retrieve(MODEL)
        name = f"judge-{judge.version}"
        made = client.models.register(model_id=name, provider_id=known.provider_id,
                                      provider_model_id=known.provider_resource_id, model_type="llm", metadata={})
        expect(made.identifier == name and name in names())

    def unregister():
        client.models.unregister(f"judge-{judge.version}")
        expect(f"judge-{judge.version}" not in names())

    judge.check("models.list", lambda: expect(MODEL in names(), repr(names())))
    judge.check("models.retrieve", lambda: client.models.retrieve(MODEL))
    judge.check_error("models.retrieve (unknown)", 404, lambda: client.models.retrieve("no-such-model"))
    if hasattr(client.models, "register"):
        judge.check("models.register", register)
        judge.check("models.unregister", unregister)
    if hasattr(client.models, "openai"):
        judge.check("models.openai.list", lambda: expect(client.models.openai.list()))


def judge_inference(judge, client, lenient):
    greedy = {"strategy": {"type": "greedy"}, "max_tokens": 24}
    chat = {"model_id": MODEL, "messages": MESSAGES, "sampling_params": greedy}
    text = {"model_id": MODEL, "content": "The capital of France is", "sampling_params": greedy}
    create = client.inference.chat_completion

    def whole():
        message = create(**chat).completion_message
        is_text(message.content)
        expect(message.stop_reason in STOP_REASONS)

    def stream():
        events = [chunk.event for chunk in create(**chat, stream=True)]
        expect([events[0].event_type, events[-1].event_type] == ["start", "complete"])
        is_text("".join(event.delta.text for event in events))
        expect(events[-1].stop_reason in STOP_REASONS)

    def schema():
        answer = create(**chat, response_format={"type": "json_schema", "json_schema": YES_OR_NO})
        is_yes_or_no(answer.completion_message.content)

    def tool():
        answer = create(**chat, tools=[TOOL], tool_config={"tool_choice": "required"})
        expect(answer.completion_message.tool_calls[0].tool_name == "get_weather")

    def tool_stream():
        chunks = create(**chat, tools=[TOOL], tool_config={"tool_choice": "required"}, stream=True)
        calls = [chunk.event.delta for chunk in chunks if chunk.event.delta.type == "tool_call"]
        expect(calls[-1].parse_status == "succeeded" and calls[-1].tool_call.tool_name == "get_weather")

    def completion_stream():
        is_text("".join(chunk.delta for chunk in lenient.inference.completion(**text, stream=True)))

    def embeddings():
        for vector in client.inference.embeddings(model_id=EMBEDDING_MODEL, contents=["one", "two"]).embeddings:
            is_vector(vector)

    def batch():
        answer = client.inference.batch_chat_completion(model_id=MODEL, messages_batch=[MESSAGES] * 2,
                                                        sampling_params=greedy)
        expect(len(answer.batch) == 2)

    def batch_completion():
        answer = client.inference.batch_completion(model_id=MODEL, content_batch=["One,", "A,"], sampling_params=greedy)
        expect(len(answer.batch) == 2)

    judge.check("inference.chat_completion", whole)
    judge.check("inference.chat_completion (stream)", stream)
    judge.check("inference.chat_completion (logprobs)", lambda: expect(create(**chat, logprobs={"top_k": 1}).logprobs))
    judge.check("inference.chat_completion (json_schema)", schema)
    judge.check("inference.chat_completion (a tool)", tool)
    judge.check("inference.chat_completion (a tool, stream)", tool_stream)
    judge.check_error("inference.chat_completion (unknown model)", 404,
                      lambda: create(**{**chat, "model_id": "no-such-model"}))
    judge.check("inference.completion", lambda: is_text(client.inference.completion(**text).content))
    judge.check("inference.completion (stream)", completion_stream)
    judge.check("inference.embeddings", embeddings)
    judge.check("inference.batch_chat_completion", batch)
    judge.check("inference.batch_completion", batch_completion)


def judge_prompts(judge, client):
    made = {}

    def create():
        prompt = client.prompts.create(prompt="Say {{ word }}.", variables=["word"])
        made["id"] = prompt.prompt_id
        expect(prompt.version == 1)

    def update():
        prompt = client.prompts.update(made["id"], prompt="Whisper {{ word }}.", version=1, variables=["word"],
                                       set_as_default=False)
        expect(prompt.version == 2)

    def default():
        client.prompts.set_default_version(made["id"], version=2)
        expect(client.prompts.retrieve(made["id"]).version == 2)

    judge.check("prompts.create", create)
    judge.check("prompts.update", update)
    judge.check("prompts.retrieve", lambda: expect(client.prompts.retrieve(made["id"], version=2).version == 2))
    judge.check("prompts.set_default_version", default)
    judge.check("prompts.versions.list", lambda: expect(len(client.prompts.versions.list(made["id"])) == 2))
    judge.check("prompts.list", lambda: expect(made["id"] in [one.prompt_id for one in client.prompts.list()]))
    judge.check("prompts.delete", lambda: client.prompts.delete(made["id"]))
    judge.check_error("prompts.retrieve (deleted)", 404, lambda: client.prompts.retrieve(made["id"]))


def judge_telemetry(judge, client):
    trace = f"{time.time_ns()}"
    span = f"span{trace}"
    base = {"trace_id": trace, "span_id": span, "type": "structured_log", "attributes": {"judge": trace}}
    filters = [{"key": "judge", "op": "eq", "value": trace}]

    def log():
        for timestamp, payload in (("2026-01-02T03:04:05Z", {"type": "span_start", "name": "work"}),
                                   ("2026-01-02T03:04:07Z", {"type": "span_end", "status": "ok"})):
            client.telemetry.log_event(event={**base, "timestamp": timestamp, "payload": payload}, ttl_seconds=3600)

    judge.check("telemetry.log_event", log)
    judge.check("telemetry.get_trace", lambda: expect(client.telemetry.get_trace(trace).root_span_id == span))
    judge.check("telemetry.get_span", lambda: expect(client.telemetry.get_span(span, trace_id=trace).name == "work"))
    judge.check("telemetry.get_span_tree", lambda: expect(client.telemetry.get_span_tree(span)[span].name == "work"))
    judge.check("telemetry.query_traces", lambda: expect(
        [one.trace_id for one in client.telemetry.query_traces(attribute_filters=filters)] == [trace]))
    judge.check("telemetry.query_spans", lambda: expect(
        [one.span_id for one in client.telemetry.query_spans(attribute_filters=filters, attributes_to_return=["judge"])]
        == [span]))


def judge_admin(judge, client):
    admin = client.alpha.admin

    def inference_provider():
        return next(one for one in admin.list_providers() if one.api == "inference")

    judge.check("alpha.admin.health", lambda: expect(admin.health().status == "OK"))
    judge.check("alpha.admin.version", lambda: is_text(admin.version().version))
    judge.check("alpha.admin.list_routes", lambda: expect(len(admin.list_routes()) > 10))
    judge.check("alpha.admin.list_providers", inference_provider)
    judge.check("alpha.admin.inspect_provider",
                lambda: is_text(admin.inspect_provider(inference_provider().provider_id).provider_type))


def judge_refusals(judge, client):
    judge.check_refused("responses.create", lambda: client.responses.create(model=MODEL, input=QUESTION))
    judge.check_refused("shields.list", client.shields.list)
    judge.check_refused("moderations.create", lambda: client.moderations.create(input="x", model="x"))
    judge.check_refused("vector_stores.list", lambda: client.vector_stores.list())


def main():
    logging.getLogger("httpx").setLevel(logging.WARNING)  # the client tells every request otherwise
    client, lenient = (llama_stack_client.LlamaStackClient(base_url=URL, max_retries=0, timeout=TIMEOUT,
                                                           _strict_response_validation=strict)
                       for strict in (True, False))
    judge = Judge("PyPI llama-stack-client", importlib.metadata.version("llama-stack-client"))
    judge_inspect(judge, client)
    judge_models(judge, client)
    old = hasattr(client, "inference")
    if old:
        judge_inference(judge, client, lenient)
    # The types of 0.2 know no null: as the finish_reason of a chunk, as the expires_at of a file.
    judge_chat(judge, client, streaming=lenient if old else client)
    judge_kept_chat(judge, client)
    judge_completions(judge, client, lenient)
    judge_embeddings(judge, client, lenient)
    judge_files(judge, lenient if old else client)
    if hasattr(client, "conversations"):
        judge_conversations(judge, client)
    if hasattr(client, "prompts"):
        judge_prompts(judge, client)
    if hasattr(client, "telemetry"):
        judge_telemetry(judge, client)
    if hasattr(client, "alpha"):
        judge_admin(judge, client)
    judge_refusals(judge, client)
    return judge.finish()


if __name__ == "__main__":
    sys.exit(main())
