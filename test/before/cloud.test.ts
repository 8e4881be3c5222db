// Today's code takes over a deployment of an earlier commit (make.ts): its table, its bucket, and a message in each
// queue.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { render, type WebhookPayload } from '../../adapters/channels/webhook/payload.ts';
import { KINDS } from '../../adapters/registry.ts';
import { parseConfig } from '../../core/config/parse.ts';
import { PermanentError, RetryableError } from '../../core/errors.ts';
import type { Observation } from '../../core/model/observation.ts';
import type { Sample } from '../../core/model/sample.ts';
import type { Channel, Clock } from '../../core/ports.ts';
import { deploymentRecord, isDeployed, parseDeploymentRecord } from '../../lib/deployment-record.ts';
import { readSettings } from '../../lib/settings.ts';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import { STAGES } from '../cloud/faults.ts';
import { createMemoryBucket } from '../memory-bucket.ts';
import { type CloudData, opened, readData, revived, shapeOf } from './data.ts';
import { answerOf, CLOUD_CONFIG, END, KEPT_AFTER, MINUTE, observationOf, START } from './story.ts';

const { kept, former, after, settings } = JSON.parse(readData('cloud.json').toString('utf8')) as CloudData;
const dir = mkdtempSync(join(tmpdir(), 'bartizan-before-'));
const bucket = createMemoryBucket();
const messages: { key: string }[] = [];
const sent: { url: string; message: { body: string } }[] = [];
let cloud: Cloud;

beforeAll(async () => {
  for (const [key, { body, metadata }] of Object.entries(kept.files))
    await bucket.put(key, Buffer.from(body, 'base64'), { contentType: '', metadata });
  bucket.writes.length = 0;
  cloud = startCloud({
    config: CLOUD_CONFIG,
    bastions: ['seoul'],
    bucket,
    dir,
    startMs: START + (KEPT_AFTER + 1) * MINUTE,
    shards: 2,
    chat: channelOf,
    probe(batch) {
      const observations = batch.targets.map((target) => observationOf(target, batch.roundMs));
      return { batch, bastion: { ok: true }, observations: observations as unknown as Observation[] };
    },
  });
  for (const [key, item] of kept.items) cloud.table.items.set(key, revived(item));
  await cloud.store.write(kept.samples as unknown as Sample[]);
  for (const { url, message } of kept.messages) await cloud.queues.send(url, [message]);
  const { send } = cloud.queues;
  cloud.queues.send = async (url, all) => {
    sent.push(...all.map((message) => ({ url, message })));
    return send(url, all);
  };
  await cloud.wait(START + (KEPT_AFTER + 2) * MINUTE);
  for (let minute = KEPT_AFTER + 2; minute <= END; minute++) await cloud.round(START + minute * MINUTE);
  await cloud.settle();
});
afterAll(async () => {
  await cloud.store.close();
  rmSync(dir, { recursive: true });
});

function channelOf(clock: Clock): Channel {
  return {
    shows: 'none',
    async send(notification) {
      const answer = answerOf(notification.channel, clock.nowMs());
      if (answer === 'fails') throw new RetryableError('it answered 503');
      if (answer === 'refuses') throw new PermanentError('it answered 400');
      messages.push(render(notification, undefined, { picture: 'none' }));
      return { id: `${messages.length}`, detail: 'accepted' };
    },
  };
}

it("today's code handles the messages that were on their way", () => {
  expect(new Set(kept.messages.map(({ url }) => url)).size).toBe(STAGES.length);
  for (const stage of STAGES) expect([stage, cloud.dead(stage)]).toEqual([stage, []]);
  expect(
    cloud.logger.lines.filter(({ level }) => level === 'error').map(({ message }) => message),
  ).not.toContain('message can never succeed: it went to the dead letters');
});

// The worker thread packs records in real time, so a send may come a moment later in virtual time. The content is the
// same.
const messagesByKey = (all: readonly { key: string }[]) =>
  (all as WebhookPayload[])
    .map(({ key, incident, number, status, channel, route, groupLabels, alerts }) => {
      const fired = alerts.map(({ id, rule, labels, status: now, firedAt }) => [
        id,
        rule,
        labels,
        now,
        firedAt,
      ]);
      return { key, incident, number, status, channel, route, groupLabels, fired };
    })
    .sort((a, b) => (a.key < b.key ? -1 : 1));

