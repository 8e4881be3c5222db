// What state has kept of a message that was sent.

import { ConfigError } from '../errors.ts';
import type { Incident } from '../model/incident.ts';
import type { Target } from '../model/target.ts';
import type { Transition } from '../model/transition.ts';
import { type PastMessage, parseMessageKey, pastMessage } from '../notify/past-message.ts';
import type { StateStore } from '../ports.ts';

export type RecordState = Pick<StateStore, 'listDeliveries' | 'loadIncident' | 'listTransitions'>;

const MOST_DELIVERIES = 10_000;
const MOST_TRANSITIONS = 1_000;

/** @throws ConfigError where no record of the message is left */
export async function readMessage(
  key: string,
  state: RecordState,
): Promise<{ message: PastMessage; incident: Incident }> {
  const parsed = parseMessageKey(key);
  if (!parsed)
    throw new ConfigError(
      `'${key}' is no key of a message: write inc-…:NUMBER, as messages and \`alerts --json\` have it`,
    );
  const { incidentId, number } = parsed;
  const deliveries = await state.listDeliveries({ incidentId, limit: MOST_DELIVERIES });
  const incident = (await state.loadIncident(incidentId))?.value;
  const gone = 'it was deleted with its age, or is of another state';
  if (!incident) throw new ConfigError(`there is no incident ${incidentId}: ${gone}`);
  const message = pastMessage(number, deliveries);
  if (message) return { message, incident };
  const tried = deliveries.some((delivery) => delivery.number === number);
  throw new ConfigError(
    tried
      ? `no channel has accepted message ${number} of ${incidentId}, or an older release sent it: no record says what was in it`
      : `there is no message ${number} of ${incidentId}: ${gone}`,
  );
}

/** The reverse of `episodeOf`. */
export function splitEpisode(episode: string): { alertId: string; firedAtMs: number } {
  const at = episode.lastIndexOf('@');
  return { alertId: episode.slice(0, at), firedAtMs: Number(episode.slice(at + 1)) };
}

/** An alert's id is the name of its rule, and a hash. */
export function isOf(alertId: string, rule: string): boolean {
  return alertId.slice(0, alertId.lastIndexOf('-')) === rule;
}

/** Those of the firings that the message is about. */
export async function keptTransitions(
  episodes: readonly { alertId: string; firedAtMs: number }[],
  toMs: number,
  state: RecordState,
): Promise<Transition[]> {
  const found: Transition[] = [];
  for (const { alertId, firedAtMs } of episodes)
    found.push(
      ...(await state.listTransitions({ fromMs: firedAtMs, toMs, alertId, limit: MOST_TRANSITIONS })),
    );
  return found;
}

/** Nodes that have left the inventory since are in it again. */
export function withOldTargets(
  targets: readonly Target[],
  { alerts }: Incident,
  kept: readonly Transition[],
): readonly Target[] {
  const known = new Set(targets.map(({ cluster, node }) => `${cluster}\n${node}`));
  const old = [...alerts, ...kept].flatMap(({ labels }): Target[] => {
    const { cluster, node, role } = labels;
    if (cluster === undefined || node === undefined || role === undefined) return [];
    if (known.has(`${cluster}\n${node}`)) return [];
    known.add(`${cluster}\n${node}`);
    return [
      {
        cluster,
        node,
        role: role as Target['role'],
        host: '',
        port: 22,
        user: '',
        bastion: '',
        hostKeys: [],
      },
    ];
  });
  return [...targets, ...old];
}

/** When a firing ended, as far as that is kept. */
export function resolvedOf(
  alertId: string,
  firedAtMs: number,
  { alerts }: Incident,
  kept: readonly Transition[],
): { resolvedAtMs?: number } {
  const stored = alerts.find((alert) => alert.alertId === alertId && alert.firedAtMs === firedAtMs);
  const ended = kept.find(
    (one) => one.alertId === alertId && one.kind === 'resolved' && one.atMs >= firedAtMs,
  );
  const resolvedAtMs = ended?.atMs ?? stored?.resolvedAtMs;
  return resolvedAtMs === undefined ? {} : { resolvedAtMs };
}
