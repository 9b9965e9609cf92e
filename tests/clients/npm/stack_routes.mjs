// What the stack tells of itself and keeps: models, providers, routes, prompts, telemetry.
import assert from 'node:assert/strict';
import { isText, model } from './judge.mjs';

export async function judgeLaunchModels(judge, client) {
  await judge.check('models.list', async () => {
    const models = await client.models.list();
    assert.ok(Array.isArray(models) && models.length > 0, 'expected a list of models');
    models.forEach((one) => isText(one.provider_config.provider_id));
  });
  await judge.check('models.get', async () => {
    const one = await client.models.get({ core_model_id: model });
    isText(one.provider_config.provider_id);
  });
  await judge.check('models.get (unknown)', async () =>
    assert.equal(await client.models.get({ core_model_id: 'no-such-model' }), null));
}

export async function judgeModels(judge, client) {
  await judge.check('models.list', async () => {
    const models = await client.models.list();
    const names = models.map((one) => one.identifier ?? one.id);
    assert.ok(names.includes(model), names.join(' '));
  });
  await judge.check('models.retrieve', async () => {
    const one = await client.models.retrieve(model);
    assert.equal(one.identifier ?? one.id, model);
  });
  await judge.checkError('models.retrieve (unknown)', 404, () => client.models.retrieve('no-such-model'));
  if (client.models.register) await judgeRegistration(judge, client);
  if (client.models.openai)
    await judge.check('models.openai.list', async () => {
      const answer = await client.models.openai.list();
      const names = (answer.data ?? answer).map((one) => one.id);
      assert.ok(names.includes(model), names.join(' '));
    });
}

async function judgeRegistration(judge, client) {
  const name = `judge-${judge.version}`;
  await judge.check('models.register', async () => {
    const [known] = (await client.models.list()).filter((one) => (one.identifier ?? one.id) === model);
    const made = await client.models.register({
      model_id: name, provider_id: known.provider_id, provider_model_id: known.provider_resource_id,
      metadata: { note: 'a name of the judge' }, model_type: 'llm',
    });
    assert.equal(made.identifier, name);
    assert.equal((await client.models.retrieve(name)).identifier, name);
  });
  await judge.check('models.unregister', async () => {
    await client.models.unregister(name);
    const names = (await client.models.list()).map((one) => one.identifier);
    assert.ok(!names.includes(name), 'it is still listed');
  });
}

export async function judgeInspect(judge, client) {
  await judge.check('inspect.health', async () => assert.equal((await client.inspect.health()).status, 'OK'));
  await judge.check('inspect.version', async () => isText((await client.inspect.version()).version));
  let providers;
  await judge.check('providers.list', async () => {
    providers = await client.providers.list();
    for (const provider of providers) {
      isText(provider.api);
      isText(provider.provider_id);
      isText(provider.provider_type);
    }
    assert.ok(providers.some((provider) => provider.api === 'inference'));
  });
  await judge.check('providers.retrieve', async () => {
    const { provider_id: id } = providers.find((provider) => provider.api === 'inference');
    assert.equal((await client.providers.retrieve(id)).provider_id, id);
  });
  await judge.checkError('providers.retrieve (unknown)', 404, () => client.providers.retrieve('no-such-provider'));
  await judge.check('routes.list', async () => areRoutes(await client.routes.list()));
}

function areRoutes(routes) {
  assert.ok(routes.length > 10, `only ${routes.length} routes`);
  for (const route of routes) {
    isText(route.route);
    isText(route.method);
    assert.ok(Array.isArray(route.provider_types));
  }
}

export async function judgeAdmin(judge, client) {
  const { admin } = client.alpha;
  await judge.check('alpha.admin.health', async () => assert.equal((await admin.health()).status, 'OK'));
  await judge.check('alpha.admin.version', async () => isText((await admin.version()).version));
  await judge.check('alpha.admin.listRoutes', async () => areRoutes(await admin.listRoutes()));
  let id;
  await judge.check('alpha.admin.listProviders', async () => {
    id = (await admin.listProviders()).find((provider) => provider.api === 'inference').provider_id;
  });
  await judge.check('alpha.admin.inspectProvider', async () =>
    assert.equal((await admin.inspectProvider(id)).provider_id, id));
}

