// The table, bucket and queues of a deployment. See make.ts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { channelOf, code, isTooLate, saveJson, type Untyped } from './make-ports.ts';
import {
  CLOUD_CONFIG,
  END,
  KEPT_AFTER,
  MINUTE,
  observationOf,
  SILENCED_AT,
  START,
  silencesAt,
} from './story.ts';

interface Kept {
  items: [string, unknown][];
  files: Record<string, { body: string; metadata: Record<string, string> }>;
  messages: { url: string; message: Untyped }[];
  samples: unknown[];
}

async function startCloud(dir: string, minute: number, kept?: Kept) {
  const { startCloud: start } = await code('test/cloud/cloud.ts');
  const { createMemoryBucket } = await code('test/memory-bucket.ts');
  const bucket = createMemoryBucket();
  for (const [key, { body, metadata }] of Object.entries(kept?.files ?? {}))
    await bucket.put(key, Buffer.from(body, 'base64'), { metadata });
  const messages: unknown[] = [];
  const cloud = start({
    config: CLOUD_CONFIG,
    bastions: ['seoul'],
    bucket,
    dir,
    startMs: START + minute * MINUTE,
    shards: 2,
    chat: (clock: Untyped) => channelOf(clock, messages),
    probe: (batch: Untyped) => ({
      batch,
      bastion: { ok: true },
      observations: batch.targets.map((target: Untyped) => observationOf(target, batch.roundMs)),
    }),
  });
  cloud.fault.tooLate = isTooLate;
  for (const [key, item] of kept?.items ?? []) cloud.table.items.set(key, revive(item));
  await cloud.store.write(kept?.samples ?? []);
  for (const { url, message } of kept?.messages ?? []) await cloud.queues.send(url, [message]);
  return { cloud, bucket, messages };
}

/** The messages that functions send from now on. */
function recordSent(cloud: Untyped): Kept['messages'] {
  const sent: Kept['messages'] = [];
  const { send } = cloud.queues;
  cloud.queues.send = async (url: string, messages: Untyped[]) => {
    sent.push(...messages.map((message) => ({ url, message })));
    return send(url, messages);
  };
  return sent;
}

const samplesOf = async (store: Untyped): Promise<unknown[]> => {
  const metrics = ['mem_usage', 'disk_usage', 'up', 'bastion_up'];
  const all = await Promise.all(
    metrics.map((metric) => store.query({ metric, fromMs: START, toMs: START + END * MINUTE })),
  );
  return all
    .flat()
    .flatMap(({ metric, labels, points }: Untyped) =>
      points.map((point: Untyped) => ({ metric, labels, ...point })),
    );
};

const filesOf = (bucket: Untyped): Kept['files'] =>
  Object.fromEntries(
    [...bucket.files].map(([key, { body, metadata }]: Untyped) => [
      key,
      { body: Buffer.from(body).toString('base64'), metadata },
    ]),
  );

const itemsOf = (table: Untyped): [string, unknown][] =>
  [...table.items].map(([key, item]: Untyped) => [key, plain(item)]);

/** Converts bytes of a table to text, and back. */
function plain(item: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(item).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value,
    ]),
  );
}

function revive(item: Untyped): Untyped {
  return Object.fromEntries(
    Object.entries(item).map(([name, value]: Untyped) => [
      name,
      typeof value === 'object' ? Uint8Array.from(Buffer.from(value.base64, 'base64')) : value,
    ]),
  );
}

export async function makeCloud(): Promise<void> {
  const dirs = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'bartizan-before-')));
  const first = await startCloud(dirs[0]!, 0);
  const { cloud } = first;
  let sent = recordSent(cloud);
  const { createTableState } = await code('adapters/state/dynamodb/state.ts');
  const state = createTableState(cloud.table, {
    clock: { nowMs: cloud.nowMs },
    historyMs: 30 * 24 * 60 * MINUTE,
  });
  for (const silence of silencesAt(SILENCED_AT)) await state.putSilence(silence);
  for (let minute = 0; minute < KEPT_AFTER; minute++) await cloud.round(START + minute * MINUTE);
  const delivered = sent.findLast(({ url }) => url.endsWith('deliver.fifo'))!;
  // Every queue keeps messages of the last rounds: nobody reads the observations of probe, nor any message of the round
  // that is planned then.
  sent.length = 0;
  cloud.fault.stopped = 'store';
  await cloud.round(START + KEPT_AFTER * MINUTE);
  const seen = sent.filter(({ url }) => url.endsWith('/store'));
  sent.length = 0;
  await cloud.start(START + (KEPT_AFTER + 1) * MINUTE);
  const kept: Kept = {
    items: itemsOf(cloud.table),
    files: filesOf(first.bucket),
    messages: [...seen, ...sent, delivered],
    samples: await samplesOf(cloud.store),
  };
  await cloud.store.close();
  const next = await startCloud(dirs[1]!, KEPT_AFTER + 1, kept);
  sent = recordSent(next.cloud);
  await next.cloud.wait(START + (KEPT_AFTER + 2) * MINUTE);
  for (let minute = KEPT_AFTER + 2; minute <= END; minute++) await next.cloud.round(START + minute * MINUTE);
  await next.cloud.settle();
  const after = {
    messages: next.messages,
    sent,
    items: itemsOf(next.cloud.table),
    files: filesOf(next.bucket),
    samples: await samplesOf(next.cloud.store),
  };
  await next.cloud.store.close();
  saveJson('cloud.json.gz', { kept, former: first.messages, after, settings: await settingsOf() });
  for (const dir of dirs) rmSync(dir, { recursive: true });
}

/** The parameter that the stacks write. */
async function settingsOf(): Promise<string> {
  const { toRemember } = await code('lib/remembered.ts');
  const { readSettings } = await code('lib/settings.ts');
  const { parseConfig } = await code('core/config/parse.ts');
  const { KINDS } = await code('adapters/kinds.ts');
  const { config } = parseConfig(CLOUD_CONFIG, { file: 'f', kinds: KINDS, baseDir: '/', nowMs: START });
  const settings = readSettings((name: string) => (name === 'shards' ? '2' : undefined));
  return JSON.stringify({ ...toRemember(config, settings), bucket: 'bucket' });
}
