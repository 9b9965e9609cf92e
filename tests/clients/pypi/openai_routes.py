"""OpenAI's routes, as its own client and Llama Stack's later ones call them.

`lenient` is a client that doesn't check answers against its types. It is used where those differ from what OpenAI's API
answers too: null as the finish_reason of chunks, base64 embeddings, the roles of kept messages.
"""
import base64
import json

from judge import EMBEDDING_MODEL, MESSAGES, MODEL, WEATHER, YES_OR_NO, expect, is_text, is_vector, is_yes_or_no

CHAT = {"model": MODEL, "messages": MESSAGES, "temperature": 0, "max_tokens": 24}
TEXT = {"model": MODEL, "prompt": "The capital of France is", "temperature": 0, "max_tokens": 12}


def usage_of(answer):
    """Some clients have no type for it."""
    return answer.usage if isinstance(answer.usage, dict) else answer.usage.model_dump()


def judge_chat(judge, client, streaming=None):
    """`streaming`: the client for streams, if another one."""
    create = client.chat.completions.create
    create_stream = (streaming or client).chat.completions.create

    def whole():
        completion = create(**CHAT)
        expect(completion.object == "chat.completion" and completion.model == MODEL)
        is_text(completion.choices[0].message.content)
        expect(completion.choices[0].finish_reason in ("stop", "length"))
        usage = usage_of(completion)
        expect(usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0)

    def stream():
        chunks = list(create_stream(**CHAT, stream=True, stream_options={"include_usage": True}))
        expect(all(chunk.object == "chat.completion.chunk" for chunk in chunks))
        is_text("".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices))
        expect(usage_of(chunks[-1])["total_tokens"] > 0, "the last chunk has no usage")

    def logprobs():
        tokens = create(**CHAT, logprobs=True, top_logprobs=2).choices[0].logprobs.content
        expect(tokens and all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in tokens))

    def schema():
        completion = create(**CHAT, response_format={
            "type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": YES_OR_NO}})
        is_yes_or_no(completion.choices[0].message.content)

    def tool():
        completion = create(**{**CHAT, "max_tokens": 64}, tools=[{"type": "function", "function": WEATHER}],
                            tool_choice={"type": "function", "function": {"name": "get_weather"}})
        call = completion.choices[0].message.tool_calls[0]
        expect(completion.choices[0].finish_reason == "tool_calls" and call.type == "function")
        expect(isinstance(json.loads(call.function.arguments)["city"], str))

    judge.check("chat.completions.create", whole)
    judge.check("chat.completions.create (stream)", stream)
    judge.check("chat.completions.create (logprobs)", logprobs)
    judge.check("chat.completions.create (json_schema)", schema)
    judge.check("chat.completions.create (a tool)", tool)
    judge.check_error("chat.completions.create (unknown model)", 404,
                      lambda: create(**{**CHAT, "model": "no-such-model"}))
    judge.check_error("chat.completions.create (temperature 9)", 400, lambda: create(**{**CHAT, "temperature": 9}))


def judge_kept_chat(judge, client, lenient=None):
    has_messages = lenient is not None
    completions = client.chat.completions
    made = []

    def keep():
        for _ in range(3):
            made.append(completions.create(**{**CHAT, "max_tokens": 4}, **({"store": True} if has_messages else {})).id)

    def listed():
        listed = [one.id for one in completions.list(limit=100, model=MODEL, order="desc").data if one.id in made]
        expect(listed == made[::-1], f"listed {listed}, made {made}")

    def retrieved():
        is_text(completions.retrieve(made[0]).choices[0].message.content)

    def messages():
        page = lenient.chat.completions.messages.list(made[0])
        expect([one.content for one in page.data] == [one["content"] for one in MESSAGES])

    judge.check("chat.completions.create (kept)", keep)
    judge.check("chat.completions.list", listed)
    judge.check("chat.completions.retrieve", retrieved)
    if has_messages:
        judge.check("chat.completions.messages.list", messages)
    judge.check_error("chat.completions.retrieve (unknown)", 404, lambda: completions.retrieve("chatcmpl-no-such"))


