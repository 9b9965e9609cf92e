// What the judges of all npm clients have in common: one check a method, one line a check, and the
// results as JSON at the end.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const environment = (name) => {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: run tests/clients/run.sh`);
  return value;
};

export const url = environment('CRIA_URL');
export const model = environment('CRIA_MODEL');
export const embeddingModel = environment('CRIA_EMBEDDING_MODEL');

// The module `name` of the folder that run.sh has installed the clients into.
const folder = path.join(environment('CRIA_CLIENTS'), 'npm');
export const load = (name) => createRequire(path.join(folder, 'x.js'))(name);
export const versionOf = (name) =>
  JSON.parse(readFileSync(path.join(folder, 'node_modules', name, 'package.json'), 'utf8')).version;

// Milliseconds. Nothing is measured, a judge only must end; the clients' own patience is as long.
export const hangs = 300_000;

function within(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${hangs / 1000} s`)), hangs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const oneLine = (text) => String(text).replace(/\s+/g, ' ').slice(0, 600);

export class Judge {
  constructor(client, version) {
    this.client = client;
    this.version = version;
    this.results = [];
  }

  // Passes unless `body` throws. `method` is the client's, perhaps with a remark in parentheses.
  async check(method, body) {
    await this.#run(method, 'served', body);
  }

  // Passes if `body` fails with this HTTP status, or one of these, in the client's own error class.
  async checkError(method, statuses, body) {
    await this.#run(method, 'served', async () => {
      const error = await failureOf(body);
      assert.ok([statuses].flat().includes(error.status), `expected HTTP ${statuses}: ${oneLine(error.message)}`);
      assert.ok(error.message.length > 0);
    });
  }

  // Passes if the server says by name that it doesn't serve this.
  async checkRefused(method, body) {
    await this.#run(method, 'refused', async () => {
      const error = await failureOf(body);
      assert.equal(error.status, 501, oneLine(error.message));
    });
  }

  // Every method of `client` that nothing has driven so far must be refused by name.
  async checkRest(client) {
    const driven = new Set(this.results.map((result) => result.method.split(' ')[0]));
    for (const { name, call } of methodsOf(client))
      if (!driven.has(name)) await this.checkRefused(name, call);
  }

  async #run(method, kind, body) {
    const result = { client: this.client, version: this.version, method, kind, pass: true };
    try {
      await within((async () => body())());
    } catch (error) {
      result.pass = false;
      result.reason = oneLine(error.stack && error.code !== 'ERR_ASSERTION' && !error.status
        ? error.stack : error.message);
    }
    this.results.push(result);
    console.log(`${result.pass ? 'PASS' : 'FAIL'} ${this.client} ${this.version} ${method}` +
      (result.pass ? '' : `: ${result.reason}`));
  }

  finish() {
    writeFileSync(environment('CRIA_RESULTS'), JSON.stringify(this.results, null, 1));
    process.exit(this.results.every((result) => result.pass) ? 0 : 1);
  }
}

async function failureOf(body) {
  let answer;
  try {
    answer = await body();
  } catch (error) {
    if (error.status === undefined) throw error;
    return error;
  }
  throw new Error(`expected an error, found ${oneLine(JSON.stringify(answer))}`);
}

// An argument for a parameter that is called so in the client's source.
function argumentFor(parameter) {
  if (/^(options|_?options = .*)$/.test(parameter)) return undefined;
  if (/^(body|params|query)/.test(parameter))
    return { agent_id: 'x', session_id: 'x', turn_id: 'x', step_id: 'x', bank_id: 'x', job_uuid: 'x', stream: false };
  return 'x';
}

// The methods of all resources, as {name: "inference.chatCompletion", call: () => promise}.
function methodsOf(client) {
  const found = [];
  const seen = new Set();
  const walk = (resource, prefix) => {
    seen.add(resource);
    const prototype = Object.getPrototypeOf(resource);
    for (const name of prefix === '' ? [] : Object.getOwnPropertyNames(prototype)) {
      const method = prototype[name];
      // What the clients add for convenience calls the methods that make requests.
      if (name === 'constructor' || typeof method !== 'function' || !/_client\b/.test(method.toString())) continue;
      const parameters = /\(([^)]*)\)/.exec(method.toString())[1].split(',').map((text) => text.trim());
      found.push({ name: prefix + name, call: () => resource[name](...parameters.map(argumentFor)) });
    }
    for (const [name, child] of Object.entries(resource))
      if (!name.startsWith('_') && child?._client === client && !seen.has(child)) walk(child, `${prefix}${name}.`);
  };
  walk(client, '');
  return found;
}

export async function collect(stream) {
  const items = [];
  for await (const item of await stream) items.push(item);
  return items;
}

// What the questions of all judges are made of.
export const question = 'What is the capital of France? Answer in one word.';
export const weather = {
  name: 'get_weather',
  description: 'The weather of a city',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string', description: 'the name of the city', maxLength: 20 } },
    required: ['city'],
  },
};
export const yesOrNo = {
  type: 'object',
  properties: { answer: { enum: ['yes', 'no'] } },
  required: ['answer'],
  additionalProperties: false,
};
export function isYesOrNo(text) {
  assert.ok(['yes', 'no'].includes(JSON.parse(text).answer), `not as the schema says: ${text}`);
}
export function isText(value) {
  assert.equal(typeof value, 'string');
  assert.ok(value.length > 0, 'the text is empty');
}
export function isVector(value) {
  assert.ok(Array.isArray(value) && value.length > 1, 'expected a vector');
  for (const number of value) assert.equal(typeof number, 'number');
  const length = Math.hypot(...value);
  assert.ok(Math.abs(length - 1) < 1e-3, `expected a vector of length 1, found ${length}`);
}
