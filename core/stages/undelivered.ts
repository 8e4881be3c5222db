import type { Config } from '../config/types.ts';
import type { Rule } from '../model.ts';
import type { Incident } from '../notify/model.ts';
import { suppressionJudge } from '../notify/suppression.ts';
import { type UndeliveredAlert, undeliveredAlerts } from '../notify/undelivered.ts';
import type { Clock, StateStore } from '../ports.ts';

const INCIDENTS_AT_MOST = 100_000;

/** Alerts that nobody has been sent though somebody should have been, the longest owed first; and the open incidents. */
export async function readUndelivered(
  config: Pick<Config, 'rules' | 'routes' | 'silences'>,
  {
    state,
    clock,
  }: { state: Pick<StateStore, 'listIncidents' | 'listAlerts' | 'listSilences'>; clock: Clock },
): Promise<{ undelivered: UndeliveredAlert[]; incidents: readonly Incident[] }> {
  const nowMs = clock.nowMs();
  // Alerts first: one that ends meanwhile is then in its incident as ended.
  const alerts = await state.listAlerts();
  const incidents = await state.listIncidents({ open: true, limit: INCIDENTS_AT_MOST });
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
  const undelivered = undeliveredAlerts({
    incidents,
    firing,
    config,
    suppressionOf: (alert, rules) => judgeOf(rules)(alert),
  });
  return { undelivered, incidents };
}
