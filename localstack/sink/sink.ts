import { createHmac, timingSafeEqual } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { payloadSchema, type WebhookPayload } from '../../adapters/channels/webhook/payload.ts';

export interface SinkMessage {
  receivedAtMs: number;
  payload: WebhookPayload;
  /** Where the picture was saved; absent without one. */
  picturePath?: string;
}

/** How the sink answers instead of accepting: a status, nothing at all, or a broken connection. */
export type SinkBehaviour =
  | { kind: 'accept' }
  | { kind: 'status'; status: number; headers?: Record<string, string> }
  | { kind: 'silent' }
  | { kind: 'reset' };

export interface Sink {
  url: string;
  /** Accepted ones, in order of arrival, repeats included. */
  messages: readonly SinkMessage[];
  /** Requests of any outcome. */
  requests(): number;
  behave(behaviour: SinkBehaviour): void;
  stop(): Promise<void>;
}

const LARGEST_BODY = 8 * 1024 * 1024;
/** Standard Webhooks: receivers refuse what is older or newer. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

/**
 * A receiver of webhook messages on loopback, as strict as their documentation: signature, time, schema, key. What
 * is wrong is refused with 400 and a reason. Pictures are saved as `<prefix><n>-<status>.png`.
 */
export async function startSink(options: {
  port?: number;
  secret: string;
  dir: string;
  prefix?: string;
  onMessage?: (message: SinkMessage) => void;
}): Promise<Sink> {
  const { secret, dir, prefix = 'message-', onMessage } = options;
  await mkdir(dir, { recursive: true });
  const messages: SinkMessage[] = [];
  let behaviour: SinkBehaviour = { kind: 'accept' };
  let requests = 0;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    requests++;
    if (behaviour.kind === 'silent') return;
    if (behaviour.kind === 'reset') return void request.socket.destroy();
    if (behaviour.kind === 'status')
      return void response.writeHead(behaviour.status, behaviour.headers).end();
    const refusal = verify(request, body, secret, Date.now());
    const parsed = refusal === undefined ? payloadSchema.safeParse(JSON.parse(body)) : undefined;
    if (!parsed?.success) {
      response.writeHead(400, { 'content-type': 'text/plain' }).end(refusal ?? String(parsed?.error));
      return;
    }
    const payload = parsed.data;
    const message: SinkMessage = { receivedAtMs: Date.now(), payload };
    if (payload.picture?.base64) {
      message.picturePath = join(dir, `${prefix}${messages.length + 1}-${payload.status}.png`);
      messages.push(message);
      await writeFile(message.picturePath, Buffer.from(payload.picture.base64, 'base64'));
    } else messages.push(message);
    response.writeHead(202, { 'content-type': 'application/json' }).end('{"accepted":true}');
    onMessage?.(message);
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

/** Why a request is refused, or undefined. */
function verify(request: IncomingMessage, body: string, secret: string, nowMs: number): string | undefined {
  const header = (name: string) => String(request.headers[name] ?? '');
  if (request.method !== 'POST') return 'only POST is understood';
  if (!header('content-type').startsWith('application/json')) return 'the body must be application/json';
  const timestamp = header('webhook-timestamp');
  if (Math.abs(nowMs - Number(timestamp) * 1000) > CLOCK_TOLERANCE_MS)
    return 'webhook-timestamp is too far off';
  const signed = `${header('webhook-id')}.${timestamp}.${body}`;
  const expected = Buffer.from(`v1,${createHmac('sha256', secret).update(signed).digest('base64')}`);
  const given = Buffer.from(header('webhook-signature'));
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    return 'webhook-signature does not fit';
  if ((JSON.parse(body) as { key?: unknown }).key !== header('webhook-id'))
    return 'webhook-id is not the key';
  return undefined;
}
