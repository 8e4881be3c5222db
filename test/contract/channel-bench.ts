import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect } from 'vitest';
import type { Notification, Picture } from '../../core/notify/model.ts';
import type { Channel, Receipt } from '../../core/ports.ts';
import { ENCODINGS, partsOf } from './encodings.ts';
import { sampleNotification, samplePicture } from './notifications.ts';

export interface ReceivedRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface ChannelUnderTest {
  /** The channel, pointed at a service that listens at `baseUrl`, with further options of its type. */
  create(baseUrl: string, options?: Readonly<Record<string, unknown>>): Channel;
  /** How the service accepts a message. */
  accept(request: ReceivedRequest, response: ServerResponse): unknown;
  /** What receivers deduplicate by; absent where the service knows no such thing. */
  keyOf?(request: ReceivedRequest): string;
  /** Takes out what the service makes anew each time, such as ids of files. */
  stable?(text: string): string;
  /** Paths that `verify` asks for; none where there is only the connection to look at. */
  verifies: readonly string[];
  /** Values of which no part may appear in an error or a receipt. */
  secrets(): readonly string[];
  /** What an answer of 2xx is taken for, where the service says in it whether it has the message. */
  answers: 'read' | 'any 2xx';
  /** Statuses that only the operator can mend, beside 401, 403 and 407. */
  operatorStatuses?: readonly number[];
  /** What readers of this message would see as links and mentions of what was not meant as such. */
  temptations(request: ReceivedRequest): Promise<readonly string[]> | readonly string[];
  /** How the service refuses a layout, if it does; then whether a request is the plain text that is sent instead. */
  layout?: {
    refuse(request: ReceivedRequest, response: ServerResponse): unknown;
    isPlain(request: ReceivedRequest): boolean;
  };
}

export type Behaviour = (request: ReceivedRequest, response: ServerResponse) => unknown;

export interface Outcome {
  receipt?: Receipt | undefined;
  error?: unknown;
}

interface Sending {
  signal?: AbortSignal;
  url?: string;
  /** Further options of the channel's type. */
  options?: Readonly<Record<string, unknown>>;
  notification?: Notification;
  picture?: Picture | undefined;
}

/** A channel and the service it is pointed at, which behaves as a test says. */
export interface Bench {
  baseUrl(): string;
  /** Of the last attempt. */
  received(): readonly ReceivedRequest[];
  send(how: Behaviour, sending?: Sending): Promise<Outcome>;
  verify(how: Behaviour, url?: string): Promise<Outcome>;
  /** @throws when a part of a secret is in the value, its causes and hidden fields included, in any spelling */
  holdsNoSecret(value: unknown): void;
}

/** To be called where tests are described: it starts the service before them and ends it behind them. */
export function setUpBench(subject: ChannelUnderTest): Bench {
  let server: Server;
  let baseUrl: string;
  let behaviour: Behaviour;
  let received: ReceivedRequest[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { method = '', url = '', headers } = request;
        const whole = { method, path: url, headers, body: Buffer.concat(parts) };
        received.push(whole);
        behaviour(whole, response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  async function attempt(how: Behaviour, act: () => Promise<Receipt | undefined>): Promise<Outcome> {
    behaviour = how;
    received = [];
    try {
      return { receipt: await act() };
    } catch (error) {
      return { error };
    }
  }

  return {
    baseUrl: () => baseUrl,
    received: () => received,
    send(how, sending = {}) {
      const {
        signal = new AbortController().signal,
        url = baseUrl,
        notification = sampleNotification(),
      } = sending;
      const picture = 'picture' in sending ? sending.picture : samplePicture;
      const channel = subject.create(url, sending.options);
      return attempt(how, () => channel.send(notification, picture, { signal }));
    },
    verify(how, url = baseUrl) {
      const channel = subject.create(url);
      return attempt(how, async () => channel.verify?.({ signal: new AbortController().signal }));
    },
    holdsNoSecret(value) {
      const text = everythingIn(value).toLowerCase();
      const parts = subject.secrets().flatMap(partsOf);
      for (const [spelling, encode] of Object.entries(ENCODINGS)) {
        for (const part of parts) {
          if (text.includes(encode(part).toLowerCase())) expect.fail(`${part} is left, ${spelling}: ${text}`);
        }
      }
    },
  };
}

export function everythingIn(value: unknown, seen = new Set<unknown>()): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if (seen.has(value)) return '';
  seen.add(value);
  return Reflect.ownKeys(value)
    .map((key) => `${String(key)}=${everythingIn((value as Record<PropertyKey, unknown>)[key], seen)}`)
    .join('\n');
}
