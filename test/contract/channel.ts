import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, PermanentError, RetryableError } from '../../core/errors.ts';
import type { Channel, Receipt } from '../../core/ports.ts';
import { sampleNotification, samplePicture } from './notifications.ts';

export interface ReceivedRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface ChannelUnderTest {
  /** The channel, pointed at a service that listens at `baseUrl`. */
  create(baseUrl: string): Channel;
  /** How the service accepts a message. */
  accept(request: ReceivedRequest, response: ServerResponse): unknown;
  /** What receivers deduplicate by; absent where the service knows no such thing. */
  keyOf?(request: ReceivedRequest): string;
  /** Takes out what the service makes anew each time, such as ids of files. */
  stable?(text: string): string;
  /** Paths that `verify` asks for; none where there is only the connection to look at. */
  verifies: readonly string[];
  /** Values that must appear in no error and no receipt. */
  secrets: readonly string[];
}

type Behaviour = (request: ReceivedRequest, response: ServerResponse) => unknown;

const STATUSES = Array.from({ length: 500 }, (_, i) => i + 100).filter((status) => status >= 200);
const CONFIG = new Set([401, 403, 407]);
const RETRY = new Set([408, 425, 429]);

function expectedError(status: number) {
  if (CONFIG.has(status)) return ConfigError;
  if (RETRY.has(status) || status >= 500) return RetryableError;
  return PermanentError;
}