it("today's code sends the messages that the earlier commit would send, under the same keys, and repeats none", () => {
  expect(messagesByKey(messages)).toEqual(messagesByKey(after.messages));
  expect(shapeOf(messages[0])).toMatchObject(shapeOf(after.messages[0]) as object);
  const keys = [...former, ...messages].map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
});

it("today's code writes the same messages into its queues", () => {
  const read = (all: typeof sent, stage: string) =>
    all.filter(({ url }) => url.endsWith(stage)).map(({ message }) => opened(message));
  for (const stage of ['probe', 'store', 'evaluate', 'notify'])
    expect(read(sent, stage), stage).toMatchObject(read(after.sent, stage));
  expect(shapeOf(read(sent, 'deliver.fifo')[0])).toEqual(shapeOf(read(after.sent, 'deliver.fifo')[0]));
});

/** Records that do not depend on when a message was sent. */
const STEADY = ['rule', 'checkpoint', 'alert', 'silence', 'status', 'late', 'transition'];

it("today's code writes the same items; records may gain fields, and lose none", () => {
  const read = (items: Iterable<[string, Record<string, unknown>]>) =>
    new Map([...items].map(([key, item]) => [key, opened(item)]));
  const found = read(cloud.table.items);
  const wanted = read(after.items.map(([key, item]) => [key, revived(item)]));
  const kinds = new Map([...found.values()].map((item) => [item.kind, item]));
  for (const [key, item] of wanted) {
    const { body = item.zip, ...attributes } = item;
    expect(Object.keys(found.get(key) ?? kinds.get(item.kind) ?? {}), key).toEqual(
      expect.arrayContaining(Object.keys(attributes).filter((name) => name !== 'zip')),
    );
    if (STEADY.includes(String(item.kind)) && body !== undefined)
      expect(found.get(key)?.body ?? found.get(key)?.zip, key).toMatchObject(body as object);
    if (item.kind === 'incident') expect(bodyOf(found.get(key)), key).toMatchObject(bodyOf(item));
  }
  for (const kind of STEADY)
    expect(
      [...wanted.values()].some((item) => item.kind === kind),
      kind,
    ).toBe(true);
});

/** The fields of an incident, and its content at the end. */
function bodyOf(item: Record<string, unknown> | undefined): Record<string, unknown> {
  const { id, route, channel, groupKey, groupLabels, alerts, notified, notifications } = (item?.body ??
    item?.zip ??
    {}) as Record<string, unknown>;
  return { id, route, channel, groupKey, groupLabels, alerts, notified, notifications };
}

it("today's code uses the stored sections of the configuration, and writes the same marks", () => {
  expect(
    bucket.writes.filter((key) => key.startsWith('config/expanded/') || key === 'config/active.json'),
  ).toEqual([]);
  const marks = Object.keys(after.files).filter((key) => key.endsWith('.json'));
  expect(marks.length).toBeGreaterThan(5);
  for (const key of marks) {
    const text = Buffer.from(after.files[key]?.body ?? '', 'base64').toString('utf8');
    const found = Buffer.from(bucket.files.get(key)?.body ?? []).toString('utf8');
    if (key !== 'delivery.json') expect(JSON.parse(found), key).toMatchObject(JSON.parse(text));
    else expect(shapeOf(JSON.parse(found))).toMatchObject(shapeOf(JSON.parse(text)) as object);
  }
});

it("today's code stores the same samples", async () => {
  const [first] = after.samples;
  expect(first).toBeDefined();
  for (const { metric, labels, timeMs, value } of after.samples as unknown as Sample[]) {
    if (timeMs <= START + KEPT_AFTER * MINUTE) continue;
    const where = Object.fromEntries(Object.entries(labels).map(([name, one]) => [name, [one]]));
    const [series] = await cloud.store.query({ metric, where, fromMs: timeMs, toMs: timeMs });
    expect(series?.points).toEqual([{ timeMs, value }]);
  }
});

it("today's stacks ask for a deployment, as they derive more from the same configuration, and take the record over", () => {
  const parsed = parseConfig(CLOUD_CONFIG, { file: 'f', kinds: KINDS, baseDir: '/', nowMs: START });
  if (!parsed.ok) throw new Error('the configuration of the earlier commit is refused');
  const given = readSettings((name) => (name === 'shards' ? '2' : undefined));
  const record = parseDeploymentRecord(settings, 'the parameter');
  expect(isDeployed(record, parsed.config, given)).toBe(false);
  const { derivedFrom } = deploymentRecord(parsed.config, given);
  expect(isDeployed({ ...record, derivedFrom }, parsed.config, given)).toBe(true);
});
