// OpenAI's routes, as its own client and Llama Stack's later ones call them: both have the same
// methods under the same names.
import assert from 'node:assert/strict';
import { collect, embeddingModel, isText, isVector, isYesOrNo, model, question, weather, yesOrNo } from './judge.mjs';

const messages = [
  { role: 'system', content: 'You are brief.' },
  { role: 'user', content: question },
];
const chat = { model, messages, temperature: 0, max_tokens: 24 };

function isCompletion(completion, kind) {
  isText(completion.id);
  assert.equal(completion.object, kind);
  assert.equal(completion.model, model);
  assert.equal(typeof completion.created, 'number');
}

function isUsage(usage) {
  assert.ok(usage.prompt_tokens > 0 && usage.completion_tokens > 0, JSON.stringify(usage));
  assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
}

const textOf = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta?.content ?? '').join('');

export async function judgeChat(judge, client) {
  await judge.check('chat.completions.create', async () => {
    const completion = await client.chat.completions.create(chat);
    isCompletion(completion, 'chat.completion');
    const [choice] = completion.choices;
    assert.equal(choice.message.role, 'assistant');
    isText(choice.message.content);
    assert.ok(['stop', 'length'].includes(choice.finish_reason), choice.finish_reason);
    isUsage(completion.usage);
  });
  await judge.check('chat.completions.create (stream)', async () => {
    const chunks = await collect(client.chat.completions.create({
      ...chat, stream: true, stream_options: { include_usage: true },
    }));
    chunks.forEach((chunk) => isCompletion(chunk, 'chat.completion.chunk'));
    assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
    assert.equal(chunks[0].choices[0].delta.role, 'assistant');
    isText(textOf(chunks));
    const reasons = chunks.map((chunk) => chunk.choices[0]?.finish_reason).filter(Boolean);
    assert.equal(reasons.length, 1);
    isUsage(chunks.at(-1).usage);
  });
  await judge.check('chat.completions.create (n, stop, seed)', async () => {
    const completion = await client.chat.completions.create({
      ...chat, temperature: 1, n: 2, stop: ['zzzz'], seed: 7, top_p: 0.9, presence_penalty: 0.1,
      frequency_penalty: 0.1, user: 'somebody',
    });
    assert.deepEqual(completion.choices.map((choice) => choice.index), [0, 1]);
  });
  await judge.check('chat.completions.create (logprobs)', async () => {
    const completion = await client.chat.completions.create({ ...chat, logprobs: true, top_logprobs: 2 });
    const { content } = completion.choices[0].logprobs;
    assert.equal(content.length, completion.usage.completion_tokens);
    for (const token of content) {
      assert.ok(token.logprob <= 0);
      assert.equal(token.top_logprobs.length, 2);
      assert.ok(Array.isArray(token.bytes));
    }
  });
  await judge.check('chat.completions.create (json_schema)', async () => {
    const completion = await client.chat.completions.create({
      ...chat, response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: yesOrNo } },
    });
    isYesOrNo(completion.choices[0].message.content);
  });
  await judgeTools(judge, client);
  await judge.checkError('chat.completions.create (unknown model)', 404, () =>
    client.chat.completions.create({ ...chat, model: 'no-such-model' }));
  await judge.checkError('chat.completions.create (unknown model, stream)', 404, () =>
    client.chat.completions.create({ ...chat, model: 'no-such-model', stream: true }));
  await judge.checkError('chat.completions.create (temperature 9)', 400, () =>
    client.chat.completions.create({ ...chat, temperature: 9 }));
}

