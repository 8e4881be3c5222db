import type { Config } from '../config/types.ts';
import type { Rule } from '../model.ts';
import type { Incident } from '../notify/model.ts';
import { suppressionJudge } from '../notify/suppression.ts';
import { type UndeliveredAlert, undeliveredAlerts } from '../notify/undelivered.ts';
import type { Clock, StateStore } from '../ports.ts';

const LOOKED_UP_AT_MOST = 100;

/** Alerts that nobody has been sent though somebody should have been, the longest owed first; and the open incidents. */
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
  const judges = new Map<string, ReturnType<typeof suppressionJudge>>();
  /** Incidents of one rule mostly hold the same rule. */
  const judgeOf = (rules: Readonly<Record<string, Rule>>) => {
    const key = JSON.stringify(rules);
    const judge = judges.get(key) ?? suppressionJudge({ rules, silences, firing, nowMs });
    judges.set(key, judge);
    return judge;
  };
  const judge = (incidents: readonly Incident[]) =>
    undeliveredAlerts({
      incidents,
      firing,
      config,
      suppressionOf: (alert, rules) => judgeOf(rules)(alert),
    });
  const undelivered = judge(listed);
  const missed = await incidentsOf(undelivered, state);
  if (missed.length === 0) return { undelivered, incidents: listed };
  const known = new Set(missed.map(({ id }) => id));
  const incidents = [...listed.filter(({ id }) => !known.has(id)), ...missed];
  return { undelivered: judge(incidents), incidents };
}

/** A list of incidents may lag, as on DynamoDB: those of alerts that seem to be in none are looked up. */
async function incidentsOf(
  undelivered: readonly UndeliveredAlert[],
  state: Pick<StateStore, 'incidentsOfAlert'>,
): Promise<Incident[]> {
  const untaken = undelivered.filter(({ channels }) => channels.length === 0).slice(0, LOOKED_UP_AT_MOST);
  const found = await Promise.all(untaken.map(({ alertId }) => state.incidentsOfAlert(alertId)));
  return [...new Map(found.flat().map(({ value }) => [value.id, value])).values()];
}
