import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axios from 'axios';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { render } from '../../adapters/channels/webhook/payload.ts';
import { signatureHeaders } from '../../adapters/channels/webhook/webhook.ts';
import { sampleNotification, samplePicture } from '../../test/contract/notifications.ts';
import { until } from '../../test/until.ts';
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

/** As the sender writes it, in both ways. */
const http = axios.create({
  transformRequest: [(text: string) => text],
  transformResponse: [(text: string) => text],
  validateStatus: () => true,
});

async function post(text: string, secret = 's3cret', id = key, nowMs = Date.now()) {
  const headers = { 'content-type': 'application/json', ...signatureHeaders(id, text, secret, nowMs) };
  const { status, data } = await http.post(sink.url, text, { headers });
  return [status, data];
}

it('the sink accepts a message and saves its picture', async () => {
  expect(await post(body)).toEqual([202, '{"accepted":true}']);
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
  ['a body that is no JSON', () => post('not json'), 'expected object'],
  ['a picture that is no PNG', () => post(body.replace('iVBORw', 'R0lGOD')), 'not a PNG'],
  ['another version', () => post(body.replace('"version":1', '"version":2')), 'version'],
  ['a field too many', () => post(body.replace('"version":1', '"version":1,"extra":1')), 'extra'],
])('the sink refuses %s', async (_, send, reason) => {
  const [status, text] = await send();
  expect(status).toBe(400);
  expect(text).toContain(reason);
});

it('the sink refuses a time that is not a number, although it is signed', async () => {
  const timestamp = 'soon';
  const signature = createHmac('sha256', 's3cret').update(`${key}.${timestamp}.${body}`).digest('base64');
  const headers = {
    'content-type': 'application/json',
    'webhook-id': key,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  };
  const answer = await http.post(sink.url, body, { headers });
  expect([answer.status, answer.data]).toEqual([400, 'webhook-timestamp is not in seconds']);
});

describe('a sink that misbehaves', () => {
  afterEach(() => sink.behave({ kind: 'accept' }));

  it.each([
    [400, {}],
    [401, {}],
    [404, {}],
    [429, { 'retry-after': '7' }],
    [500, {}],
    [302, { location: 'http://127.0.0.1:1/' }],
  ])('answers with %i', async (status, headers) => {
    sink.behave({ kind: 'status', status, headers });
    const before = sink.messages.length;
    const answer = await http.post(sink.url, body, { maxRedirects: 0 });
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject(headers);
    expect(sink.messages).toHaveLength(before);
  });

  it('breaks the connection', async () => {
    sink.behave({ kind: 'reset' });
    await expect(http.post(sink.url, body)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('does not answer, and can still be stopped', async () => {
    const silent = await startSink({ secret: 's3cret', dir });
    silent.behave({ kind: 'silent' });
    const answer = http.post(silent.url, body).then(
      () => 'answered',
      (error: { code: string }) => error.code,
    );
    await until('it has the request', () => silent.requests() === 1);
    await silent.stop();
    expect(await answer).toBe('ECONNRESET');
  });
});

it('refuses a message when its owner fails to take it', async () => {
  const failing = await startSink({
    secret: 's3cret',
    dir,
    onMessage: () => Promise.reject(new Error('disk full')),
  });
  const headers = {
    'content-type': 'application/json',
    ...signatureHeaders(key, body, 's3cret', Date.now()),
  };
  const { status } = await http.post(failing.url, body, { headers });
  expect([status, failing.messages]).toEqual([500, []]);
  await failing.stop();
});
