import type { Config } from '../config/types.ts';
import { ConflictError } from '../errors.ts';
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

const OUTBOX_PAGE = 200;

/**
 * Takes due transitions from the outbox into the incidents of the routes that match. An item leaves the outbox in
 * the transaction that writes its incidents: killed anywhere, it is taken again.
 */
export async function fanOut(config: Pick<Config, 'rules' | 'routes'>, ports: FanOutPorts): Promise<number> {
  let taken = 0;
  for (;;) {
    const items = await ports.state.dueOutbox(ports.clock.nowMs(), OUTBOX_PAGE);
    let progress = 0;
    // The end of an alert must not be taken before its beginning.
    const left = new Set<string>();
    for (const item of items) {
      const { alertId } = item.transition;
      const taken = !left.has(alertId) && (await absorbUnlessTaken(item, config, ports));
      if (taken) progress++;
      else left.add(alertId);
    }
    taken += progress;
    if (items.length < OUTBOX_PAGE || progress === 0) return taken;
  }
}

/** False when another was first with one of the incidents: the item stays due, and the next pass takes it. */
async function absorbUnlessTaken(
  item: OutboxItem,
  config: Pick<Config, 'rules' | 'routes'>,
  ports: FanOutPorts,
): Promise<boolean> {
  try {
    await absorb(item, config, ports);
    return true;
  } catch (error) {
    if (error instanceof ConflictError) return false;
    throw error;
  }
}

async function absorb(
  item: OutboxItem,
  config: Pick<Config, 'rules' | 'routes'>,
  ports: FanOutPorts,
): Promise<void> {
  const { state, clock, logger, meter } = ports;
  const { transition } = item;
  const rule = config.rules.find((candidate) => candidate.name === transition.rule);
  const places = new Map<string, Versioned<Incident>>();
  if (transition.kind === 'firing' && rule) {
    for (const route of matchRoutes(config.routes, rule, transition.labels)) {
      const group = groupOf(route, rule, transition.labels);
      for (const channel of route.channels) {
        const open = await state.findIncident(route.name, channel, group.key);
        const place = open ?? { value: openIncident({ route, channel, group, transition }), version: 0 };
        places.set(place.value.id, place);
      }
    }
    if (places.size === 0) {
      meter.count('transitions_unrouted_total', { rule: rule.name });
      logger.warn('no route takes this alert', { rule: rule.name, ...transition.labels });
    }
  } else {
    for (const open of await state.incidentsOfAlert(transition.alertId)) places.set(open.value.id, open);
  }
  const nowMs = clock.nowMs();
  const incidents = [...places.values()].map(({ value: incident, version }) => {
    const route = config.routes.find((candidate) => candidate.name === incident.route);
    const timing = { groupWaitMs: route?.groupWaitMs ?? 0, groupIntervalMs: route?.groupIntervalMs ?? 0 };
    return { value: absorbTransition({ incident, transition, rule, timing, nowMs }), version };
  });
  await state.commitIncidents({ incidents, consumed: [item.id] });
}
