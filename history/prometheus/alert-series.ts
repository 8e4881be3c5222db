// `ALERTS` and `ALERTS_FOR_STATE`, as Prometheus writes them of its own rules.

import type { Alert } from '../../core/model/alert.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { Transition } from '../../core/model/transition.ts';
import { METRIC_NAME } from '../../core/promql/label-sets.ts';
import { compileMatchers } from '../../core/promql/matchers.ts';
import { type ColumnQuery, type ColumnSeries, QueryError } from '../../core/promql/source.ts';
import type { HistoryPorts } from '../ports.ts';
import { createColumnBuilder } from './columns.ts';
import type { SampleBudget } from './sample-budget.ts';

export const ALERT_SERIES = ['ALERTS', 'ALERTS_FOR_STATE'];

/** How far apart their samples are. */
const TICK_MS = 60_000;
const MOST_TRANSITIONS = 20_000;

type State = 'pending' | 'firing';

/** A stretch of time in which an alert had one state; `toMs` is its end, exclusive. */
interface Stretch {
  rule: string;
  labels: Labels;
  state: State;
  sinceMs: number;
  fromMs: number;
  toMs: number;
}

/** A sample when the state begins, and at each minute until it ends. */
export async function alertSeries(
  ports: Pick<HistoryPorts, 'state' | 'config' | 'clock'>,
  { matchers, fromMs, toMs }: ColumnQuery,
  budget: SampleBudget,
): Promise<ColumnSeries[]> {
  const lastMs = Math.min(toMs, ports.clock.nowMs());
  const { rules } = await ports.config();
  const severities = new Map(rules.map(({ name, severity }) => [name, severity]));
  const matches = compileMatchers(matchers);
  const builders = new Map<string, { labels: Labels; columns: ReturnType<typeof createColumnBuilder> }>();

  function add(labels: Labels, stretch: Stretch, value: number): void {
    if (!matches(labels)) return;
    const key = JSON.stringify(Object.entries(labels).sort());
    const { columns } = builders.get(key) ?? { columns: createColumnBuilder() };
    builders.set(key, { labels, columns });
    const firstMs = Math.max(stretch.fromMs, Math.ceil(fromMs / TICK_MS) * TICK_MS);
    const endMs = Math.min(stretch.toMs, lastMs + 1);
    budget.spend(Math.max(0, Math.ceil((endMs - firstMs) / TICK_MS)));
    for (let timeMs = firstMs; timeMs < endMs; timeMs = (Math.floor(timeMs / TICK_MS) + 1) * TICK_MS) {
      columns.add(timeMs, value);
    }
    if (stretch.toMs <= lastMs) columns.end(stretch.toMs);
  }

  for (const stretch of await stretchesOf(ports, fromMs)) {
    if (stretch.fromMs > lastMs || stretch.toMs < fromMs) continue;
    const severity = severities.get(stretch.rule);
    const labels = { ...stretch.labels, alertname: stretch.rule, ...(severity && { severity }) };
    add({ ...labels, [METRIC_NAME]: 'ALERTS', alertstate: stretch.state }, stretch, 1);
    add({ ...labels, [METRIC_NAME]: 'ALERTS_FOR_STATE' }, stretch, stretch.sinceMs / 1000);
  }
  return [...builders.values()]
    .filter(({ columns }) => columns.length > 0)
    .map(({ labels, columns }) => columns.finish(labels));
}

/** All stretches that lie behind `fromMs` or reach beyond it, by alert and time. */
async function stretchesOf(
  { state, clock }: Pick<HistoryPorts, 'state' | 'clock'>,
  fromMs: number,
): Promise<Stretch[]> {
  const toMs = Math.max(fromMs, clock.nowMs());
  const [alerts, transitions] = await Promise.all([
    state.listAlerts(),
    state.listTransitions({ fromMs, toMs, limit: MOST_TRANSITIONS + 1 }),
  ]);
  if (transitions.length > MOST_TRANSITIONS) {
    throw new QueryError(
      'limit',
      `alerts changed more than ${MOST_TRANSITIONS} times since then: ask for a shorter time`,
    );
  }
  const changes = Map.groupBy(
    [...transitions].sort((a, b) => a.atMs - b.atMs),
    ({ alertId }) => alertId,
  );
  const current = new Map(alerts.map(({ value }) => [value.id, value]));
  return [...new Set([...changes.keys(), ...current.keys()])].flatMap((id) =>
    stretchesOfAlert(changes.get(id) ?? [], current.get(id)),
  );
}

function stretchesOfAlert(changes: readonly Transition[], current: Alert | undefined): Stretch[] {
  const stretches: Stretch[] = [];
  const [first] = changes;
  let open: Stretch | undefined = first ? stateBefore(first) : current && stateOf(current);
  for (const change of changes) {
    const { kind, atMs, rule, labels, sinceMs } = change;
    if (open) stretches.push({ ...open, toMs: atMs });
    open =
      kind === 'pending' || kind === 'firing'
        ? { rule, labels, state: kind, sinceMs, fromMs: atMs, toMs: Infinity }
        : undefined;
  }
  if (open && current && current.status !== 'ok') stretches.push(open);
  return stretches;
}

/** What an alert was before its first known change. */
function stateBefore({ kind, rule, labels, sinceMs, atMs }: Transition): Stretch | undefined {
  const before = { rule, labels, sinceMs, fromMs: sinceMs, toMs: Infinity };
  switch (kind) {
    case 'pending':
      return undefined;
    case 'firing':
      return sinceMs < atMs ? { ...before, state: 'pending' } : undefined;
    case 'cancelled':
      return { ...before, state: 'pending' };
    case 'resolved':
      return { ...before, state: 'firing' };
  }
}

/** It has changed nothing since before the range. */
function stateOf({ rule, labels, status, sinceMs, firedAtMs }: Alert): Stretch | undefined {
  if (status === 'ok') return undefined;
  const fromMs = status === 'firing' ? (firedAtMs ?? sinceMs) : sinceMs;
  return { rule, labels, state: status, sinceMs, fromMs, toMs: Infinity };
}
