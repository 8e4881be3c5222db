import { retryConflicts } from '../../../core/conflicts.ts';
import { ConflictError, RetryableError } from '../../../core/errors.ts';
import type { Alert } from '../../../core/model/alert.ts';
import type { Checkpoint } from '../../../core/model/checkpoint.ts';
import type { Transition } from '../../../core/model/transition.ts';
import type { StateStore, Versioned } from '../../../core/ports.ts';
import type { StateContext } from './context.ts';
import { historyAttributes, listHistory } from './history.ts';
import { keys, sortable } from './layout.ts';
import { loadRecord, openRecords, recordRemoval, recordWrites } from './record.ts';
import { atVersion, type Item, type Key, type Write } from './table.ts';

type Alerts = Pick<
  StateStore,
  | 'loadCheckpoint'
  | 'saveCheckpoint'
  | 'deleteCheckpoint'
  | 'listRules'
  | 'listCheckpoints'
  | 'listAlerts'
  | 'commitAlert'
  | 'listTransitions'
>;

/** A transition that is notified takes two of the hundred items of a transaction. */
const TRANSITIONS_PER_WRITE = 48;

/** The state that evaluate reads and writes. */
export function createAlerts(context: StateContext): Alerts {
  const { table } = context;
  /** Rules that this process has entered or found. */
  const known = new Set<string>();
  /** Heads of the checkpoints that this process has read: they say which items to replace. */
  const read = new Map<string, Item>();

  /** Enters a rule before its items, for ever: `listRules` checks whether a rule still has items. */
  async function enter(rule: string): Promise<void> {
    if (known.has(rule)) return;
    await table.write([{ put: { ...keys.rule(rule), kind: 'rule', v: 1 } }]);
    known.add(rule);
  }

  async function hasAnything(rule: string): Promise<boolean> {
    if (known.has(rule)) return true;
    const found = await table.query({ pk: keys.ofRule(rule), limit: 1 });
    if (found.length > 0) known.add(rule);
    return found.length > 0;
  }

  async function enteredRules(): Promise<string[]> {
    return (await table.query({ pk: 'rules' })).map((item) => item.sk);
  }

  async function alertsOfRule(rule: string): Promise<Versioned<Alert>[]> {
    const heads = await table.query({ pk: keys.ofRule(rule), beginsWith: 'alert#' });
    const stored = await openRecords<Alert>(table, heads);
    return stored.map(({ head, value }) => ({ value, version: Number(head.version) }));
  }

  /** The item that a checkpoint of this version replaces. */
  async function checkpointBefore(key: Key, version: number): Promise<Item | undefined> {
    if (version === 0) return undefined;
    const head = read.get(key.pk + key.sk);
    return head?.version === version ? head : (await table.get([key]))[0];
  }

  return {
    async loadCheckpoint(rule, shard) {
      const key = keys.checkpoint(rule, shard);
      const stored = await loadRecord<Checkpoint>(table, key);
      if (stored) {
        const { version = 0, parts = 0 } = stored.head;
        read.set(key.pk + key.sk, { ...key, version, parts });
      }
      return stored && { value: stored.value, version: Number(stored.head.version) };
    },
    async saveCheckpoint(rule, shard, checkpoint, expectedVersion) {
      await enter(rule);
      const key = keys.checkpoint(rule, shard);
      const writes = await recordWrites({
        key,
        kind: 'checkpoint',
        value: checkpoint,
        attributes: { version: expectedVersion + 1 },
        if: atVersion(expectedVersion),
        before: await checkpointBefore(key, expectedVersion),
      });
      if ((await table.write(writes)).length > 0) throw staleError(`checkpoint of ${rule}`, expectedVersion);
    },
    async deleteCheckpoint(rule, shard) {
      known.delete(rule);
      const remove = async () => {
        const [head] = await table.get([keys.checkpoint(rule, shard)]);
        if (!head) return;
        const version = Number(head.version);
        const failed = await table.write(recordRemoval(head, atVersion(version)));
        if (failed.length > 0) throw staleError(`checkpoint of ${rule}`, version);
      };
      await retryConflicts(remove, {
        gaveUp: (cause) =>
          new RetryableError(`the checkpoint of ${rule} was written each time it was to be deleted`, {
            cause,
          }),
      });
    },
    async listRules() {
      const rules: string[] = [];
      for (const rule of await enteredRules()) if (await hasAnything(rule)) rules.push(rule);
      return rules;
    },
    async listCheckpoints(rule) {
      const { pk, sk: beginsWith } = keys.checkpoint(rule, '');
      const heads = await table.query({ pk, beginsWith });
      return heads.map(({ sk }) => sk.slice(beginsWith.length));
    },
    async listAlerts(rule) {
      const rules = rule === undefined ? await enteredRules() : [rule];
      return (await Promise.all(rules.map(alertsOfRule))).flat();
    },
    async commitAlert({ alert, expectedVersion, transitions, dueAtMs }) {
      await enter(alert.rule);
      const last =
        Math.max(0, Math.ceil(transitions.length / TRANSITIONS_PER_WRITE) - 1) * TRANSITIONS_PER_WRITE;
      const unchanged: Write = { check: keys.alert(alert.rule, alert.id), if: atVersion(expectedVersion) };
      // Beyond what one transaction takes, the oldest go first; a replay finds them and goes on behind them.
      for (let i = 0; i < last; i += TRANSITIONS_PER_WRITE) {
        const some = transitions.slice(i, i + TRANSITIONS_PER_WRITE);
        await commit(alert, expectedVersion, [unchanged], some, dueAtMs);
      }
      const writes = await alertWrites(alert, expectedVersion);
      await commit(alert, expectedVersion, writes, transitions.slice(last), dueAtMs);
    },
    async listTransitions({ fromMs, toMs, alertId, limit }) {
      const heads = await listHistory(table, { kind: 'transition', fromMs, toMs, limit, alertId });
      return (await openRecords<Transition>(table, heads)).map(({ value }) => value);
    },
  };

  /** Leaves out transitions that are stored already when DynamoDB refuses them: that is rare, and saves a read. */
  async function commit(
    alert: Alert,
    expectedVersion: number,
    writes: readonly Write[],
    transitions: readonly Transition[],
    dueAtMs: number,
  ): Promise<void> {
    const groups = await Promise.all(
      transitions.map((transition, i) => transitionWrites(transition, dueAtMs, i)),
    );
    let left = groups;
    for (let tried = 0; tried < 2 + transitions.length; tried++) {
      const all = [...writes, ...left.flat()];
      const failed = new Set(await table.write(all));
      if (failed.size === 0) return;
      if (writes.some((_, i) => failed.has(i))) throw staleError(`alert ${alert.id}`, expectedVersion);
      const refused = new Set([...failed].map((i) => all[i]));
      left = left.filter((group) => !group.some((write) => refused.has(write)));
    }
    throw new RetryableError(`the transitions of alert ${alert.id} could not be told from stored ones`);
  }

  async function transitionWrites(transition: Transition, dueAtMs: number, index: number): Promise<Write[]> {
    const { id, alertId, kind, atMs } = transition;
    const writtenMs = context.clock.nowMs();
    const order = `${sortable(atMs)}#${sortable(writtenMs)}#${String(index).padStart(3, '0')}#${id}`;
    const isNotified = kind === 'firing' || kind === 'resolved';
    const outbox: Item = {
      ...keys.outbox(alertId, `${sortable(dueAtMs)}#${order}`),
      kind: 'outbox',
      v: 1,
      id,
      body: JSON.stringify(transition),
    };
    const writes = await recordWrites({
      key: keys.transition(id),
      kind: 'transition',
      value: transition,
      attributes: {
        ...historyAttributes('transition', alertId, order),
        apk: alertId,
        ...(isNotified ? { owed: outbox.sk } : { expiresAt: context.expiresAt(atMs) }),
      },
      if: { is: 'absent' },
    });
    return isNotified ? [...writes, { put: outbox }] : writes;
  }
}

async function alertWrites(alert: Alert, expectedVersion: number): Promise<Write[]> {
  const key = keys.alert(alert.rule, alert.id);
  if (alert.status === 'ok') {
    const condition = atVersion(expectedVersion);
    return [expectedVersion === 0 ? { check: key, if: condition } : { remove: key, if: condition }];
  }
  return recordWrites({
    key,
    kind: 'alert',
    value: alert,
    attributes: { version: expectedVersion + 1 },
    if: atVersion(expectedVersion),
  });
}

export function staleError(what: string, expected: number): ConflictError {
  return new ConflictError(`${what} has another version than ${expected}`);
}