async function judgeTools(judge, client) {
  const tools = [{ type: 'function', function: weather }];
  const forced = { ...chat, max_tokens: 64, tools, tool_choice: { type: 'function', function: { name: 'get_weather' } } };
  const isCall = (call) => {
    assert.equal(call.type, 'function');
    isText(call.id);
    assert.equal(call.function.name, 'get_weather');
    assert.equal(typeof JSON.parse(call.function.arguments).city, 'string');
  };
  let call;
  await judge.check('chat.completions.create (a tool)', async () => {
    const [choice] = (await client.chat.completions.create(forced)).choices;
    assert.equal(choice.finish_reason, 'tool_calls');
    assert.equal(choice.message.tool_calls.length, 1);
    [call] = choice.message.tool_calls;
    isCall(call);
  });
  await judge.check('chat.completions.create (a tool, stream)', async () => {
    const chunks = await collect(client.chat.completions.create({ ...forced, stream: true }));
    const deltas = chunks.flatMap((chunk) => chunk.choices[0]?.delta?.tool_calls ?? []);
    const text = deltas.map((delta) => delta.function?.arguments ?? '').join('');
    isCall({ ...deltas[0], function: { name: deltas[0].function.name, arguments: text } });
    assert.ok(chunks.some((chunk) => chunk.choices[0]?.finish_reason === 'tool_calls'));
  });
  await judge.check('chat.completions.create (a tool\'s answer)', async () => {
    const completion = await client.chat.completions.create({
      ...chat, tools, tool_choice: 'none',
      messages: [...messages, { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: call.id, content: 'mild and sunny' }],
    });
    isText(completion.choices[0].message.content);
  });
}

// Answers that the server has kept. Their list is a cursor page in some clients, an object in others.
export async function judgeKeptChat(judge, client, { messages: hasMessages = false } = {}) {
  const made = [];
  await judge.check('chat.completions.create (kept)', async () => {
    for (let i = 0; i < 3; ++i)
      made.push((await client.chat.completions.create({ ...chat, max_tokens: 4, store: true })).id);
  });
  await judge.check('chat.completions.list', async () => {
    const page = await client.chat.completions.list({ limit: 100, model, order: 'desc' });
    const listed = page.data.map((one) => one.id).filter((id) => made.includes(id));
    assert.deepEqual(listed, made.toReversed());
    const short = await client.chat.completions.list({ limit: 1 });
    assert.deepEqual([short.data.length, short.has_more], [1, true]);
  });
  await judge.check('chat.completions.retrieve', async () => {
    const kept = await client.chat.completions.retrieve(made[0]);
    isCompletion(kept, 'chat.completion');
    assert.equal(kept.id, made[0]);
    isText(kept.choices[0].message.content);
  });
  if (hasMessages)
    await judge.check('chat.completions.messages.list', async () => {
      const page = await client.chat.completions.messages.list(made[0]);
      assert.deepEqual(page.data.map((message) => message.content), messages.map((message) => message.content));
    });
  await judge.checkError('chat.completions.retrieve (unknown)', 404, () =>
    client.chat.completions.retrieve('chatcmpl-no-such'));
}

export async function judgeCompletions(judge, client) {
  const text = { model, prompt: 'The capital of France is', temperature: 0, max_tokens: 12 };
  await judge.check('completions.create', async () => {
    const completion = await client.completions.create(text);
    isCompletion(completion, 'text_completion');
    isText(completion.choices[0].text);
    assert.ok(['stop', 'length'].includes(completion.choices[0].finish_reason));
  });
  await judge.check('completions.create (stream)', async () => {
    const chunks = await collect(client.completions.create({ ...text, stream: true }));
    isText(chunks.map((chunk) => chunk.choices[0]?.text ?? '').join(''));
  });
  await judge.check('completions.create (prompts, n, echo)', async () => {
    const completion = await client.completions.create({ ...text, prompt: ['One, two,', 'A, b,'], n: 2, echo: true });
    assert.deepEqual(completion.choices.map((choice) => choice.index), [0, 1, 2, 3]);
    assert.ok(completion.choices[0].text.startsWith('One, two,'));
    assert.ok(completion.choices[3].text.startsWith('A, b,'));
  });
  await judge.check('completions.create (logprobs)', async () => {
    const { logprobs } = (await client.completions.create({ ...text, logprobs: 2 })).choices[0];
    assert.equal(logprobs.tokens.length, logprobs.token_logprobs.length);
    assert.equal(logprobs.tokens.length, logprobs.top_logprobs.length);
    assert.ok(logprobs.token_logprobs.every((value) => value <= 0));
  });
  await judge.checkError('completions.create (unknown model)', 404, () =>
    client.completions.create({ ...text, model: 'no-such-model' }));
}

