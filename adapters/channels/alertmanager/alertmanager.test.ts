import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, PermanentError, RetryableError } from '../../../core/errors.ts';
import { AWKWARD, sampleAlert, sampleNotification } from '../../../test/contract/notifications.ts';
import { createSecrets } from '../../secrets/secrets.ts';
import { alertmanager } from './alertmanager.ts';
import { render } from './payload.ts';

const FIRED = Date.UTC(2026, 10, 24, 9, 10);
const HOUR = 3_600_000;

describe('render', () => {
  it('gives an alert that fires an end that lies ahead', () => {
    const notification = sampleNotification({
      alerts: [sampleAlert({ inventoryLabels: { customer: 'acme' }, detail: 'timeout' })],
    });
    expect(render(notification, { endsAfter: HOUR })).toEqual([
      {
        labels: { alertname: 'memory-usage', severity: 'critical', customer: 'acme', ...AWKWARD },
        annotations: {
          title: 'Memory usage',
          summary: '노드-1 *_[` has used 94.1% of its memory for 10m',
          description: 'timeout',
          runbook_url: 'https://runbooks.example.net/memory',
        },
        startsAt: '2026-11-24T09:10:00.000Z',
        endsAt: '2026-11-24T10:10:02.000Z',
      },
    ]);
  });

  it.each([
    ['when it ended', FIRED + 1_000, '2026-11-24T09:10:01.000Z'],
    ['now, where its end is unknown', undefined, '2026-11-24T09:10:02.000Z'],
    ['now, where its end lies ahead', FIRED + HOUR, '2026-11-24T09:10:02.000Z'],
    ['when it fired, where its end is earlier', FIRED - HOUR, '2026-11-24T09:10:00.000Z'],
  ])('ends an alert %s', (_, resolvedAtMs, endsAt) => {
    const alert = sampleAlert({ status: 'resolved', ...(resolvedAtMs !== undefined && { resolvedAtMs }) });
    expect(render(sampleNotification({ alerts: [alert] }), { endsAfter: HOUR })).toMatchObject([{ endsAt }]);
  });

  it('sends every alert, whatever their number, and only whole letters', () => {
    const alerts = Array.from({ length: 5_000 }, (_, i) => sampleAlert({ labels: { node: `${i}\ud800` } }));
    const sent = render(sampleNotification({ alerts }), { endsAfter: HOUR });
    expect(sent).toHaveLength(5_000);
    expect(sent[7]?.labels.node).toBe('7\ufffd');
  });

  it('labels of the inventory replace none of ours', () => {
    const inventoryLabels = { alertname: 'x', severity: 'x', node: 'x' };
    const alert = sampleAlert({ inventoryLabels, labels: { node: 'a' } });
    const [sent] = render(sampleNotification({ alerts: [alert] }), { endsAfter: HOUR });
    expect(sent?.labels).toEqual({ alertname: 'memory-usage', severity: 'critical', node: 'a' });
  });
});

describe('of several servers', () => {
  let servers: Server[];
  let answers: ((response: ServerResponse) => unknown)[];

  beforeEach(async () => {
    answers = [];
    servers = [0, 1, 2].map((i) => createServer((_, response) => answers[i]?.(response)));
    for (const server of servers)
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(() => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  });

  const host = (i: number) => {
    const server = servers[i] as Server;
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const answer =
    (status: number, headers = {}) =>
    (response: ServerResponse) =>
      response.writeHead(status, headers).end(`no ${status}`);
  const send = (options: Record<string, unknown> = {}) =>
    alertmanager
      .create(alertmanager.options.parse({ urls: servers.map((_, i) => `http://${host(i)}`), ...options }), {
        secrets: createSecrets({ baseDir: '/', env: {} }),
        clock: { nowMs: () => FIRED },
      })
      .send(sampleNotification(), undefined, { signal: new AbortController().signal });

  it('all accept', async () => {
    answers = [answer(200), answer(202), answer(200)];
    expect(await send()).toEqual({
      detail: `${host(0)} answered 200, ${host(1)} answered 202, ${host(2)} answered 200`,
    });
  });

  it('one is enough; the others are named', async () => {
    answers = [answer(503), answer(200), () => {}];
    expect(await send({ timeout: '1s' })).toEqual({
      detail: `${host(1)} answered 200`,
      unclear: `1 of 3 have the message, but not ${host(0)} answered 503: no 503; ${host(2)} did not answer within 1 s`,
    });
  });

  it.each<[number[], new (message: string) => Error]>([
    [[400, 401, 503], RetryableError],
    [[400, 401, 400], ConfigError],
    [[400, 404, 422], PermanentError],
    [[500, 500, 500], RetryableError],
  ])('all refuse with %j', async (statuses, type) => {
    answers = statuses.map((status) => answer(status));
    const error = await send().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(type);
    for (const [i, status] of statuses.entries())
      expect((error as Error).message).toContain(`${host(i)} answered ${status}`);
  });

  it('the longest wait is obeyed', async () => {
    answers = [answer(503, { 'retry-after': '7' }), answer(429, { 'retry-after': '40' }), answer(500)];
    await expect(send()).rejects.toMatchObject({ retryAfterMs: 40_000 });
  });
});
