// The channel against Debian's Alertmanager.
import axios from 'axios';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PermanentError, RetryableError } from '../../../core/errors.ts';
import type { NotificationAlert } from '../../../core/model/notification.ts';
import { fingerprintOf } from '../../../history/alertmanager/alerts.ts';
import { type AlertmanagerServer, startAlertmanager } from '../../../test/alertmanager-server.ts';
import { AWKWARD, sampleAlert, sampleNotification } from '../../../test/contract/notifications.ts';
import { until } from '../../../test/until.ts';
import { createSecrets } from '../../secrets/secrets.ts';
import { alertmanager } from './alertmanager.ts';

interface Shown {
  fingerprint: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  endsAt: string;
}

let server: AlertmanagerServer;

beforeEach(async () => {
  server = await startAlertmanager();
});

afterEach(() => server.remove());

const channelTo = (urls: readonly string[], options: Record<string, unknown> = {}) =>
  alertmanager.create(alertmanager.options.parse({ urls, ...options }), {
    secrets: createSecrets({ baseDir: '/', env: {} }),
    clock: { nowMs: Date.now },
  });

const firing = (extra: Partial<NotificationAlert> = {}) =>
  sampleAlert({ firedAtMs: Date.now() - 60_000, inventoryLabels: { customer: 'acme' }, ...extra });

const ended = (alert: NotificationAlert): NotificationAlert => ({
  ...alert,
  status: 'resolved',
  resolvedAtMs: Date.now(),
});

const signal = new AbortController().signal;
const send = (
  alerts: readonly NotificationAlert[],
  urls: readonly string[] = [server.url],
  options: Record<string, unknown> = {},
  atMs = Date.now(),
) => channelTo(urls, options).send(sampleNotification({ alerts, atMs }), undefined, { signal });

const shownAt = async ({ url }: { url: string }) => (await axios.get<Shown[]>(`${url}/api/v2/alerts`)).data;

/** Returns what it shows once it shows that many. */
async function shown(count: number, at = server): Promise<Shown[]> {
  let alerts: Shown[] = [];
  const holds = async () => {
    alerts = await shownAt(at);
    return alerts.length === count;
  };
  await until(`Alertmanager shows ${count} alerts`, holds, {
    everyMs: 20,
    seen: () => `it shows ${alerts.length}`,
  });
  return alerts;
}

describe('a real Alertmanager', () => {
  it('shows what fires, as ours shows it, until it ends', async () => {
    const alert = firing();
    expect(await send([alert])).toEqual({ detail: `${new URL(server.url).host} answered 200` });
    const [one] = await shown(1);
    const labels = { alertname: 'memory-usage', severity: 'critical', customer: 'acme', ...AWKWARD };
    expect(one).toMatchObject({
      labels,
      fingerprint: fingerprintOf(labels),
      annotations: {
        title: 'Memory usage',
        summary: alert.summary,
        runbook_url: 'https://runbooks.example.net/memory',
      },
      startsAt: new Date(alert.firedAtMs).toISOString(),
    });
    expect(Date.parse(one?.endsAt ?? '') - Date.now()).toBeGreaterThan(23 * 3_600_000);

    await send([ended(alert), firing({ labels: { ...AWKWARD, node: 'b' } })]);
    expect((await shown(1)).map(({ labels: { node } }) => node)).toEqual(['b']);
  });

  it('shows one that fires again after its end', async () => {
    const alert = firing();
    await send([alert]);
    await shown(1);
    await send([ended(alert)]);
    await shown(0);
    await send([firing({ firedAtMs: Date.now() })]);
    await shown(1);
  });

  it('moves the end ahead with each message, and ends an alert without one', async () => {
    const alert = firing();
    const endsAt = async () => Date.parse((await shown(1))[0]?.endsAt ?? '');
    const now = Date.now();
    await send([alert], [server.url], { endsAfter: '10m' }, now - 1_000);
    expect(await endsAt()).toBe(now + 599_000);
    await send([alert], [server.url], { endsAfter: '10m' }, now);
    expect(await endsAt()).toBe(now + 600_000);

    const other = firing({ labels: { ...AWKWARD, node: 'b' } });
    await send([other], [server.url], { endsAfter: '1s' });
    await shown(1);
  });

  it('knows nothing after a restart, until the next message', async () => {
    const alert = firing();
    await send([alert]);
    await shown(1);
    await server.stop();
    await expect(send([alert])).rejects.toBeInstanceOf(RetryableError);
    await server.start();
    await shown(0);
    await send([alert]);
    await shown(1);
  });

  it('takes an alert that ends before its clock, or that it was never sent', async () => {
    const alert = firing();
    await send([ended({ ...alert, firedAtMs: Date.now() - 1, resolvedAtMs: 0 })]);
    await shown(0);
  });

  it('refuses an alert without saying no to the others', async () => {
    const wrong = firing({ labels: { 'no-name': 'x' } });
    const sent = send([firing(), wrong]);
    await expect(sent).rejects.toBeInstanceOf(PermanentError);
    await expect(sent).rejects.toThrow(/answered 400: .*invalid label set.*no-name/);
    await shown(1);
  });

  it('is verified', async () => {
    const { host } = new URL(server.url);
    expect(await channelTo([server.url]).verify?.({ signal })).toEqual({
      detail: `${host}: Alertmanager answers`,
    });
    await expect(channelTo([`${server.url}/other`]).verify?.({ signal })).rejects.toThrow(/404/);
  });
});

describe('a pair', () => {
  let other: AlertmanagerServer;

  beforeEach(async () => {
    other = await startAlertmanager({ peers: [server.peer] });
  });

  afterEach(() => other.remove());

  it('gets every alert, also while one of it is down', async () => {
    const [both, host, otherHost] = [
      [server.url, other.url],
      new URL(server.url).host,
      new URL(other.url).host,
    ];
    const alert = firing();
    expect(await send([alert], both)).toEqual({
      detail: `${host} answered 200, ${otherHost} answered 200`,
    });
    await shown(1);
    await shown(1, other);

    await other.stop();
    const receipt = await send([alert], both);
    expect(receipt.detail).toBe(`${host} answered 200`);
    expect(receipt.unclear).toMatch(
      new RegExp(`^1 of 2 have the message, but not cannot reach ${otherHost}.*nothing listens`),
    );
    await server.stop();
    await expect(send([alert], both)).rejects.toThrow(new RegExp(`${host}.*; .*${otherHost}`));

    await Promise.all([server.start(), other.start()]);
    await send([alert], both);
    await shown(1);
    await shown(1, other);
    await send([ended(alert)], both);
    await shown(0);
    await shown(0, other);
  });
});