def judge_completions(judge, client, lenient):
    create = client.completions.create

    def whole():
        completion = create(**TEXT)
        expect(completion.object == "text_completion")
        is_text(completion.choices[0].text)

    def stream():
        is_text("".join(chunk.choices[0].text for chunk in lenient.completions.create(**TEXT, stream=True) if chunk.choices))

    def prompts():
        completion = create(**{**TEXT, "prompt": ["One, two,", "A, b,"]}, n=2, echo=True)
        expect([choice.index for choice in completion.choices] == [0, 1, 2, 3])
        expect(completion.choices[2].text.startswith("A, b,"), completion.choices[2].text)

    judge.check("completions.create", whole)
    judge.check("completions.create (stream)", stream)
    judge.check("completions.create (prompts, n, echo)", prompts)
    judge.check_error("completions.create (unknown model)", 404, lambda: create(**{**TEXT, "model": "no-such-model"}))


def judge_embeddings(judge, client, lenient):
    create = client.embeddings.create

    def floats():
        answer = create(model=EMBEDDING_MODEL, input=["one", "two"], encoding_format="float")
        expect([one.index for one in answer.data] == [0, 1])
        for one in answer.data:
            is_vector(one.embedding)

    def packed():
        answer = lenient.embeddings.create(model=EMBEDDING_MODEL, input="one", encoding_format="base64")
        expect(len(base64.b64decode(answer.data[0].embedding)) % 4 == 0)

    judge.check("embeddings.create", floats)
    judge.check("embeddings.create (base64)", packed)


def judge_files(judge, client):
    content = "one\ntwo\n\u00e9\n"
    made = {}

    def create():
        file = client.files.create(file=("lines.txt", content.encode()), purpose="assistants")
        made["id"] = file.id
        expect(file.object == "file" and file.filename == "lines.txt" and file.bytes == len(content.encode()))

    def read():
        answer = client.files.content(made["id"])
        text = answer if isinstance(answer, str) else getattr(answer, "text", None) or answer.read().decode()
        expect(text == content, repr(text))

    judge.check("files.create", create)
    judge.check("files.retrieve", lambda: expect(client.files.retrieve(made["id"]).id == made["id"]))
    judge.check("files.list", lambda: expect(
        made["id"] in [file.id for file in client.files.list(purpose="assistants")], "the file is not listed"))
    judge.check("files.content", read)
    judge.check("files.delete", lambda: expect(client.files.delete(made["id"]).deleted))
    judge.check_error("files.retrieve (deleted)", 404, lambda: client.files.retrieve(made["id"]))


def judge_conversations(judge, client, deleting=None):
    # OpenAI's client expects the conversation when an item is deleted, Llama Stack's the item.
    deleting = deleting or client
    conversations = client.conversations
    made = {}

    def item(text):
        return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}

    def create():
        conversation = conversations.create(metadata={"topic": "test"}, items=[item("one")])
        made["id"] = conversation.id
        expect(conversation.object == "conversation")

    def update():
        conversation = conversations.update(made["id"], metadata={"topic": "new"})
        expect(conversation.metadata == {"topic": "new"}, repr(conversation.metadata))

    def texts():
        return [one.content[0].text for one in conversations.items.list(made["id"], limit=2, order="asc")]

    def add():
        added = conversations.items.create(made["id"], items=[item("two"), item("three")])
        made["item"] = added.data[0].id

    def get():
        find = getattr(conversations.items, "retrieve", None) or conversations.items.get
        expect(find(made["item"], conversation_id=made["id"]).content[0].text == "two")

    def delete_item():
        deleting.conversations.items.delete(made["item"], conversation_id=made["id"])
        expect(texts() == ["one", "three"], repr(texts()))

    judge.check("conversations.create", create)
    judge.check("conversations.retrieve", lambda: expect(conversations.retrieve(made["id"]).id == made["id"]))
    judge.check("conversations.update", update)
    judge.check("conversations.items.create", add)
    judge.check("conversations.items.list", lambda: expect(texts() == ["one", "two", "three"], repr(texts())))
    judge.check(f"conversations.items.{'retrieve' if hasattr(conversations.items, 'retrieve') else 'get'}", get)
    judge.check("conversations.items.delete", delete_item)
    judge.check("conversations.delete", lambda: expect(conversations.delete(made["id"]).deleted))
    judge.check_error("conversations.retrieve (deleted)", 404, lambda: conversations.retrieve(made["id"]))
