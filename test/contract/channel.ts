import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, PermanentError, RetryableError } from '../../core/errors.ts';
import type { Channel, Receipt } from '../../core/ports.ts';
import { ENCODINGS, partsOf } from './encodings.ts';
import { sampleNotification, samplePicture, TEMPTING } from './notifications.ts';

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
  /** Values of which no part may appear in an error or a receipt that is about to be shown. */
  secrets(): readonly string[];
  /** What masks them where errors and receipts are shown: log, state, command line. */
  redact(text: string): string;
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

const STATUSES = Array.from({ length: 500 }, (_, i) => i + 100).filter((status) => status >= 200);
const CONFIG = [401, 403, 407];
const RETRY = new Set([408, 425, 429]);

/** What a service, or what stands in front of it, may answer with 2xx, and what that is where answers are read. */
const ODD_ANSWERS: readonly (readonly [string, Behaviour, 'failed' | 'unclear'])[] = [
  ['a web page', page('text/html; charset=utf-8', '<!DOCTYPE html><title>Log in</title>'), 'failed'],
  ['a web page that is called text', page('text/plain', '\n<html><body>Log in</body></html>'), 'failed'],
  ['a web page without its frame', page('text/html', '<p>Log in</p>'), 'failed'],
  ['ok: false', page('application/json', '{"ok":false}'), 'failed'],
  ['an error', page('application/json', '{"error":{"message":"no"}}'), 'failed'],
  ['nothing', page('text/plain', ''), 'unclear'],
  ['{}', page('application/json', '{}'), 'unclear'],
  ['null', page('application/json', 'null'), 'unclear'],
  ['another text', page('text/plain', 'queued'), 'unclear'],
  ['204', (_, response) => response.writeHead(204).end(), 'unclear'],
  ['a body that breaks off', brokenOff, 'unclear'],
];

function page(type: string, body: string): Behaviour {
  return (_, response) => response.writeHead(200, { 'content-type': type }).end(body);
}

function brokenOff(_: ReceivedRequest, response: ServerResponse): void {
  response.writeHead(200, { 'content-length': 99 });
  response.write('{"ok":true, "res', () => response.destroy());
}

