// Llama Stack's own inference routes: of the launch (0.0.35) and of 0.1 to 0.3.
import assert from 'node:assert/strict';
import { collect, embeddingModel, isText, isVector, isYesOrNo, model, question, yesOrNo } from './judge.mjs';

const messages = [
  { role: 'system', content: 'You are brief.' },
  { role: 'user', content: question },
];
const tool = {
  tool_name: 'get_weather',
  description: 'The weather of a city',
  parameters: { city: { param_type: 'string', description: 'the name of the city', required: true } },
};
const stopReasons = ['end_of_turn', 'end_of_message', 'out_of_tokens'];

function isLogprobs(logprobs) {
  assert.ok(Array.isArray(logprobs) && logprobs.length > 0, 'expected logprobs of tokens');
  for (const token of logprobs) {
    const values = Object.values(token.logprobs_by_token);
    assert.ok(values.length > 0 && values.every((value) => value <= 0), JSON.stringify(token));
  }
}

function isMessage(message) {
  assert.equal(message.role, 'assistant');
  isText(message.content);
  assert.ok(stopReasons.includes(message.stop_reason), message.stop_reason);
  assert.deepEqual(message.tool_calls ?? [], []);
}

// A stream begins with "start", ends with "complete" and a reason, and has "progress" between.
function isChatStream(chunks, textOf) {
  const types = chunks.map((chunk) => chunk.event.event_type);
  assert.equal(types[0], 'start');
  assert.equal(types.at(-1), 'complete');
  assert.ok(types.slice(1, -1).every((type) => type === 'progress'), types.join(' '));
  isText(chunks.map((chunk) => textOf(chunk.event.delta)).join(''));
  assert.ok(stopReasons.includes(chunks.at(-1).event.stop_reason), chunks.at(-1).event.stop_reason);
}

export async function judgeLaunchInference(judge, client) {
  const greedy = { strategy: 'greedy', max_tokens: 24, temperature: 0, top_k: 0, top_p: 1, repetition_penalty: 1 };
  const chat = { model, messages, sampling_params: greedy };
  const delta = (value) => (typeof value === 'string' ? value : '');
  await judge.check('inference.chatCompletion', async () =>
    isMessage((await client.inference.chatCompletion(chat)).completion_message));
  await judge.check('inference.chatCompletion (stream)', async () =>
    isChatStream(await collect(client.inference.chatCompletion({ ...chat, stream: true })), delta));
  await judge.check('inference.chatCompletion (logprobs)', async () =>
    isLogprobs((await client.inference.chatCompletion({ ...chat, logprobs: { top_k: 2 } })).logprobs));
  await judge.check('inference.chatCompletion (a tool)', async () => {
    const answer = await client.inference.chatCompletion({
      ...chat, tools: [tool], tool_choice: 'required', tool_prompt_format: 'json',
    });
    const [call] = answer.completion_message.tool_calls;
    assert.equal(call.tool_name, 'get_weather');
    isText(call.call_id);
    assert.equal(typeof call.arguments.city, 'string');
  });
  await judge.check('inference.chatCompletion (a tool, stream)', async () => {
    const chunks = await collect(client.inference.chatCompletion({
      ...chat, tools: [tool], tool_choice: 'required', tool_prompt_format: 'json', stream: true,
    }));
    const calls = chunks.map((chunk) => chunk.event.delta).filter((value) => value.parse_status === 'success');
    assert.equal(calls.length, 1);
    assert.equal(calls[0].content.tool_name, 'get_weather');
  });
  await judge.checkError('inference.chatCompletion (unknown model)', 404, () =>
    client.inference.chatCompletion({ ...chat, model: 'no-such-model' }));
  await judge.checkError('inference.chatCompletion (wrong role)', 400, () =>
    client.inference.chatCompletion({ ...chat, messages: [{ role: 'nobody', content: 'x' }] }));
  const text = { model, content: 'The capital of France is', sampling_params: greedy };
  await judge.check('inference.completion', async () => {
    const answer = await client.inference.completion(text);
    isText(answer.completion_message.content);
  });
  await judge.check('inference.completion (stream)', async () => {
    const body = await client.inference.completion({ ...text, stream: true }).asResponse();
    const lines = (await body.text()).split('\n').filter((line) => line.startsWith('data: '));
    const chunks = lines.map((line) => JSON.parse(line.slice(6)));
    isText(chunks.map((chunk) => chunk.delta).join(''));
    assert.ok(stopReasons.includes(chunks.at(-1).stop_reason));
  });
  await judge.check('inference.embeddings.create', async () => {
    const answer = await client.inference.embeddings.create({ model: embeddingModel, contents: ['one', 'two'] });
    assert.equal(answer.embeddings.length, 2);
    answer.embeddings.forEach(isVector);
  });
  await judge.check('batchInference.chatCompletion', async () => {
    const answer = await client.batchInference.chatCompletion({
      model, messages_batch: [messages, messages], sampling_params: greedy,
    });
    assert.equal(answer.completion_message_batch.length, 2);
    answer.completion_message_batch.forEach(isMessage);
  });
  await judge.check('batchInference.completion', async () => {
    const answer = await client.batchInference.completion({
      model, content_batch: ['One, two,', 'A, b,'], sampling_params: greedy,
    });
    assert.equal(answer.completion_message_batch.length, 2);
    answer.completion_message_batch.forEach((message) => isText(message.content));
  });
}

