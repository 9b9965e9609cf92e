// Judges the server by Anthropic's own client of npm.
import assert from 'node:assert/strict';
import { collect, hangs, isText, isYesOrNo, Judge, load, model, question, url, versionOf, weather, yesOrNo } from './judge.mjs';

const sdk = load('@anthropic-ai/sdk');
const judge = new Judge('npm @anthropic-ai/sdk', versionOf('@anthropic-ai/sdk'));
const client = new sdk.Anthropic({ baseURL: url, apiKey: 'none', maxRetries: 0, timeout: hangs });

const tool = { name: weather.name, description: weather.description, input_schema: weather.parameters };
const ask = { model, max_tokens: 24, temperature: 0, messages: [{ role: 'user', content: question }] };
const forced = { ...ask, max_tokens: 64, tools: [tool], tool_choice: { type: 'tool', name: tool.name } };

function isMessage(message, stop_reasons) {
  assert.match(message.id, /^msg_[0-9a-f]{24}$/);
  assert.deepEqual([message.type, message.role, message.model], ['message', 'assistant', model]);
  assert.ok(stop_reasons.includes(message.stop_reason), message.stop_reason);
  const { input_tokens, output_tokens, cache_read_input_tokens } = message.usage;
  assert.ok(input_tokens + cache_read_input_tokens > 0 && output_tokens > 0, JSON.stringify(message.usage));
}

function isCall(block) {
  assert.deepEqual([block.type, block.name], ['tool_use', tool.name]);
  isText(block.id);
  assert.equal(typeof block.input.city, 'string');
}

await judge.check('messages.create', async () => {
  const message = await client.messages.create(ask);
  isMessage(message, ['end_turn', 'max_tokens']);
  assert.deepEqual(message.content.map((block) => block.type), ['text']);
  isText(message.content[0].text);
  assert.equal(message.stop_sequence, null);
  isText(message._request_id);
});
await judge.check('messages.create (system, blocks, metadata)', async () => {
  isMessage(await client.messages.create({
    ...ask, system: [{ type: 'text', text: 'You are brief.', cache_control: { type: 'ephemeral' } }],
    messages: [{ role: 'user', content: [{ type: 'text', text: question }] },
      { role: 'assistant', content: [{ type: 'thinking', thinking: 'hm', signature: 'x' }, { type: 'text', text: 'Paris.' }] },
      { role: 'user', content: 'And of Spain?' }],
    metadata: { user_id: 'somebody' }, top_k: 5, thinking: { type: 'disabled' },
  }), ['end_turn', 'max_tokens']);
});
await judge.check('messages.create (stop_sequences)', async () => {
  const message = await client.messages.create({
    ...ask, messages: [{ role: 'user', content: 'Count from one to ten.' }], max_tokens: 60,
    stop_sequences: [' ', 'e', 'a', 'o', 'n'],
  });
  isMessage(message, ['stop_sequence']);
  assert.ok([' ', 'e', 'a', 'o', 'n'].includes(message.stop_sequence));
});
await judge.check('messages.create (max_tokens)', async () => {
  const message = await client.messages.create({ ...ask, max_tokens: 1 });
  isMessage(message, ['max_tokens']);
  assert.equal(message.usage.output_tokens, 1);
});
await judge.check('messages.create (stream)', async () => {
  const events = await collect(client.messages.create({ ...ask, stream: true }));
  const types = events.map((event) => event.type).filter((type) => type !== 'ping');
  assert.deepEqual(types.filter((type) => type !== 'content_block_delta'),
    ['message_start', 'content_block_start', 'content_block_stop', 'message_delta', 'message_stop']);
  const start = events[0].message;
  assert.deepEqual([start.content, start.stop_reason], [[], null]);
  assert.ok(start.usage.input_tokens > 0, 'message_start tells no input_tokens');
  const deltas = events.filter((event) => event.type === 'content_block_delta');
  isText(deltas.map((event) => event.delta.text).join(''));
  assert.ok(events.find((event) => event.type === 'message_delta').usage.output_tokens > 0);
});
await judge.check('messages.stream', async () => {
  const stream = client.messages.stream(ask);
  let text = '';
  stream.on('text', (piece) => { text += piece; });
  const message = await stream.finalMessage();
  isMessage(message, ['end_turn', 'max_tokens']);
  assert.equal(message.content[0].text, text);
});
let call;
await judge.check('messages.create (a tool)', async () => {
  const message = await client.messages.create(forced);
  isMessage(message, ['tool_use']);
  call = message.content.at(-1);
  isCall(call);
});
await judge.check('messages.stream (a tool)', async () => {
  const message = await client.messages.stream(forced).finalMessage();
  isMessage(message, ['tool_use']);
  isCall(message.content.at(-1));
});
await judge.check('messages.create (any tool, one call)', async () => {
  const message = await client.messages.create({ ...forced, tool_choice: { type: 'any', disable_parallel_tool_use: true } });
  assert.equal(message.content.filter((block) => block.type === 'tool_use').length, 1);
});
await judge.check('messages.create (a tool\'s answer)', async () => {
  const message = await client.messages.create({
    ...ask, tools: [tool], tool_choice: { type: 'none' },
    messages: [...ask.messages, { role: 'assistant', content: [call] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'mild' }] }],
  });
  isMessage(message, ['end_turn', 'max_tokens']);
});
await judge.check('messages.parse', async () => {
  const message = await client.messages.parse({ ...ask, output_config: { format: { type: 'json_schema', schema: yesOrNo } } });
  isYesOrNo(message.content[0].text);
});
await judge.check('messages.countTokens', async () => {
  const { input_tokens: short } = await client.messages.countTokens({ model, messages: ask.messages });
  const { input_tokens: long } = await client.messages.countTokens({ model, messages: ask.messages, system: 'You are brief.', tools: [tool] });
  assert.ok(short > 0 && long > short, `${short} and ${long}`);
  const { usage } = await client.messages.create(ask);
  assert.equal(usage.input_tokens + usage.cache_read_input_tokens, short);
});
await judge.check('beta.messages.create', async () =>
  isMessage(await client.beta.messages.create(ask), ['end_turn', 'max_tokens']));
