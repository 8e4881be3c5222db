import { describe, expect, it } from 'vitest';
import type { ChannelAdapter } from '../../adapters/channels/channel-adapter.ts';
import { ConfigError, PermanentError, RetryableError } from '../../core/errors.ts';
import { scaledMs } from '../machine-speed.ts';
import { answerTests } from './channel-answers.ts';
import { setupChannel } from './channel-harness.ts';
import { leakTests } from './channel-leaks.ts';
import type { Behaviour, ChannelService } from './channel-service.ts';
import { sampleNotification } from './notifications.ts';

const STATUSES = Array.from({ length: 500 }, (_, i) => i + 100).filter((status) => status >= 200);
const CONFIG = [401, 403, 407];
const RETRY = new Set([408, 425, 429]);

function expectedError(status: number, operator: readonly number[] = []) {
  if (CONFIG.includes(status) || operator.includes(status)) return ConfigError;
  if (RETRY.has(status) || status >= 500) return RetryableError;
  return PermanentError;
}

/** The contract of every channel, over a real HTTP server. `send` does not retry; its caller does. */
export function describeChannel(adapter: ChannelAdapter, service: ChannelService): void {
  const name = service.variant === undefined ? adapter.type : `${adapter.type}, ${service.variant}`;
  describe(`${name}: channel contract`, () => {
    const harness = setupChannel(adapter, service);
    const { create, send, verify, received, baseUrl, secrets, holdsNoSecret } = harness;
    const expected = (status: number) => expectedError(status, service.operatorStatuses);
    /** Repeats the request, and a secret in the address that it redirects to. */
    const echo =
      (status: number): Behaviour =>
      (request, response) => {
        response.writeHead(status, { location: `${baseUrl()}/elsewhere/${secrets()[0]}` });
        response.end(`no: ${request.path} ${JSON.stringify(request.headers)}`);
      };

    answerTests(service, harness);
    leakTests(harness);

    it('verifies without sending a message', async () => {
      const { receipt, error } = await verify(service.accept);
      expect(error).toBeUndefined();
      expect(receipt?.detail).toBeTruthy();
      holdsNoSecret(receipt);
      expect(received().map(({ path }) => path)).toEqual(service.verifies);
    });

    it('does not verify a refusal, and throws the right error for each', async () => {
      for (const status of service.verifies.length > 0 ? STATUSES.filter((s) => s >= 300) : []) {
        const { error } = await verify(echo(status));
        expect([status, (error as Error)?.constructor]).toEqual([status, expected(status)]);
        holdsNoSecret(error);
      }
    });

    it.each([
      ['http://127.0.0.1:1', /nothing listens on port 1/],
      ['http://no-such-host.invalid', /the name (does not resolve|cannot be looked up)/],
    ])('does not verify at %s', async (url, text) => {
      const { error } = await verify(service.accept, url);
      expect(error).toBeInstanceOf(RetryableError);
      expect((error as Error).message).toMatch(text);
      holdsNoSecret(error);
    });

    it('names its destination, always the same, without a secret', async () => {
      const url = baseUrl();
      const [one, other] = await Promise.all([url, url].map((to) => create(to).destination?.()));
      expect(one).toEqual({ key: expect.stringMatching(/^[0-9a-f]{32}$/), everyMs: expect.any(Number) });
      expect(other).toEqual(one);
      const elsewhere = await create('http://127.0.0.1:1').destination?.();
      expect(elsewhere?.key).not.toBe(one?.key);
      holdsNoSecret(one);
    });

    it('delivers, and its receipt contains no secret', async () => {
      const { receipt, error } = await send(service.accept);
      expect(error).toBeUndefined();
      expect(receipt?.detail).toBeTruthy();
      holdsNoSecret(receipt);
    });

    it('throws the right error for every status of a refusal, without a secret', async () => {
      for (const status of STATUSES.filter((s) => s >= 300)) {
        const { error } = await send(echo(status));
        expect([status, (error as Error)?.constructor]).toEqual([status, expected(status)]);
        holdsNoSecret(error);
      }
    });

    it('follows no redirect', async () => {
      const { error } = await send((_, response) =>
        response.writeHead(307, { location: `${baseUrl()}/other` }).end(),
      );
      expect(error).toBeInstanceOf(PermanentError);
      expect(received().filter(({ path }) => path.startsWith('/other'))).toEqual([]);
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
        else expect(Math.abs((retryAfterMs ?? 0) - expected)).toBeLessThan(scaledMs(2_000));
      }
    });

    it('throws a retryable error when the connection is refused', async () => {
      const { error } = await send(service.accept, { url: 'http://127.0.0.1:1' });
      expect(error).toBeInstanceOf(RetryableError);
      holdsNoSecret(error);
    });

    it('ends when it is aborted, although the service is silent', async () => {
      const stop = new AbortController();
      const { error } = await send(() => stop.abort(), { signal: stop.signal });
      expect(error).toBeInstanceOf(RetryableError);
      holdsNoSecret(error);
    });

    it('throws a retryable error when the connection breaks before the answer', async () => {
      const { error } = await send((_, response) => response.destroy());
      expect(error).toBeInstanceOf(RetryableError);
      holdsNoSecret(error);
    });

    it('is not delayed by an endless answer', async () => {
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

    it('repeats the same message under the same key when the record of the first was lost', async () => {
      const bodies: string[] = [];
      for (let i = 0; i < 2; i++) {
        const { error } = await send(service.accept);
        expect(error).toBeUndefined();
        const [last] = received().slice(-1);
        if (last && service.keyOf) expect(service.keyOf(last)).toBe(sampleNotification().key);
        const all = received()
          .map(({ body }) => body.toString('latin1'))
          .join('\n');
        const text = service.stable?.(all) ?? all;
        // The boundary of a form is random.
        bodies.push(text.replaceAll(/-{2,}\S*[0-9a-z]{8,}\S*/gi, '--boundary'));
      }
      expect(bodies[0]).toBe(bodies[1]);
    });
  });
}