/** What every channel holds, over a real HTTP server. `send` does not retry: the caller does. */
export function describeChannel(name: string, subject: ChannelUnderTest): void {
  describe(`${name}: channel contract`, () => {
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

    function send(how: Behaviour, signal = new AbortController().signal, url = baseUrl) {
      const channel = subject.create(url);
      return attempt(how, () => channel.send(sampleNotification(), samplePicture, { signal }));
    }

    function verify(how: Behaviour, signal = new AbortController().signal, url = baseUrl) {
      const channel = subject.create(url);
      return attempt(how, async () => channel.verify?.({ signal }));
    }

    async function attempt(how: Behaviour, act: () => Promise<Receipt | undefined>) {
      behaviour = how;
      received = [];
      try {
        return { receipt: await act() };
      } catch (error) {
        return { error };
      }
    }

    /** Whatever can be seen of a value, its causes and hidden fields included. */
    function everythingIn(value: unknown, seen = new Set<unknown>()): string {
      if (typeof value !== 'object' || value === null) return String(value);
      if (seen.has(value)) return '';
      seen.add(value);
      return Reflect.ownKeys(value)
        .map((key) => `${String(key)}=${everythingIn((value as Record<PropertyKey, unknown>)[key], seen)}`)
        .join('\n');
    }

    function holdsNoSecret(value: unknown): void {
      const text = everythingIn(value);
      for (const secret of subject.secrets) expect(text).not.toContain(secret);
    }

    it('verifies without sending anything', async () => {
      const { receipt, error } = await verify(subject.accept);
      expect(error).toBeUndefined();
      expect(receipt?.detail).toBeTruthy();
      holdsNoSecret(receipt);
      expect(received.map(({ path }) => path)).toEqual(subject.verifies);
    });

    it('verifies nothing that is refused, each with the right error', async () => {
      for (const status of subject.verifies.length > 0 ? STATUSES.filter((s) => s >= 300) : []) {
        const { error } = await verify((request, response) => {
          response.writeHead(status, { location: `${baseUrl}/elsewhere/${subject.secrets[0]}` });
          response.end(`no: ${request.path} ${JSON.stringify(request.headers)}`);
        });
        expect([status, (error as Error)?.constructor]).toEqual([status, expectedError(status)]);
        holdsNoSecret(error);
      }
    });

    it.each([
      ['http://127.0.0.1:1', /nothing listens on port 1/],
      ['http://no-such-host.invalid', /the name (does not resolve|cannot be looked up)/],
    ])('verifies nothing at %s', async (url, text) => {
      const { error } = await verify(subject.accept, undefined, url);
      expect(error).toBeInstanceOf(RetryableError);
      expect((error as Error).message).toMatch(text);
      holdsNoSecret(error);
    });

    it('delivers, and its receipt holds no secret', async () => {
      const { receipt, error } = await send(subject.accept);
      expect(error).toBeUndefined();
      expect(receipt?.detail).toBeTruthy();
      holdsNoSecret(receipt);
    });

    it('turns every status that refuses into the right error, without a secret', async () => {
      for (const status of STATUSES.filter((s) => s >= 300)) {
        const { error } = await send((request, response) => {
          // A service that repeats what it was sent must not make us print it.
          response.writeHead(status, { location: `${baseUrl}/elsewhere/${subject.secrets[0]}` });
          response.end(`no: ${request.path} ${JSON.stringify(request.headers)}`);
        });
        expect([status, (error as Error)?.constructor]).toEqual([status, expectedError(status)]);
        holdsNoSecret(error);
      }
    });

    it('follows no redirect', async () => {
      const { error } = await send((_, response) =>
        response.writeHead(307, { location: `${baseUrl}/other` }).end(),
      );
      expect(error).toBeInstanceOf(PermanentError);
      expect(received.filter(({ path }) => path.startsWith('/other'))).toEqual([]);
    });

    it.each([
      ['seconds', () => '7', 7_000],
      ['a date', () => new Date(Date.now() + 60_000).toUTCString(), 60_000],
      ['nonsense', () => 'soon', undefined],
    ])('obeys Retry-After in %s', async (_, header, expected) => {
      for (const status of [429, 503]) {
        const { error } = await send((__, response) =>
          response.writeHead(status, { 'retry-after': header() }).end(),
        );
        const { retryAfterMs } = error as RetryableError;
        if (expected === undefined) expect(retryAfterMs).toBeUndefined();
        else expect(Math.abs((retryAfterMs ?? 0) - expected)).toBeLessThan(2_000);
      }
    });

    it('calls a refused connection retryable', async () => {
      const { error } = await send(subject.accept, undefined, 'http://127.0.0.1:1');
      expect(error).toBeInstanceOf(RetryableError);
      holdsNoSecret(error);
    });

    it('ends when it is told to, though the service is silent', async () => {
      const stop = new AbortController();
      const { error } = await send(() => stop.abort(), stop.signal);
      expect(error).toBeInstanceOf(RetryableError);
      holdsNoSecret(error);
    });

    it('calls a connection that breaks before the answer retryable', async () => {
      const { error } = await send((_, response) => response.destroy());
      expect(error).toBeInstanceOf(RetryableError);
      holdsNoSecret(error);
    });

    it('is not held up by an endless answer', async () => {
      const { error } = await send((_, response) => {
        response.writeHead(500);
        const more = () => {
          while (!response.destroyed && response.write('x'.repeat(65_536)));
        };
        response.on('drain', more);
        more();
      });
      expect(error).toBeInstanceOf(RetryableError);
      expect((error as Error).message.length).toBeLessThan(1_000);
    });

    it('repeats the same, under the same key, when the record of the first was lost', async () => {
      const bodies: string[] = [];
      for (let i = 0; i < 2; i++) {
        const { error } = await send(subject.accept);
        expect(error).toBeUndefined();
        const [last] = received.slice(-1);
        if (last && subject.keyOf) expect(subject.keyOf(last)).toBe(sampleNotification().key);
        const all = received.map(({ body }) => body.toString('latin1')).join('\n');
        const text = subject.stable?.(all) ?? all;
        // The boundary of a form is random.
        bodies.push(text.replaceAll(/-{2,}\S*[0-9a-z]{8,}\S*/gi, '--boundary'));
      }
      expect(bodies[0]).toBe(bodies[1]);
    });
  });
}
