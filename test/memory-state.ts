import { ConflictError } from '../core/errors.ts';
import { lateRecords, lateSeries } from '../core/late-samples.ts';
import type { Alert } from '../core/model/alert.ts';
import type { Checkpoint } from '../core/model/checkpoint.ts';
import type { Delivery } from '../core/model/delivery.ts';
import type { Incident } from '../core/model/incident.ts';
import type { Pace } from '../core/model/pace.ts';
import type { Sample } from '../core/model/sample.ts';
import type { StoredSilence } from '../core/model/silence.ts';
import type { TargetStatus } from '../core/model/target-status.ts';
import { endOfToken, revokedAt, type StoredToken, usedAt } from '../core/model/token.ts';
import type { OutboxItem, Transition } from '../core/model/transition.ts';
import { endedAt } from '../core/notify/silences.ts';
import type { StateStore, Versioned } from '../core/ports.ts';

/** A StateStore in memory that passes the contract suite, for tests that run thousands of times. */
export function createMemoryState(): StateStore {
  const checkpoints = new Map<string, Versioned<Checkpoint>>();
  const alerts = new Map<string, Versioned<Alert>>();
  const transitions = new Map<string, Transition>();
  const outbox = new Map<string, OutboxItem>();
  const incidents = new Map<string, Versioned<Incident>>();
  const deliveries = new Map<string, Delivery>();
  const statuses = new Map<string, TargetStatus>();
  const heads = new Map<string, { sequence: number; hash: string; atMs: number }>();
  const silences = new Map<string, StoredSilence>();
  const tokens = new Map<string, StoredToken>();
  const counters = new Map<string, string>();
  const late: { shard: string; samples: readonly Sample[] }[] = [];
  const paces = new Map<string, Pace>();
  const copy = <T>(value: T): T => structuredClone(value);
  const key = (rule: string, shard: string) => JSON.stringify([rule, shard]);
  const expect = (stored: { version: number } | undefined, expected: number, what: string) => {
    if ((stored?.version ?? 0) !== expected)
      throw new ConflictError(`${what} has version ${stored?.version ?? 0}, not ${expected}`);
  };
  const isOpen = (incident: Incident) => incident.closedAtMs === undefined;
  const open = () => [...incidents.values()].filter(({ value }) => isOpen(value)).map(copy);

  return {
    loadCheckpoint: async (rule, shard) => copy(checkpoints.get(key(rule, shard))),
    async saveCheckpoint(rule, shard, checkpoint, expectedVersion) {
      expect(checkpoints.get(key(rule, shard)), expectedVersion, `checkpoint of ${rule}`);
      checkpoints.set(key(rule, shard), { value: copy(checkpoint), version: expectedVersion + 1 });
    },
    async listRules() {
      const stored = [...checkpoints.keys()].map((text) => (JSON.parse(text) as [string, string])[0]);
      return [...new Set([...stored, ...[...alerts.values()].map((alert) => alert.value.rule)])].sort();
    },
    async listCheckpoints(rule) {
      const stored = [...checkpoints.keys()].map((text) => JSON.parse(text) as [string, string]);
      return stored.flatMap(([name, shard]) => (name === rule ? [shard] : [])).sort();
    },
    deleteCheckpoint: async (rule, shard) => void checkpoints.delete(key(rule, shard)),
    listAlerts: async (rule) =>
      [...alerts.values()].filter(({ value }) => rule === undefined || value.rule === rule).map(copy),
    async commitAlert({ alert, expectedVersion, transitions: added, dueAtMs }) {
      expect(alerts.get(alert.id), expectedVersion, `alert ${alert.id}`);
      if (alert.status === 'ok') alerts.delete(alert.id);
      else alerts.set(alert.id, { value: copy(alert), version: expectedVersion + 1 });
      for (const transition of added) {
        if (transitions.has(transition.id)) continue;
        transitions.set(transition.id, copy(transition));
        if (transition.kind === 'firing' || transition.kind === 'resolved') {
          outbox.set(transition.id, { id: transition.id, dueAtMs, transition: copy(transition) });
        }
      }
    },
    listTransitions: async ({ fromMs, toMs, alertId, limit }) =>
      [...transitions.values()]
        .filter((t) => t.atMs >= fromMs && t.atMs <= toMs && (alertId === undefined || t.alertId === alertId))
        .sort((a, b) => a.atMs - b.atMs)
        .slice(0, limit)
        .map(copy),
    dueOutbox: async (nowMs, limit) =>
      [...outbox.values()]
        .filter((item) => item.dueAtMs <= nowMs)
        .sort((a, b) => a.dueAtMs - b.dueAtMs || a.transition.atMs - b.transition.atMs)
        .slice(0, limit)
        .map(copy),
    findIncident: async (route, channel, groupKey) =>
      open().find(
        ({ value }) => value.route === route && value.channel === channel && value.groupKey === groupKey,
      ),
    incidentsOfAlert: async (alertId) =>
      open().filter(({ value }) => value.alerts.some((a) => a.alertId === alertId)),
    loadIncident: async (id) => copy(incidents.get(id)),
    dueIncidents: async (nowMs, limit) =>
      open()
        .filter(({ value }) => value.dueAtMs !== undefined && value.dueAtMs <= nowMs)
        .sort((a, b) => (a.value.dueAtMs ?? 0) - (b.value.dueAtMs ?? 0))
        .slice(0, limit),
    openIncidents: async () => open(),
    listIncidents: async ({ open: wanted, limit }) =>
      [...incidents.values()]
        .map(({ value }) => copy(value))
        .filter((incident) => wanted === undefined || isOpen(incident) === wanted)
        .sort((a, b) => b.openedAtMs - a.openedAtMs)
        .slice(0, limit),
    async commitIncidents({ incidents: changed, consumed = [], delivery }) {
      for (const { value, version } of changed)
        expect(incidents.get(value.id), version, `incident ${value.id}`);
      for (const { value, version } of changed)
        incidents.set(value.id, { value: copy(value), version: version + 1 });
      for (const id of consumed) outbox.delete(id);
      if (delivery) deliveries.set(delivery.id, copy(delivery));
    },
    listDeliveries: async ({ incidentId, limit }) =>
      [...deliveries.values()]
        .filter((delivery) => incidentId === undefined || delivery.incidentId === incidentId)
        .sort((a, b) => b.atMs - a.atMs)
        .slice(0, limit)
        .map(copy),
    async nextDueMs() {
      const dues = [
        ...[...outbox.values()].map((i) => i.dueAtMs),
        ...open().map(({ value }) => value.dueAtMs ?? Infinity),
      ];
      const first = Math.min(Infinity, ...dues);
      return first === Infinity ? undefined : first;
    },
    async changePace(destination, change) {
      const { pace, result } = change(copy(paces.get(destination)));
      if (pace) paces.set(destination, copy(pace));
      return result;
    },
    async putTargetStatus(list) {
      for (const status of list) {
        const id = JSON.stringify([status.cluster, status.node, status.check]);
        if ((statuses.get(id)?.roundMs ?? 0) <= status.roundMs) statuses.set(id, copy(status));
      }
    },
    listTargetStatus: async () => [...statuses.values()].map(copy),
    putSilence: async (silence) => void silences.set(silence.id, copy(silence)),
    listSilences: async ({ endedAfterMs }) =>
      [...silences.values()]
        .filter(({ untilMs }) => untilMs > endedAfterMs)
        .sort((a, b) => a.untilMs - b.untilMs || (a.id < b.id ? -1 : 1))
        .map(copy),
    async expireSilence(id, atMs) {
      const silence = silences.get(id);
      if (!silence || silence.untilMs <= atMs) return false;
      silences.set(id, endedAt(silence, atMs));
      return true;
    },
    putToken: async (token) => void tokens.set(token.id, copy(token)),
    findToken: async (id) => copy(tokens.get(id)),
    listTokens: async () => [...tokens.values()].sort((a, b) => a.createdAtMs - b.createdAtMs).map(copy),
    async revokeToken(id, atMs) {
      const token = tokens.get(id);
      const revoked = token && revokedAt(token, atMs);
      if (revoked) tokens.set(id, revoked);
      return revoked !== undefined;
    },
    async markTokenUsed(id, atMs) {
      const token = tokens.get(id);
      const used = token && usedAt(token, atMs);
      if (used) tokens.set(id, used);
    },
    putLateSamples: async ({ shard, samples }) => void late.push({ shard, samples: copy(samples) }),
    async lateSamples({ shard, metric, fromMs, toMs }) {
      const mine = late.filter((one) => one.shard === shard).flatMap(({ samples }) => samples);
      const inside = mine.filter((s) => s.metric === metric && s.timeMs >= fromMs && s.timeMs <= toMs);
      return { series: lateSeries(metric, lateRecords(inside)), isCut: false };
    },
    putAuditHead: async (writer, head) => void heads.set(writer, copy(head)),
    listAuditHeads: async () => [...heads].map(([writer, head]) => ({ writer, ...head })),
    counters: {
      load: async (name) => {
        const text = counters.get(name);
        return text === undefined ? undefined : (JSON.parse(text) as unknown);
      },
      save: async (name, value) => void counters.set(name, JSON.stringify(value)),
    },
    prune: async (olderThanMs) => {
      let removed = 0;
      const drop = (map: Map<string, unknown>, old: (value: never) => boolean) => {
        for (const [id, value] of map) if (old(value as never) && map.delete(id)) removed++;
      };
      drop(incidents, ({ value }: Versioned<Incident>) => (value.closedAtMs ?? Infinity) < olderThanMs);
      drop(transitions, (transition: Transition) => transition.atMs < olderThanMs);
      drop(silences, ({ untilMs }: StoredSilence) => untilMs < olderThanMs);
      drop(tokens, (token: StoredToken) => (endOfToken(token) ?? Infinity) < olderThanMs);
      drop(deliveries, (delivery: Delivery) => delivery.atMs < olderThanMs);
      drop(paces, ({ changedAtMs }: Pace) => changedAtMs < olderThanMs);
      return removed;
    },
    close: async () => undefined,
  };
}
