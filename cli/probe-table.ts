import { findMetric } from '../core/catalogue.ts';
import { formatMetricValue } from '../core/format.ts';
import type { BatchObservation, Observation } from '../core/model/observation.ts';
import { plural } from './problem-report.ts';
import { renderTable } from './table.ts';

const COLUMNS = [
  ['CPU', 'cpu_usage'],
  ['MEM', 'mem_usage'],
  ['LOAD', 'load1'],
  ['UPTIME', 'uptime'],
  ['CLOCK', 'clock_offset'],
] as const;

/** One row for each node, then a line for each failure. */
export function probeTable(batches: readonly BatchObservation[]): string {
  const observations = batches.flatMap((batch) => batch.observations).sort(byName);
  const head = [
    'CLUSTER',
    'NODE',
    'ROLE',
    'STATE',
    ...COLUMNS.map(([title]) => title),
    'FULLEST DISK',
    'TOOK',
  ];
  const rows = observations.map((observation) => [
    observation.target.cluster,
    observation.target.node,
    observation.target.role,
    observation.result.ok ? 'up' : observation.result.failure.reason,
    ...COLUMNS.map(([, metric]) => valueText(observation, metric)),
    fullestDisk(observation),
    `${Math.round(observation.durationMs)} ms`,
  ]);
  let text = rows.length === 0 ? '' : renderTable(head, rows, [4, 5, 6, 7, 8, 10]);
  for (const { batch, bastion } of batches) {
    if (bastion.ok) continue;
    const { reason, phase, detail } = bastion.failure;
    const { length } = batch.targets;
    const behind = `${plural(length, 'node')} behind it ${length === 1 ? 'is' : 'are'} unknown`;
    text += `bastion ${batch.bastion}: ${reason} (${phase}): ${detail}; ${behind}\n`;
  }
  for (const { target, result } of observations) {
    if (result.ok) for (const note of result.notes) text += `${target.cluster}/${target.node}: ${note}\n`;
    else
      text += `${target.cluster}/${target.node}: ${result.failure.reason} (${result.failure.phase}): ${result.failure.detail}\n`;
  }
  return text;
}

function byName(a: Observation, b: Observation): number {
  const nameOf = (o: Observation) => `${o.target.cluster}/${o.target.node}`;
  return nameOf(a).localeCompare(nameOf(b), 'en', { numeric: true });
}

function valueText(observation: Observation, metric: string): string {
  if (!observation.result.ok) return '';
  const sample = observation.result.samples.find((s) => s.metric === metric);
  return sample === undefined ? '–' : formatMetricValue(sample.value, findMetric(metric));
}

function fullestDisk(observation: Observation): string {
  if (!observation.result.ok) return '';
  const disks = observation.result.samples
    .filter((s) => s.metric === 'disk_usage')
    .sort((a, b) => b.value - a.value);
  const first = disks[0];
  return first ? `${formatMetricValue(first.value, findMetric('disk_usage'))} ${first.labels.mount}` : '–';
}
