// One HTTP or HTTPS request of a test, with all of the answer.
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { Certificate } from '../certificates.ts';
import { scaledMs } from '../machine-speed.ts';

export interface Answer {
  status: number;
  reason: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: string;
}

export interface AskOptions {
  method?: string;
  /** PEM of the authority of the server. */
  ca?: string;
  /** The client's certificate. */
  client?: Certificate;
  /** Name that the server's certificate must have. Default: the host of the URL. */
  servername?: string;
  body?: string;
  withinMs?: number;
}

const WITHIN_MS = 15_000;

/** @throws Error when no answer comes */
export async function ask(url: string, options: AskOptions = {}): Promise<Answer> {
  const { method = 'GET', ca, client, servername, body, withinMs = WITHIN_MS } = options;
  const send = url.startsWith('https:') ? tlsRequest : plainRequest;
  const sent = send(url, {
    method,
    agent: false,
    signal: AbortSignal.timeout(scaledMs(withinMs)),
    ...(ca !== undefined && { ca }),
    ...(client && { cert: client.cert, key: client.key }),
    ...(servername !== undefined && { servername }),
    ...(body !== undefined && { headers: { 'content-type': 'application/json' } }),
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve).once('error', reject);
  });
  sent.end(body);
  const response = await answered;
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode ?? 0,
    reason: response.statusMessage ?? '',
    headers: response.headers,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}