await judge.check('beta.messages.countTokens', async () =>
  assert.ok((await client.beta.messages.countTokens({ model, messages: ask.messages })).input_tokens > 0));
await judge.check('models.list', async () => {
  const names = (await collect(client.models.list())).map((one) => one.id);
  assert.ok(names.includes(model), names.join(' '));
});
await judge.check('models.retrieve', async () => assert.equal((await client.models.retrieve(model)).id, model));

const isAnthropicError = (type) => async (body) => {
  const error = await body().then(() => assert.fail('expected an error'), (reason) => reason);
  assert.equal(error.error?.type, 'error', JSON.stringify(error.error));
  assert.equal(error.error.error.type, type);
  throw error;
};
await judge.checkError('messages.create (unknown model)', 404, () =>
  isAnthropicError('not_found_error')(() => client.messages.create({ ...ask, model: 'no-such-model' })));
await judge.checkError('messages.create (unknown model, stream)', 404, () =>
  client.messages.create({ ...ask, model: 'no-such-model', stream: true }));
await judge.checkError('messages.create (no max_tokens)', 400, () =>
  isAnthropicError('invalid_request_error')(() => client.messages.create({ model, messages: ask.messages })));
await judge.checkError('messages.create (an answer for no call)', 400, () =>
  client.messages.create({ ...ask, messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'x' }] }] }));
await judge.checkError('messages.countTokens (unknown model)', 404, () =>
  client.messages.countTokens({ model: 'no-such-model', messages: ask.messages }));
await judge.checkRefused('messages.create (a server\'s tool)', () =>
  client.messages.create({ ...ask, tools: [{ type: 'web_search_20250305', name: 'web_search' }] }));
// The default model's format has no place for pictures; Llama 3's has, and its text models refuse with 501.
await judge.checkError('messages.create (a picture)', [400, 501], () =>
  client.messages.create({ ...ask, messages: [{ role: 'user', content: [
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } },
    { type: 'text', text: 'What is this?' }] }] }));
judge.finish();
