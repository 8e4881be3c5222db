import { findMetric } from '../core/catalogue.ts';
import { formatMetricValue } from '../core/format.ts';
import type { BatchObservation, Observation } from '../core/model.ts';
import { renderTable } from './table.ts';

const COLUMNS = [
  ['CPU', 'cpu_usage'],
  ['MEM', 'mem_usage'],
  ['LOAD', 'load1'],
  ['UPTIME', 'uptime'],
  ['CLOCK', 'clock_offset'],
] as const;

/** One row a node, then what failed in words. */
export function probeTable(batches: readonly BatchObservation[]): string {
  const observations = batches.flatMap((batch) => batch.observations).sort(byPlace);
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
    ...COLUMNS.map(([, metric]) => shownValue(observation, metric)),
    fullestDisk(observation),
    `${Math.round(observation.durationMs)} ms`,
  ]);
  let text = rows.length === 0 ? '' : renderTable(head, rows, [4, 5, 6, 7, 8, 10]);
  for (const { batch, bastion } of batches) {
    if (bastion.ok) continue;
    const { reason, phase, detail } = bastion.failure;
    text += `bastion ${batch.bastion}: ${reason} (${phase}): ${detail}; ${batch.targets.length} nodes behind it are unknown\n`;
  }
  for (const { target, result } of observations) {
    if (result.ok) for (const note of result.notes) text += `${target.cluster}/${target.node}: ${note}\n`;
    else
      text += `${target.cluster}/${target.node}: ${result.failure.reason} (${result.failure.phase}): ${result.failure.detail}\n`;
  }
  return text;
}

function byPlace(a: Observation, b: Observation): number {
  const place = (o: Observation) => `${o.target.cluster}/${o.target.node}`;
  return place(a).localeCompare(place(b), 'en', { numeric: true });
}

function shownValue(observation: Observation, metric: string): string {
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
