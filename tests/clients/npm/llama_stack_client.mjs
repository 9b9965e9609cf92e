// Judges the server by an official llama-stack-client of npm: node llama_stack_client.mjs VERSION
import { hangs, Judge, load, url } from './judge.mjs';
import { judgeLaunchInference, judgeNativeInference } from './native.mjs';
import {
  judgeChat, judgeCompletions, judgeConversations, judgeEmbeddings, judgeFiles, judgeKeptChat,
} from './openai_routes.mjs';
import {
  judgeAdmin, judgeInspect, judgeLaunchModels, judgeLaunchTelemetry, judgeModels, judgePrompts, judgeTelemetry,
} from './stack_routes.mjs';

const version = process.argv[2];
const sdk = load(`llama-stack-client-${version}`);
const Client = sdk.default ?? sdk;
const client = new Client({ baseURL: url, maxRetries: 0, timeout: hangs });
const judge = new Judge('npm llama-stack-client', version);

if (version === '0.0.35') {
  await judgeLaunchModels(judge, client);
  await judgeLaunchInference(judge, client);
  await judgeLaunchTelemetry(judge, client);
} else {
  await judgeInspect(judge, client);
  await judgeModels(judge, client);
  if (client.inference) await judgeNativeInference(judge, client);
  if (client.chat) {
    await judgeChat(judge, client);
    await judgeKeptChat(judge, client);
    await judgeCompletions(judge, client);
    await judgeEmbeddings(judge, client);
    await judgeFiles(judge, client, sdk.toFile);
  }
  if (client.conversations) await judgeConversations(judge, client);
  if (client.prompts) await judgePrompts(judge, client);
  if (client.alpha?.admin) await judgeAdmin(judge, client);
  if (client.telemetry) await judgeTelemetry(judge, client);
}
await judge.checkRest(client);
judge.finish();
