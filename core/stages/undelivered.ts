import type { Config } from '../model/config.ts';
import type { Incident } from '../model/incident.ts';
import { createSuppressions } from '../notify/suppression.ts';
import { type UndeliveredAlert, undeliveredAlerts } from '../notify/undelivered.ts';
import type { Clock, StateStore } from '../ports.ts';

const MOST_READS = 100;

/** Firing alerts that no channel has accepted though one should have, the longest outstanding first; and the open incidents. */
export async function readUndelivered(
  config: Pick<Config, 'rules' | 'routes' | 'silences'>,
  {
    state,
    clock,
  }: {
    state: Pick<StateStore, 'openIncidents' | 'listAlerts' | 'listSilences' | 'incidentsOfAlert'>;
    clock: Clock;
  },
): Promise<{ undelivered: UndeliveredAlert[]; incidents: readonly Incident[] }> {
  const nowMs = clock.nowMs();
  // Alerts first: one that ends meanwhile is then in its incident as ended.
  const alerts = await state.listAlerts();
  const listed = (await state.openIncidents()).map(({ value }) => value);
  const silences = [...config.silences, ...(await state.listSilences({ endedAfterMs: nowMs }))];
  const firing = alerts.map(({ value }) => value).filter(({ status }) => status === 'firing');
  const suppressionsOf = createSuppressions({ silences, firing, nowMs });
  const undeliveredOf = (incidents: readonly Incident[]) =>
    undeliveredAlerts({
      incidents,
      firing,
      config,
      suppressionOf: (alert, rules) => suppressionsOf(rules)(alert),
    });
  const undelivered = undeliveredOf(listed);
  const missed = await incidentsOf(undelivered, state);
  if (missed.length === 0) return { undelivered, incidents: listed };
  const known = new Set(missed.map(({ id }) => id));
  const incidents = [...listed.filter(({ id }) => !known.has(id)), ...missed];
  return { undelivered: undeliveredOf(incidents), incidents };
}

/** A list of incidents may lag, as on DynamoDB: those of alerts that seem to be in none are read one by one. */
async function incidentsOf(
  undelivered: readonly UndeliveredAlert[],
  state: Pick<StateStore, 'incidentsOfAlert'>,
): Promise<Incident[]> {
  const untaken = undelivered.filter(({ channels }) => channels.length === 0).slice(0, MOST_READS);
  const found = await Promise.all(untaken.map(({ alertId }) => state.incidentsOfAlert(alertId)));
  return [...new Map(found.flat().map(({ value }) => [value.id, value])).values()];
}
