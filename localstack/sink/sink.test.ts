import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axios from 'axios';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { render } from '../../adapters/channels/webhook/payload.ts';
import { signatureHeaders } from '../../adapters/channels/webhook/webhook.ts';
import { sampleNotification, samplePicture } from '../../test/contract/notifications.ts';
import { type Sink, startSink } from './sink.ts';

let dir: string;
let sink: Sink;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-sink-'));
  sink = await startSink({ secret: 's3cret', dir });
});
afterAll(async () => {
  await sink.stop();
  rmSync(dir, { recursive: true });
});

const body = JSON.stringify(render(sampleNotification(), samplePicture, { picture: 'base64' }));
const key = sampleNotification().key;

async function post(text: string, secret = 's3cret', id = key, nowMs = Date.now()) {
  const headers = { 'content-type': 'application/json', ...signatureHeaders(id, text, secret, nowMs) };
  const { status, data } = await axios.post(sink.url, text, { headers, validateStatus: () => true });
  return [status, data];
}

it('accepts a message and saves its picture', async () => {
  expect(await post(body)).toEqual([202, { accepted: true }]);
  const [message] = sink.messages;
  expect(message?.payload.key).toBe(key);
  expect(readFileSync(message?.picturePath ?? '')).toEqual(Buffer.from(samplePicture.png));
});

it.each([
  ['another key', () => post(body, 'other'), 'webhook-signature does not fit'],
  [
    'an old time',
    () => post(body, 's3cret', key, Date.now() - 3_600_000),
    'webhook-timestamp is too far off',
  ],
  ['another id', () => post(body, 's3cret', 'x'), 'webhook-id is not the key'],
  ['another version', () => post(body.replace('"version":1', '"version":2')), 'version'],
  ['a field too many', () => post(body.replace('"version":1', '"version":1,"extra":1')), 'extra'],
])('refuses %s', async (_, send, reason) => {
  const [status, text] = await send();
  expect(status).toBe(400);
  expect(JSON.stringify(text)).toContain(reason);
});