export async function judgePrompts(judge, client) {
  let id;
  const first = { prompt: 'Say {{ word }}.', variables: ['word'] };
  await judge.check('prompts.create', async () => {
    const made = await client.prompts.create(first);
    id = made.prompt_id;
    assert.match(id, /^pmpt_[0-9a-f]{48}$/);
    assert.deepEqual([made.version, made.prompt, made.variables], [1, first.prompt, first.variables]);
  });
  await judge.check('prompts.update', async () => {
    const made = await client.prompts.update(id, { ...first, prompt: 'Whisper {{ word }}.', version: 1, set_as_default: false });
    assert.equal(made.version, 2);
  });
  await judge.check('prompts.retrieve', async () => {
    assert.equal((await client.prompts.retrieve(id)).prompt, first.prompt);
    assert.equal((await client.prompts.retrieve(id, { version: 2 })).prompt, 'Whisper {{ word }}.');
  });
  await judge.check('prompts.setDefaultVersion', async () => {
    await client.prompts.setDefaultVersion(id, { version: 2 });
    assert.equal((await client.prompts.retrieve(id)).version, 2);
  });
  await judge.check('prompts.versions.list', async () => {
    const versions = await client.prompts.versions.list(id);
    assert.deepEqual(versions.map((one) => one.version).sort(), [1, 2]);
  });
  await judge.check('prompts.list', async () =>
    assert.ok((await client.prompts.list()).some((one) => one.prompt_id === id)));
  await judge.check('prompts.delete', () => client.prompts.delete(id));
  await judge.checkError('prompts.retrieve (deleted)', 404, () => client.prompts.retrieve(id));
}

// Events of one span, under ids of this run and client.
function spanEvents(judge) {
  const trace_id = `${Date.now()}${judge.version.replaceAll('.', '')}`;
  const base = { trace_id, span_id: `span${trace_id}`, type: 'structured_log', attributes: { judge: trace_id } };
  return {
    trace_id, span_id: base.span_id,
    start: { ...base, timestamp: '2026-01-02T03:04:05Z', payload: { type: 'span_start', name: 'work' } },
    log: { ...base, type: 'unstructured_log', timestamp: '2026-01-02T03:04:06Z', message: 'half done', severity: 'info' },
    metric: { ...base, type: 'metric', timestamp: '2026-01-02T03:04:06Z', metric: 'tokens', value: 3, unit: 'tokens' },
    end: { ...base, timestamp: '2026-01-02T03:04:07Z', payload: { type: 'span_end', status: 'ok' } },
  };
}

function isTrace(trace, events) {
  assert.equal(trace.trace_id, events.trace_id);
  assert.equal(trace.root_span_id, events.span_id);
  assert.equal(Date.parse(trace.start_time), Date.parse(events.start.timestamp));
  assert.equal(Date.parse(trace.end_time), Date.parse(events.end.timestamp));
}

export async function judgeLaunchTelemetry(judge, client) {
  const events = spanEvents(judge);
  await judge.check('telemetry.log', async () => {
    for (const event of [events.start, events.log, events.metric, events.end]) await client.telemetry.log({ event });
  });
  await judge.check('telemetry.getTrace', async () =>
    isTrace(await client.telemetry.getTrace({ trace_id: events.trace_id }), events));
}

export async function judgeTelemetry(judge, client) {
  const { telemetry } = client;
  const events = spanEvents(judge);
  const filter = [{ key: 'judge', op: 'eq', value: events.trace_id }];
  await judge.check('telemetry.logEvent', async () => {
    for (const event of [events.start, events.log, events.metric, events.end])
      await telemetry.logEvent({ event, ttl_seconds: 3600 });
  });
  await judge.check('telemetry.getTrace', async () => isTrace(await telemetry.getTrace(events.trace_id), events));
  await judge.check('telemetry.getSpan', async () => {
    const span = await telemetry.getSpan(events.trace_id, events.span_id);
    assert.deepEqual([span.span_id, span.trace_id, span.name], [events.span_id, events.trace_id, 'work']);
  });
  await judge.check('telemetry.getSpanTree', async () => {
    const tree = await telemetry.getSpanTree(events.span_id, { attributes_to_return: ['judge'], max_depth: 3 });
    assert.equal(tree[events.span_id].name, 'work');
    assert.equal(tree[events.span_id].status, 'ok');
  });
  await judge.check('telemetry.queryTraces', async () => {
    const traces = await telemetry.queryTraces({ attribute_filters: filter, limit: 5 });
    assert.equal(traces.length, 1);
    isTrace(traces[0], events);
  });
  await judge.check('telemetry.querySpans', async () => {
    const spans = await telemetry.querySpans({ attribute_filters: filter, attributes_to_return: ['judge'] });
    assert.deepEqual(spans.map((span) => span.span_id), [events.span_id]);
  });
}