export async function judgeNativeInference(judge, client) {
  const greedy = { strategy: { type: 'greedy' }, max_tokens: 24 };
  const chat = { model_id: model, messages, sampling_params: greedy };
  const delta = (value) => value.text ?? '';
  await judge.check('inference.chatCompletion', async () =>
    isMessage((await client.inference.chatCompletion(chat)).completion_message));
  await judge.check('inference.chatCompletion (stream)', async () =>
    isChatStream(await collect(client.inference.chatCompletion({ ...chat, stream: true })), delta));
  await judge.check('inference.chatCompletion (strategies)', async () => {
    for (const strategy of [{ type: 'top_p', temperature: 0.7, top_p: 0.9 }, { type: 'top_k', top_k: 5 }])
      isMessage((await client.inference.chatCompletion({
        ...chat, sampling_params: { strategy, max_tokens: 8, repetition_penalty: 1.1, stop: ['\n\n'] },
      })).completion_message);
  });
  await judge.check('inference.chatCompletion (logprobs)', async () =>
    isLogprobs((await client.inference.chatCompletion({ ...chat, logprobs: { top_k: 2 } })).logprobs));
  await judge.check('inference.chatCompletion (logprobs, stream)', async () => {
    const chunks = await collect(client.inference.chatCompletion({ ...chat, logprobs: { top_k: 1 }, stream: true }));
    isLogprobs(chunks.flatMap((chunk) => chunk.event.logprobs ?? []));
  });
  await judge.check('inference.chatCompletion (json_schema)', async () => {
    const answer = await client.inference.chatCompletion({
      ...chat, response_format: { type: 'json_schema', json_schema: yesOrNo },
    });
    isYesOrNo(answer.completion_message.content);
  });
  const withTool = { ...chat, tools: [tool], tool_config: { tool_choice: 'required' } };
  await judge.check('inference.chatCompletion (a tool)', async () => {
    const [call] = (await client.inference.chatCompletion(withTool)).completion_message.tool_calls;
    assert.equal(call.tool_name, 'get_weather');
    isText(call.call_id);
    assert.equal(typeof call.arguments.city, 'string');
  });
  await judge.check('inference.chatCompletion (a tool, stream)', async () => {
    const chunks = await collect(client.inference.chatCompletion({ ...withTool, stream: true }));
    const calls = chunks.map((chunk) => chunk.event.delta).filter((value) => value.parse_status === 'succeeded');
    assert.equal(calls.length, 1);
    assert.equal(calls[0].type, 'tool_call');
    assert.equal(calls[0].tool_call.tool_name, 'get_weather');
  });
  await judge.check('inference.chatCompletion (a tool\'s answer)', async () =>
    isMessage((await client.inference.chatCompletion({
      ...chat, tools: [tool], tool_config: { tool_choice: 'none' },
      messages: [...messages,
        { role: 'assistant', content: '', stop_reason: 'end_of_turn',
          tool_calls: [{ call_id: 'c1', tool_name: 'get_weather', arguments: { city: 'Paris' } }] },
        { role: 'tool', call_id: 'c1', tool_name: 'get_weather', content: 'mild and sunny' }],
    })).completion_message));
  await judge.checkError('inference.chatCompletion (unknown model)', 404, () =>
    client.inference.chatCompletion({ ...chat, model_id: 'no-such-model' }));
  await judge.checkError('inference.chatCompletion (unknown model, stream)', 404, () =>
    client.inference.chatCompletion({ ...chat, model_id: 'no-such-model', stream: true }));
  await judge.checkError('inference.chatCompletion (wrong role)', 400, () =>
    client.inference.chatCompletion({ ...chat, messages: [{ role: 'nobody', content: 'x' }] }));
  const text = { model_id: model, content: 'The capital of France is', sampling_params: greedy };
  await judge.check('inference.completion', async () => {
    const answer = await client.inference.completion(text);
    isText(answer.content);
    assert.ok(stopReasons.includes(answer.stop_reason));
  });
  await judge.check('inference.completion (stream)', async () => {
    const chunks = await collect(client.inference.completion({ ...text, stream: true }));
    isText(chunks.map((chunk) => chunk.delta).join(''));
    assert.ok(stopReasons.includes(chunks.at(-1).stop_reason), chunks.at(-1).stop_reason);
  });
  await judge.check('inference.completion (logprobs)', async () =>
    isLogprobs((await client.inference.completion({ ...text, logprobs: { top_k: 1 } })).logprobs));
  await judge.check('inference.embeddings', async () => {
    const answer = await client.inference.embeddings({ model_id: embeddingModel, contents: ['one', 'two'] });
    assert.equal(answer.embeddings.length, 2);
    answer.embeddings.forEach(isVector);
  });
  await judgeBatches(judge, client, greedy);
}

async function judgeBatches(judge, client, greedy) {
  const [name, methods, key] = client.batchInference
    ? ['batchInference', ['chatCompletion', 'completion'], 'model']
    : ['inference', ['batchChatCompletion', 'batchCompletion'], 'model_id'];
  await judge.check(`${name}.${methods[0]}`, async () => {
    const answer = await client[name][methods[0]]({
      [key]: model, messages_batch: [messages, messages], sampling_params: greedy,
    });
    assert.equal(answer.batch.length, 2);
    answer.batch.forEach((one) => isMessage(one.completion_message));
  });
  await judge.check(`${name}.${methods[1]}`, async () => {
    const answer = await client[name][methods[1]]({
      [key]: model, content_batch: ['One, two,', 'A, b,'], sampling_params: greedy,
    });
    assert.equal(answer.batch.length, 2);
    answer.batch.forEach((one) => isText(one.content));
  });
}
