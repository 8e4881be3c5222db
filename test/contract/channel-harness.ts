import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect } from 'vitest';
import type { ChannelAdapter } from '../../adapters/channels/channel-adapter.ts';
import { createSecrets } from '../../adapters/secrets/secrets.ts';
import type { Notification, Picture } from '../../core/model/notification.ts';
import type { Channel, Receipt } from '../../core/ports.ts';
import type { Behaviour, ChannelService, ReceivedRequest } from './channel-service.ts';
import { ENCODINGS, fragmentsOf } from './encodings.ts';
import { sampleNotification, samplePicture } from './notifications.ts';

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

/** A channel and its service, which behaves as a test sets it. */
export interface ChannelHarness {
  /** The channel with the address `url` of its service, and further options of its type. */
  create(url: string, options?: Readonly<Record<string, unknown>>): Channel;
  /** The secrets of the channel that was created last. */
  secrets(): readonly string[];
  baseUrl(): string;
  /** The requests of the last attempt. */
  received(): readonly ReceivedRequest[];
  send(how: Behaviour, sending?: Sending): Promise<Outcome>;
  verify(how: Behaviour, url?: string): Promise<Outcome>;
  /** @throws when the value, its causes or hidden fields contain a part of a secret, in any spelling */
  holdsNoSecret(value: unknown): void;
}

/** Call it inside `describe`: it starts the service before the tests and stops it after them. */
export function setupChannel(adapter: ChannelAdapter, service: ChannelService): ChannelHarness {
  let server: Server;
  let baseUrl: string;
  let behaviour: Behaviour;
  let received: ReceivedRequest[] = [];
  let pointedAt = '';

  function create(url: string, options: Readonly<Record<string, unknown>> = {}): Channel {
    pointedAt = url;
    const parsed = adapter.options.parse({ ...service.options(url), ...options });
    const secrets = createSecrets({ baseDir: '/etc/bartizan', env: service.env(url) });
    return adapter.create(parsed, { secrets, clock: { nowMs: Date.now } });
  }
  const secrets = () => service.secrets?.(pointedAt) ?? Object.values(service.env(pointedAt));

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
    pointedAt = baseUrl;
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
    create,
    secrets,
    baseUrl: () => baseUrl,
    received: () => received,
    send(how, sending = {}) {
      const {
        signal = new AbortController().signal,
        url = baseUrl,
        notification = sampleNotification(),
      } = sending;
      const picture = 'picture' in sending ? sending.picture : samplePicture;
      const channel = create(url, sending.options);
      return attempt(how, () => channel.send(notification, picture, { signal }));
    },
    verify(how, url = baseUrl) {
      const channel = create(url);
      return attempt(how, async () => channel.verify?.({ signal: new AbortController().signal }));
    },
    holdsNoSecret(value) {
      const text = everythingIn(value).toLowerCase();
      const parts = secrets().flatMap(fragmentsOf);
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
