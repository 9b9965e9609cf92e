"""Judges the server by OpenAI's own Python client, which checks every answer against its types."""
import asyncio
import sys

import openai
from openai_routes import (CHAT, judge_chat, judge_completions, judge_conversations, judge_embeddings, judge_files,
                           judge_kept_chat)

from judge import MODEL, QUESTION, TIMEOUT, URL, Judge, expect, is_text


def main():
    options = {"base_url": f"{URL}/v1", "api_key": "none", "max_retries": 0, "timeout": TIMEOUT,
               "_strict_response_validation": True}
    client = openai.OpenAI(**options)
    lenient = openai.OpenAI(**{**options, "_strict_response_validation": False})
    judge = Judge("PyPI openai", openai.__version__)
    judge.check("models.list", lambda: expect(MODEL in [model.id for model in client.models.list()]))
    judge.check("models.retrieve", lambda: expect(client.models.retrieve(MODEL).id == MODEL))
    judge.check_error("models.retrieve (unknown)", 404, lambda: client.models.retrieve("no-such-model"))
    judge_chat(judge, client)
    judge_kept_chat(judge, client, lenient)

    def helper():
        with client.chat.completions.stream(**CHAT) as stream:
            is_text(stream.get_final_completion().choices[0].message.content)

    async def at_once():
        async with openai.AsyncOpenAI(**options) as many:
            answers = await asyncio.gather(*(many.chat.completions.create(**CHAT) for _ in range(4)))
        for answer in answers:
            is_text(answer.choices[0].message.content)

    judge.check("chat.completions.stream", helper)
    judge.check("chat.completions.create (four at once)", lambda: asyncio.run(at_once()))
    judge_completions(judge, client, lenient)
    judge_embeddings(judge, client, lenient)
    judge_files(judge, client)
    judge_conversations(judge, client, deleting=lenient)
    judge.check_refused("responses.create", lambda: client.responses.create(model=MODEL, input=QUESTION))
    judge.check_refused("moderations.create", lambda: client.moderations.create(input="x"))
    judge.check_refused("batches.list", client.batches.list)
    judge.check_refused("vector_stores.list", client.vector_stores.list)
    return judge.finish()


if __name__ == "__main__":
    sys.exit(main())
