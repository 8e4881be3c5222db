import { createHmac, timingSafeEqual } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { payloadSchema, type WebhookPayload } from '../../adapters/channels/webhook/payload.ts';
import { parseJson } from '../../adapters/http/json-body.ts';

export interface SinkMessage {
  receivedAtMs: number;
  payload: WebhookPayload;
  /** The path of the saved picture; absent without one. */
  picturePath?: string;
}

/** How the sink answers instead of accepting: a status, no answer, or a broken connection. */
export type SinkBehaviour =
  | { kind: 'accept' }
  | { kind: 'status'; status: number; headers?: Record<string, string> }
  | { kind: 'silent' }
  | { kind: 'reset' };

export interface Sink {
  url: string;
  /** The accepted messages in order of arrival, also repeated ones. */
  messages: readonly SinkMessage[];
  /** The number of requests, with any result. */
  requests(): number;
  behave(behaviour: SinkBehaviour): void;
  stop(): Promise<void>;
}

const LARGEST_BODY = 8 * 1024 * 1024;
/** The limit of Standard Webhooks: receivers refuse older and newer timestamps. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;
const PNG_SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/**
 * A receiver of webhook messages on loopback, as strict as their documentation: signature, time, schema, key. It
 * refuses wrong messages with 400 and a reason. It saves pictures as `<prefix><n>-<status>.png`.
 * @throws the error of listening, when the port is in use
 */
export async function startSink(options: {
  port?: number;
  secret: string;
  dir: string;
  prefix?: string;
  /** Called before the answer; when it fails the sender gets a 500 and tries again. */
  onMessage?: (message: SinkMessage) => void | Promise<void>;
}): Promise<Sink> {
  const { secret, dir, prefix = 'message-', onMessage } = options;
  await mkdir(dir, { recursive: true });
  const messages: SinkMessage[] = [];
  let behaviour: SinkBehaviour = { kind: 'accept' };
  let requests = 0;
  let accepted = 0;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    requests++;
    if (behaviour.kind === 'silent') return;
    if (behaviour.kind === 'reset') return void request.socket.destroy();
    if (behaviour.kind === 'status')
      return void response.writeHead(behaviour.status, behaviour.headers).end();
    const receivedAtMs = Date.now();
    const checked = check(request, body, secret, receivedAtMs);
    if ('refusal' in checked)
      return void response.writeHead(400, { 'content-type': 'text/plain' }).end(checked.refusal);
    const { payload, png } = checked;
    const message: SinkMessage = { receivedAtMs, payload };
    const number = ++accepted;
    if (png) {
      message.picturePath = join(dir, `${prefix}${number}-${payload.status}.png`);
      await writeFile(message.picturePath, png);
    }
    await onMessage?.(message);
    messages.push(message);
    response.writeHead(202, { 'content-type': 'application/json' }).end('{"accepted":true}');
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    messages,
    requests: () => requests,
    behave: (next) => {
      behaviour = next;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += (part as Buffer).length;
    if (size > LARGEST_BODY) throw new Error('body too large');
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString('utf8');
}

type Checked = { refusal: string } | { payload: WebhookPayload; png: Buffer | undefined };

/** Checks the signature first: an unsigned body is not parsed. */
function check(request: IncomingMessage, body: string, secret: string, nowMs: number): Checked {
  const header = (name: string) => String(request.headers[name] ?? '');
  if (request.method !== 'POST') return { refusal: 'only POST is understood' };
  if (!header('content-type').startsWith('application/json'))
    return { refusal: 'the body must be application/json' };
  const timestamp = header('webhook-timestamp');
  if (!/^\d+$/.test(timestamp)) return { refusal: 'webhook-timestamp is not in seconds' };
  if (Math.abs(nowMs - Number(timestamp) * 1000) > CLOCK_TOLERANCE_MS)
    return { refusal: 'webhook-timestamp is too far off' };
  const signed = `${header('webhook-id')}.${timestamp}.${body}`;
  const expected = Buffer.from(`v1,${createHmac('sha256', secret).update(signed).digest('base64')}`);
  const given = Buffer.from(header('webhook-signature'));
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    return { refusal: 'webhook-signature does not fit' };
  const parsed = payloadSchema.safeParse(parseJson(body));
  if (!parsed.success) return { refusal: parsed.error.message };
  const payload = parsed.data;
  if (payload.key !== header('webhook-id')) return { refusal: 'webhook-id is not the key' };
  const base64 = payload.picture?.base64;
  const png = base64 ? Buffer.from(base64, 'base64') : undefined;
  if (png && !png.subarray(0, PNG_SIGNATURE.length).equals(PNG_SIGNATURE))
    return { refusal: 'the picture is not a PNG' };
  return { payload, png };
}
