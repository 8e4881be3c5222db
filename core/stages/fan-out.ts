import type { Config } from '../config/types.ts';
import { ConflictError } from '../errors.ts';
import type { Rule } from '../model.ts';
import { absorbTransition, openIncident } from '../notify/incident.ts';
import type { Incident } from '../notify/model.ts';
import { groupOf, matchRoutes } from '../notify/routes.ts';
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

/** Of a firing alert: where it is told. */
interface Place {
  route: Config['routes'][number];
  channel: string;
  group: { key: string; labels: Incident['groupLabels'] };
}

async function absorb(items: readonly OutboxItem[], config: FanOutConfig, ports: FanOutPorts): Promise<void> {
  const { state, clock } = ports;
  const routed = items.map(({ transition }) => {
    const rule = config.rules.find((candidate) => candidate.name === transition.rule);
    const firing = transition.kind === 'firing' && rule !== undefined;
    return { transition, rule, places: firing ? placesOf(transition, rule, config, ports) : undefined };
  });
  const places = new Map(routed.flatMap((one) => one.places ?? []).map((place) => [placeName(place), place]));
  const open = await readAll(places, ({ route, channel, group }) =>
    state.findIncident(route.name, channel, group.key),
  );
  const others = routed.filter((one) => !one.places).map(({ transition }) => transition.alertId);
  const holding = await readAll(new Map(others.map((id) => [id, id])), (id) => state.incidentsOfAlert(id));

  /** By id, with all that was absorbed so far. */
  const incidents = new Map<string, Versioned<Incident>>();
  const idOfPlace = new Map<string, string>();
  const changed = new Set<string>();
  const enter = (stored: Versioned<Incident>): string => {
    const { id, route, channel, groupKey } = stored.value;
    if (!incidents.has(id)) incidents.set(id, stored);
    idOfPlace.set(placeName({ route: { name: route }, channel, group: { key: groupKey } }), id);
    return id;
  };
  for (const { transition, rule, places: told } of routed) {
    for (const stored of holding.get(transition.alertId) ?? []) enter(stored);
    const ids = told
      ? told.map((place) => {
          const name = placeName(place);
          const stored = open.get(name) ?? { value: openIncident({ ...place, transition }), version: 0 };
          return idOfPlace.get(name) ?? enter(stored);
        })
      : [...incidents].filter(([, { value }]) => holds(value, transition.alertId)).map(([id]) => id);
    for (const id of ids) {
      const { value: incident, version } = incidents.get(id) as Versioned<Incident>;
      const timing = timingOf(incident, config);
      const value = absorbTransition({ incident, transition, rule, timing, nowMs: clock.nowMs() });
      // It knew that already: a commit was cut off behind it.
      if (value === incident) continue;
      incidents.set(id, { value, version });
      changed.add(id);
    }
  }
  await state.commitIncidents({
    incidents: [...incidents.values()].filter(({ value }) => changed.has(value.id)),
    consumed: items.map(({ id }) => id),
  });
}

function placesOf(
  { labels }: OutboxItem['transition'],
  rule: Rule,
  { routes }: FanOutConfig,
  { meter, logger }: FanOutPorts,
): Place[] {
  const taking = matchRoutes(routes, rule, labels);
  const places = taking.flatMap((route) => {
    const group = groupOf(route, rule, labels);
    return [...new Set(route.channels)].map((channel) => ({ route, channel, group }));
  });
  // A route without channels sends to nobody on purpose.
  if (taking.length === 0) {
    meter.count('transitions_unrouted_total', { rule: rule.name });
    logger.warn('no route takes this alert', { rule: rule.name, ...labels });
  }
  return places;
}

/** One open incident at most stands there. */
function placeName(place: { route: { name: string }; channel: string; group: { key: string } }): string {
  return JSON.stringify([place.route.name, place.channel, place.group.key]);
}

function holds(incident: Incident, alertId: string): boolean {
  return incident.alerts.some((alert) => alert.alertId === alertId);
}

function timingOf(incident: Incident, { routes }: FanOutConfig) {
  const route = routes.find((candidate) => candidate.name === incident.route);
  return { groupWaitMs: route?.groupWaitMs ?? 0, groupIntervalMs: route?.groupIntervalMs ?? 0 };
}

/** All at once, by name. */
async function readAll<T, R>(
  wanted: ReadonlyMap<string, T>,
  read: (what: T) => Promise<R>,
): Promise<Map<string, R>> {
  const all = [...wanted].map(async ([name, what]): Promise<[string, R]> => [name, await read(what)]);
  return new Map(await Promise.all(all));
}
