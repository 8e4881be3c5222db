// The interface over state in memory, and its answers as openapi.yaml describes them.
import { z } from 'zod';
import type { Alert } from '../../core/model/alert.ts';
import type { Config } from '../../core/model/config.ts';
import type { Series } from '../../core/model/sample.ts';
import type { StoredSilence } from '../../core/model/silence.ts';
import type { StateStore } from '../../core/ports.ts';
import { createHistoryFixture } from '../../test/history-fixture.ts';
import { route, rule } from '../../test/incidents.ts';
import { createMemoryState } from '../../test/memory-state.ts';
import { createAlertmanagerRoutes } from './routes.ts';

export const NOW = Date.UTC(2026, 11, 1, 12);
export const MINUTE = 60_000;

// Strict, so that we add nothing of our own.
const time = z.iso.datetime();
const labelSet = z.record(z.string(), z.string());
export const receiver = z.strictObject({ name: z.string() });
export const shownAlert = z.strictObject({
  annotations: labelSet,
  receivers: z.array(receiver).min(1),
  fingerprint: z.string().regex(/^[0-9a-f]{16}$/),
  startsAt: time,
  updatedAt: time,
  endsAt: time,
  status: z.strictObject({
    state: z.enum(['unprocessed', 'active', 'suppressed']),
    silencedBy: z.array(z.string()),
    inhibitedBy: z.array(z.string()),
    mutedBy: z.array(z.string()),
  }),
  labels: labelSet,
  generatorURL: z.url().optional(),
});
export const shownGroup = z.strictObject({ labels: labelSet, receiver, alerts: z.array(shownAlert).min(1) });
export const shownSilence = z.strictObject({
  id: z.string(),
  status: z.strictObject({ state: z.enum(['expired', 'active', 'pending']) }),
  updatedAt: time,
  matchers: z
    .array(
      z.strictObject({ name: z.string(), value: z.string(), isRegex: z.boolean(), isEqual: z.boolean() }),
    )
    .min(1),
  startsAt: time,
  endsAt: time,
  createdBy: z.string(),
  comment: z.string(),
});
export const shownStatus = z.strictObject({
  cluster: z.strictObject({ status: z.enum(['ready', 'settling', 'disabled']), peers: z.array(z.never()) }),
  versionInfo: z.strictObject({
    version: z.string(),
    revision: z.string(),
    branch: z.string(),
    buildUser: z.string(),
    buildDate: z.string(),
    goVersion: z.string(),
  }),
  config: z.strictObject({ original: z.string() }),
  uptime: time,
});

export const config = {
  rules: [
    rule('memory', { summary: '{{node}} uses {{value}}', runbook: 'https://run.example/memory' }),
    rule('node-down', { metric: 'up', condition: { kind: 'below', threshold: 1 }, severity: 'critical' }),
    rule('load', { metric: 'load1', inhibitedBy: ['node-down'] }),
    rule('quiet', { metric: 'load1' }),
  ],
  routes: [
    route('nobody', { match: { rule: ['quiet'] }, channels: [] }),
    route('pager', { match: { severity: ['critical'] }, channels: ['pager'], continue: true }),
    route('all', { channels: ['ops', 'pager'], groupBy: ['rule', 'cluster'] }),
  ],
  channels: ['ops', 'pager'].map((name) => ({ name, type: 'webhook', theme: 'dark', options: {} })),
  silences: [],
  schedule: { timeZone: 'UTC' },
  server: {},
  bastions: [],
  clusters: [],
  checks: [],
  store: {},
  audit: {},
} as unknown as Config;

export const alert = (ruleName: string, node: string, extra: Partial<Alert> = {}): Alert => ({
  id: `${ruleName}-${node}`,
  rule: ruleName,
  labels: { cluster: 'prod', node, role: 'etcd' },
  status: 'firing',
  sinceMs: NOW - 10 * MINUTE,
  firedAtMs: NOW - 5 * MINUTE,
  reason: 'threshold',
  value: 94.1,
  valueAtMs: NOW - MINUTE,
  ...extra,
});

export const silence = (id: string, extra: Partial<StoredSilence> = {}): StoredSilence => ({
  id,
  matchers: [{ name: 'node', op: '=', value: 'a' }],
  fromMs: NOW - MINUTE,
  untilMs: NOW + 60 * MINUTE,
  createdAtMs: NOW - MINUTE,
  author: 'ann',
  comment: 'swap',
  ...extra,
});

/** Two alerts of memory that fire, one that is pending, one that another inhibits, and one for nobody. */
export async function createAlertmanagerFixture() {
  const state: StateStore = createMemoryState();
  const clock = { ms: NOW };
  const samples: Series[] = [];
  for (const one of [
    alert('memory', 'a', { inventoryLabels: { customer: 'acme' } }),
    alert('memory', 'b'),
    alert('memory', 'c', { status: 'pending' }),
    alert('load', 'b'),
    alert('node-down', 'b'),
    alert('quiet', 'd'),
  ])
    await state.commitAlert({ alert: one, expectedVersion: 0, transitions: [], dueAtMs: 0 });

  function open(extra: Partial<Config> = {}, scope: 'read' | 'silence' = 'silence') {
    return createHistoryFixture({
      routes: [createAlertmanagerRoutes()],
      state,
      store: { latest: async () => samples } as never,
      config: { ...config, ...extra } as Config,
      clock: { nowMs: () => clock.ms },
      scope,
    });
  }

  return {
    state,
    clock,
    /** The newest of the metric that is asked for. */
    samples,
    open,
    /** An answer with 200, of that form. */
    async read<T>(schema: z.ZodType<T>, path: string, extra?: Partial<Config>): Promise<T> {
      const { status, body } = await open(extra).json(`/api/v2${path}`);
      if (status !== 200) throw new Error(`${path} answered ${status}: ${JSON.stringify(body)}`);
      return schema.parse(body);
    },
    alerts(query = '', extra?: Partial<Config>) {
      return this.read(z.array(shownAlert), `/alerts${query}`, extra);
    },
  };
}

export const namesOf = (found: readonly { labels: Record<string, string> }[]) =>
  found.map(({ labels }) => `${labels.alertname} ${labels.node}`).sort();

export const post = (
  body: unknown,
  headers: Record<string, string> = { 'content-type': 'application/json' },
) => ({ method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) });

/** A silence as clients post it. */
export const posted = {
  matchers: [
    { name: 'alertname', value: 'memory', isRegex: false },
    { name: 'node', value: 'a|b', isRegex: true, isEqual: true },
    { name: 'cluster', value: 'dev', isRegex: false, isEqual: false },
  ],
  startsAt: '2026-12-01T13:00:00.123456789+01:00',
  endsAt: '2026-12-01T14:00:00Z',
  createdBy: 'ada',
  comment: 'disk swap',
};