function expectedError(status: number, operator: readonly number[] = []) {
  if (CONFIG.includes(status) || operator.includes(status)) return ConfigError;
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

    function send(
      how: Behaviour,
      signal = new AbortController().signal,
      url = baseUrl,
      options: Readonly<Record<string, unknown>> = {},
    ) {
      const channel = subject.create(url, options);
      return attempt(how, () => channel.send(sampleNotification(), samplePicture, { signal }));
    }

    const expected = (status: number) => expectedError(status, subject.operatorStatuses);

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

    /** Masked as it is where it is shown. Causes and hidden fields are never shown, and hold none either. */
    function holdsNoSecret(value: unknown): void {
      const text = everythingIn(value);
      for (const [spelling, encode] of Object.entries(ENCODINGS)) {
        for (const part of subject.secrets().flatMap(partsOf)) {
          const found = subject.redact(text).toLowerCase().includes(encode(part).toLowerCase());
          if (found) expect.fail(`${part} is left, ${spelling}: ${text}`);
        }
      }
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
          response.writeHead(status, { location: `${baseUrl}/elsewhere/${subject.secrets()[0]}` });
          response.end(`no: ${request.path} ${JSON.stringify(request.headers)}`);
        });
        expect([status, (error as Error)?.constructor]).toEqual([status, expected(status)]);
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
          response.writeHead(status, { location: `${baseUrl}/elsewhere/${subject.secrets()[0]}` });
          response.end(`no: ${request.path} ${JSON.stringify(request.headers)}`);
        });
        expect([status, (error as Error)?.constructor]).toEqual([status, expected(status)]);
        holdsNoSecret(error);
      }
    });

    it.each(Object.entries(ENCODINGS))(
      'prints no part of a secret that is repeated %s',
      async (_, encode) => {
        const echo = subject
          .secrets()
          .flatMap(partsOf)
          .map((part) => `no ${encode(part)} here`)
          .join('\n');
        const halves = subject.secrets().map((secret) => `no: ${encode(secret)}`);
        const answers: Behaviour[] = [
          (__, response) => response.writeHead(400, 'No', { 'x-why': 'x' }).end(echo),
          (__, response) => response.writeHead(500).end(echo),
          (__, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(`<p>${echo}</p>`),
          (__, response) => response.writeHead(200).end(JSON.stringify({ ok: false, error: echo })),
          (__, response) =>
            response.writeHead(400).end(JSON.stringify({ ok: false, description: echo, id: echo })),
          (__, response) => response.writeHead(200).end(echo),
          (__, response) => response.writeHead(302, { location: encodeURI(`/${echo}`) }).end(),
          ...halves.flatMap((half) =>
            [0.5, 0.9].map(
              (share): Behaviour =>
                (__, response) => {
                  response.writeHead(400, { 'content-length': half.length + 99 });
                  response.write(half.slice(0, Math.floor(half.length * share)), () => response.destroy());
                },
            ),
          ),
        ];
        for (const answer of answers) {
          for (const outcome of [await send(answer), await verify(answer)]) holdsNoSecret(outcome);
        }
        for (const half of halves) {
          const { error } = await send((__, response) => {
            response.writeHead(400, { 'content-length': half.length + 99 });
            response.write(half.slice(0, -4), () => response.destroy());
          });
          expect(everythingIn(error)).not.toContain(half.slice(-12, -4));
        }
      },
    );

    it.each(ODD_ANSWERS)('takes %s for what it is', async (_, answer, meaning) => {
      const { receipt, error } = await send(answer);
      if (subject.answers === 'any 2xx') {
        expect(error).toBeUndefined();
        expect(receipt?.unclear).toBeUndefined();
      } else if (meaning === 'failed') {
        expect(error).toBeInstanceOf(RetryableError);
      } else {
        expect(error).toBeUndefined();
        expect(receipt?.unclear).toMatch(/answered 20\d with .*, where it says /);
        expect(receipt?.id).toBeUndefined();
      }
    });

    it('takes what `accepts` lists for a yes', async () => {
      if (subject.answers === 'any 2xx') return;
      for (const [glob, answer] of [
        ['', page('text/plain', '')],
        ['que*', page('text/plain', 'queued\n')],
        ['{}', page('application/json', '{}')],
      ] as const) {
        const { receipt, error } = await send(answer, undefined, baseUrl, { accepts: ['other', glob] });
        expect([glob, error, receipt?.unclear]).toEqual([glob, undefined, undefined]);
        const other = await send(page('text/plain', 'else'), undefined, baseUrl, { accepts: [glob] });
        expect(other.receipt?.unclear).toBeTruthy();
      }
    });

    it('says the same as plain text, at once, when the layout is refused', async () => {
      if (!subject.layout) return;
      const { refuse, isPlain } = subject.layout;
      const { receipt, error } = await send((request, response) =>
        isPlain(request) ? subject.accept(request, response) : refuse(request, response),
      );
      expect(error).toBeUndefined();
      expect(receipt?.unclear).toBeUndefined();
      expect(receipt?.detail).toMatch(/, as plain text/);
      expect(received.filter(isPlain)).toHaveLength(1);
      const never = await send(refuse);
      expect(never.error).toBeInstanceOf(PermanentError);
    });

    it('makes neither links nor mentions of names', async () => {
      const channel = subject.create(baseUrl);
      const signal = new AbortController().signal;
      await attempt(subject.accept, () => channel.send(TEMPTING, undefined, { signal }));
      const [message] = received.slice(-1);
      expect(message).toBeDefined();
      if (message) expect(await subject.temptations(message)).toEqual([]);
      if (!subject.layout) return;
      const { refuse, isPlain } = subject.layout;
      await attempt(
        (request, response) =>
          isPlain(request) ? subject.accept(request, response) : refuse(request, response),
        () => channel.send(TEMPTING, undefined, { signal }),
      );
      const plain = received.find(isPlain);
      expect(plain).toBeDefined();
      if (plain) expect(await subject.temptations(plain)).toEqual([]);
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
      ['a fraction of seconds', () => '40.5', 40_500],
      ['a day', () => '1000000000', 86_400_000],
      ['nonsense', () => 'soon', undefined],
    ])('obeys Retry-After in %s', async (_, header, expected) => {
      for (const status of [429, 503]) {
        const { error } = await send((__, response) =>
          response.writeHead(status, { 'retry-after': header() }).end(),
        );
        const { retryAfterMs, rateLimited } = error as RetryableError;
        expect(rateLimited).toBe(status === 429);
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
