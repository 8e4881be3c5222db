import type { Config } from '../config/types.ts';
import { ConflictError } from '../errors.ts';
import type { Rule } from '../model.ts';
import { markHeard } from '../notify/hand-over.ts';
import { absorbTransition, destinationKey, destinationOf, openIncident } from '../notify/incident.ts';
import type { Incident } from '../notify/model.ts';
import { destinationsOf, matchRoutes } from '../notify/routes.ts';
import { timingOf } from '../notify/timing.ts';
import type { Clock, Logger, Meter, OutboxItem, StateStore, Versioned } from '../ports.ts';

export interface FanOutPorts {
  state: StateStore;
  clock: Clock;
  logger: Logger;
  meter: Meter;
}

type FanOutConfig = Pick<Config, 'rules' | 'routes'>;

const OUTBOX_PAGE = 200;
/**
 * Transitions of one commit. An incident of thousands of alerts is read and written once for so many, and as many new
 * incidents still fit into one transaction of DynamoDB.
 */
const AT_ONCE = 20;

/**
 * Takes due transitions from the outbox into the incidents of the routes that match; returns how many. An item leaves
 * the outbox in the transaction that writes its incidents, or the last of them: killed anywhere, it is taken again.
 * `signal` ends it between two commits.
 */
export async function fanOut(
  config: FanOutConfig,
  ports: FanOutPorts,
  signal?: AbortSignal,
): Promise<number> {
  let taken = 0;
  for (;;) {
    const items = await ports.state.dueOutbox(ports.clock.nowMs(), OUTBOX_PAGE);
    let progress = 0;
    // The end of an alert must not be taken before its beginning.
    const left = new Set<string>();
    for (let i = 0; i < items.length && !signal?.aborted; i += AT_ONCE) {
      progress += await takeSome(items.slice(i, i + AT_ONCE), left, config, ports);
    }
    taken += progress;
    if (items.length < OUTBOX_PAGE || progress === 0 || signal?.aborted) return taken;
  }
}

/** Together; one by one where another was first with something of it. What that was stays due, for the next pass. */
async function takeSome(
  items: readonly OutboxItem[],
  left: Set<string>,
  config: FanOutConfig,
  ports: FanOutPorts,
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

async function absorb(items: readonly OutboxItem[], config: FanOutConfig, ports: FanOutPorts): Promise<void> {
  const { state, clock } = ports;
  const nowMs = clock.nowMs();
  const routed = items.map(({ transition, dueAtMs }) => {
    const rule = config.rules.find((candidate) => candidate.name === transition.rule);
    const firing = transition.kind === 'firing' && rule !== undefined;
    // It waits since it was due, also where nothing was taken for a while.
    const enteredAtMs = Math.min(nowMs, dueAtMs);
    const to = firing ? destinationsOf(config.routes, rule, transition.labels) : undefined;
    return { transition, rule, enteredAtMs, sentTo: to };
  });
  const destinations = new Map(
    routed.flatMap((one) => one.sentTo ?? []).map((to) => [destinationKey(to), to]),
  );
  const open = await readAll(destinations, ({ route, channel, group }) =>
    state.findIncident(route.name, channel, group.key),
  );
  // A firing alert may also be in incidents of channels that routes named before: those learn of its next firing's end.
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
      // It knew that already: a commit was cut off behind it.
      if (value === incident) continue;
      incidents.set(id, { value, version });
      changed.add(id);
    }
    if (to) continue;
    const holders = ids.flatMap((id) => incidents.get(id) ?? []);
    const now = holders.map(({ value }) => value);
    for (const [i, value] of markHeard(now, transition.alertId, before).entries()) {
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

/** Counts and logs a firing that nobody is sent and that no route takes on purpose. */
function reportUnrouted(
  { kind, rule: name, labels }: OutboxItem['transition'],
  rule: Rule | undefined,
  { routes }: FanOutConfig,
  { meter, logger }: FanOutPorts,
): void {
  if (kind !== 'firing' || (rule && matchRoutes(routes, rule, labels).length > 0)) return;
  meter.count('transitions_unrouted_total', { rule: name });
  const why = rule ? 'no route takes it' : 'its rule is gone';
  logger.warn(`an alert is sent to nobody: ${why}`, { rule: name, ...labels });
}

function holds(incident: Incident, alertId: string): boolean {
  return incident.alerts.some((alert) => alert.alertId === alertId);
}

/** All at once, by name. */
async function readAll<T, R>(
  wanted: ReadonlyMap<string, T>,
  read: (what: T) => Promise<R>,
): Promise<Map<string, R>> {
  const all = [...wanted].map(async ([name, what]): Promise<[string, R]> => [name, await read(what)]);
  return new Map(await Promise.all(all));
}