export async function judgeEmbeddings(judge, client) {
  let floats;
  await judge.check('embeddings.create', async () => {
    const answer = await client.embeddings.create({ model: embeddingModel, input: ['one', 'two'], encoding_format: 'float' });
    assert.equal(answer.object, 'list');
    assert.deepEqual(answer.data.map((one) => one.index), [0, 1]);
    answer.data.forEach((one) => isVector(one.embedding));
    assert.ok(answer.usage.prompt_tokens > 0);
    floats = answer.data[0].embedding;
  });
  await judge.check('embeddings.create (base64)', async () => {
    const answer = await client.embeddings.create({ model: embeddingModel, input: 'one', encoding_format: 'base64' });
    const bytes = Buffer.from(answer.data[0].embedding, 'base64');
    assert.equal(bytes.length, 4 * floats.length);
    assert.ok(Math.abs(bytes.readFloatLE(0) - floats[0]) < 1e-3);
  });
  await judge.checkError('embeddings.create (unknown model)', 404, () =>
    client.embeddings.create({ model: 'no-such-model', input: 'x', encoding_format: 'float' }));
}

// `File` is the global of Node; `toFile` the client's own way to make one.
export async function judgeFiles(judge, client, toFile) {
  const content = 'one\ntwo\n\u00e9\n';
  let id;
  await judge.check('files.create', async () => {
    const file = await client.files.create({ file: await toFile(Buffer.from(content), 'lines.txt'), purpose: 'assistants' });
    id = file.id;
    isText(id);
    assert.equal(file.object, 'file');
    assert.equal(file.filename, 'lines.txt');
    assert.equal(file.bytes, Buffer.byteLength(content));
    assert.equal(file.purpose, 'assistants');
  });
  await judge.check('files.retrieve', async () => assert.equal((await client.files.retrieve(id)).id, id));
  await judge.check('files.list', async () => {
    const page = await client.files.list({ purpose: 'assistants', limit: 100 });
    assert.ok(page.data.some((file) => file.id === id), 'the file is not listed');
  });
  await judge.check('files.content', async () => {
    const answer = await client.files.content(id);
    assert.equal(typeof answer === 'string' ? answer : await answer.text(), content);
  });
  await judge.check('files.delete', async () => {
    const answer = await client.files.delete(id);
    assert.equal(answer.id, id);
    assert.equal(answer.deleted, true);
  });
  await judge.checkError('files.retrieve (deleted)', 404, () => client.files.retrieve(id));
}

export async function judgeConversations(judge, client) {
  let id;
  let items;
  const item = (text) => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });
  await judge.check('conversations.create', async () => {
    const made = await client.conversations.create({ metadata: { topic: 'test' }, items: [item('one')] });
    id = made.id;
    assert.equal(made.object, 'conversation');
    assert.deepEqual(made.metadata, { topic: 'test' });
  });
  await judge.check('conversations.retrieve', async () => assert.equal((await client.conversations.retrieve(id)).id, id));
  await judge.check('conversations.update', async () =>
    assert.deepEqual((await client.conversations.update(id, { metadata: { topic: 'new' } })).metadata, { topic: 'new' }));
  await judge.check('conversations.items.create', async () => {
    const made = await client.conversations.items.create(id, { items: [item('two'), item('three')] });
    assert.equal(made.object, 'list');
    assert.deepEqual(made.data.map((one) => one.content[0].text), ['two', 'three']);
  });
  await judge.check('conversations.items.list', async () => {
    items = [];
    for await (const one of client.conversations.items.list(id, { limit: 2, order: 'asc' })) items.push(one);
    assert.deepEqual(items.map((one) => one.content[0].text), ['one', 'two', 'three']);
  });
  const get = client.conversations.items.retrieve ? 'retrieve' : 'get';
  const args = (item_id) => (get === 'get' ? [id, item_id] : [item_id, { conversation_id: id }]);
  await judge.check(`conversations.items.${get}`, async () =>
    assert.equal((await client.conversations.items[get](...args(items[0].id))).content[0].text, 'one'));
  await judge.check('conversations.items.delete', async () => {
    await client.conversations.items.delete(...args(items[0].id));
    const left = await client.conversations.items.list(id);
    assert.equal(left.data.length, 2);
  });
  await judge.check('conversations.delete', async () =>
    assert.equal((await client.conversations.delete(id)).deleted, true));
  await judge.checkError('conversations.retrieve (deleted)', 404, () => client.conversations.retrieve(id));
}
