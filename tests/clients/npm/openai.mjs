// Judges the server by OpenAI's own client of npm.
import assert from 'node:assert/strict';
import { collect, embeddingModel, hangs, isText, isYesOrNo, Judge, load, model, question, url, versionOf, weather, yesOrNo } from './judge.mjs';
import {
  judgeChat, judgeCompletions, judgeConversations, judgeEmbeddings, judgeFiles, judgeKeptChat,
} from './openai_routes.mjs';

const sdk = load('openai');
const judge = new Judge('npm openai', versionOf('openai'));
const client = new sdk.OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0, timeout: hangs });

await judge.check('models.list', async () => {
  const names = (await collect(client.models.list())).map((one) => one.id);
  assert.ok(names.includes(model), names.join(' '));
});
await judge.check('models.retrieve', async () => {
  const one = await client.models.retrieve(model);
  assert.deepEqual([one.id, one.object], [model, 'model']);
  assert.equal(typeof one.created, 'number');
  isText(one.owned_by);
});
await judge.checkError('models.retrieve (unknown)', 404, () => client.models.retrieve('no-such-model'));
await judgeChat(judge, client);
await judgeHelpers();
await judgeKeptChat(judge, client, { messages: true });
await judgeCompletions(judge, client);
await judgeEmbeddings(judge, client);
await judgeFiles(judge, client, sdk.toFile);
await judgeConversations(judge, client);
await judge.checkRefused('responses.create', () => client.responses.create({ model, input: question }));
await judge.checkRefused('moderations.create', () => client.moderations.create({ input: 'x' }));
await judge.checkRefused('batches.list', () => client.batches.list());
await judge.checkRefused('vectorStores.list', () => client.vectorStores.list());
judge.finish();

// What the client does on top of its requests.
async function judgeHelpers() {
  const chat = { model, messages: [{ role: 'user', content: question }], temperature: 0, max_tokens: 32 };
  await judge.check('chat.completions.stream', async () => {
    const stream = client.chat.completions.stream({ ...chat, stream_options: { include_usage: true } });
    const completion = await stream.finalChatCompletion();
    isText(completion.choices[0].message.content);
    assert.ok((await stream.totalUsage()).total_tokens > 0);
  });
  await judge.check('chat.completions.parse', async () => {
    const completion = await client.chat.completions.parse({
      ...chat, response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: yesOrNo } },
    });
    isYesOrNo(completion.choices[0].message.content);
  });
  await judge.check('chat.completions.runTools', async () => {
    const asked = [];
    const runner = client.chat.completions.runTools({
      ...chat, tool_choice: { type: 'function', function: { name: 'get_weather' } },
      tools: [{ type: 'function', function: { ...weather, parse: JSON.parse,
        function: ({ city }) => { asked.push(city); return 'mild'; } } }],
    }, { maxChatCompletions: 1 });
    await runner.done();
    assert.equal(asked.length, 1);
  });
  await judge.check('embeddings.create (no encoding named)', async () => {
    const answer = await client.embeddings.create({ model: embeddingModel, input: 'one' });
    assert.equal(typeof answer.data[0].embedding[0], 'number');
  });
}
