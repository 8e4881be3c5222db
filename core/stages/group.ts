import { ConflictError } from '../errors.ts';
import { allLabels } from '../labels.ts';
import type { Config } from '../model/config.ts';
import type { Incident } from '../model/incident.ts';
import type { Rule } from '../model/rule.ts';
import type { OutboxItem } from '../model/transition.ts';
import { markNotified } from '../notify/failover.ts';
import { absorbTransition, destinationKey, destinationOf, openIncident } from '../notify/incident.ts';
import { destinationsOf, matchRoutes } from '../notify/routes.ts';
import { timingOf } from '../notify/timing.ts';
import type { Clock, Logger, Meter, StateStore, Versioned } from '../ports.ts';

export interface GroupPorts {
  state: StateStore;
  clock: Clock;
  logger: Logger;
  meter: Meter;
}

type GroupConfig = Pick<Config, 'rules' | 'routes'>;

const OUTBOX_PAGE = 200;
/**
 * Transitions of one commit. More would save reads and writes of large incidents, but as many new incidents must still fit
 * into one transaction of DynamoDB.
 */
const COMMIT_SIZE = 20;

/**
 * The stage `group`: takes due transitions from the outbox into the incidents of the routes that match, and returns how many.
 * An item leaves the outbox in the transaction that writes the last of its incidents: killed anywhere, the next call takes it
 * again. `signal` ends the stage between two commits.
 */
export async function groupTransitions(
  config: GroupConfig,
  ports: GroupPorts,
  signal?: AbortSignal,
): Promise<number> {
  let taken = 0;
  for (;;) {
    const items = await ports.state.dueOutbox(ports.clock.nowMs(), OUTBOX_PAGE);
    let progress = 0;
    // The stage must not take an alert's end before its beginning.
    const left = new Set<string>();
    for (let i = 0; i < items.length && !signal?.aborted; i += COMMIT_SIZE) {
      progress += await takeSome(items.slice(i, i + COMMIT_SIZE), left, config, ports);
    }
    taken += progress;
    if (items.length < OUTBOX_PAGE || progress === 0 || signal?.aborted) return taken;
  }
}

/** Takes items together; after a conflict one by one. An item that conflicts by itself stays due for the next pass. */
async function takeSome(
  items: readonly OutboxItem[],
  left: Set<string>,
  config: GroupConfig,
  ports: GroupPorts,
): Promise<number> {
  const mine = items.filter((item) => !left.has(item.transition.alertId));
  if (mine.length === 0) return 0;
  try {
    await absorb(mine, config, ports);
    return mine.length;
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
  }
  const [only, ...others] = mine;
  if (only && others.length === 0) {
    left.add(only.transition.alertId);
    return 0;
  }
  let taken = 0;
  for (const item of mine) taken += await takeSome([item], left, config, ports);
  return taken;
}

async function absorb(items: readonly OutboxItem[], config: GroupConfig, ports: GroupPorts): Promise<void> {
  const { state, clock } = ports;
  const nowMs = clock.nowMs();
  const routed = items.map(({ transition, dueAtMs }) => {
    const rule = config.rules.find((candidate) => candidate.name === transition.rule);
    const firing = transition.kind === 'firing' && rule !== undefined;
    // It has waited since it was due, also where this stage stood still.
    const enteredAtMs = Math.min(nowMs, dueAtMs);
    const to = firing ? destinationsOf(config.routes, rule, allLabels(transition)) : undefined;
    return { transition, rule, enteredAtMs, sentTo: to };
  });
  const destinations = new Map(
    routed.flatMap((one) => one.sentTo ?? []).map((to) => [destinationKey(to), to]),
  );
  const open = await readAll(destinations, ({ route, channel, group }) =>
    state.findIncident(route.name, channel, group.key),
  );
  // A firing alert may also be in incidents of channels that routes named before: those get the end of its next firing.
  const others = routed.filter((one) => !one.sentTo).map(({ transition }) => transition.alertId);
  const holding = await readAll(new Map(others.map((id) => [id, id])), (id) => state.incidentsOfAlert(id));

  /** By id, with all that was absorbed so far. */
  const incidents = new Map<string, Versioned<Incident>>();
  const idOf = new Map<string, string>();
  const changed = new Set<string>();
  const enter = (stored: Versioned<Incident>): string => {
    const { id } = stored.value;
    if (!incidents.has(id)) incidents.set(id, stored);
    idOf.set(destinationKey(destinationOf(stored.value)), id);
    return id;
  };
  for (const { transition, rule, enteredAtMs, sentTo: to } of routed) {
    for (const stored of holding.get(transition.alertId) ?? []) enter(stored);
    const ids = to
      ? to.map((destination) => {
          const key = destinationKey(destination);
          const opener = `${transition.alertId}\n${transition.atMs}`;
          const stored = open.get(key) ?? {
            value: openIncident(destination, opener, transition.atMs),
            version: 0,
          };
          return idOf.get(key) ?? enter(stored);
        })
      : [...incidents].filter(([, { value }]) => holds(value, transition.alertId)).map(([id]) => id);
    const before = ids.flatMap((id) => incidents.get(id)?.value ?? []);
    for (const id of ids) {
      const { value: incident, version } = incidents.get(id) as Versioned<Incident>;
      const timing = timingOf(incident, config);
      const value = absorbTransition({ incident, transition, rule, timing, enteredAtMs, nowMs });
      // The incident has this transition already: a crash kept a later commit from happening.
      if (value === incident) continue;
      incidents.set(id, { value, version });
      changed.add(id);
    }
    if (to) continue;
    const holders = ids.flatMap((id) => incidents.get(id) ?? []);
    const now = holders.map(({ value }) => value);
    for (const [i, value] of markNotified(now, transition.alertId, before).entries()) {
      const holder = holders[i];
      if (!holder || value === holder.value) continue;
      incidents.set(value.id, { value, version: holder.version });
      changed.add(value.id);
    }
  }
  await state.commitIncidents({
    incidents: [...incidents.values()].filter(({ value }) => changed.has(value.id)),
    consumed: items.map(({ id }) => id),
  });
  for (const { transition, rule } of routed) reportUnrouted(transition, rule, config, ports);
}

/** Counts and logs a firing that is sent to nobody, and that no route discards on purpose. */
function reportUnrouted(
  transition: OutboxItem['transition'],
  rule: Rule | undefined,
  { routes }: GroupConfig,
  { meter, logger }: GroupPorts,
): void {
  const { kind, rule: name, labels } = transition;
  if (kind !== 'firing' || (rule && matchRoutes(routes, rule, allLabels(transition)).length > 0)) return;
  meter.count('transitions_unrouted_total', { rule: name });
  const why = rule ? 'no route takes it' : 'its rule is gone';
  logger.warn(`an alert is sent to nobody: ${why}`, { rule: name, ...labels });
}

function holds(incident: Incident, alertId: string): boolean {
  return incident.alerts.some((alert) => alert.alertId === alertId);
}

/** Reads all concurrently; results by name. */
async function readAll<T, R>(
  wanted: ReadonlyMap<string, T>,
  read: (what: T) => Promise<R>,
): Promise<Map<string, R>> {
  const all = [...wanted].map(async ([name, what]): Promise<[string, R]> => [name, await read(what)]);
  return new Map(await Promise.all(all));
}
