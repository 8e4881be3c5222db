import { findMetric } from '../core/catalogue.ts';
import { formatMetricValue } from '../core/format.ts';
import type { BatchObservation, Observation } from '../core/model/observation.ts';
import { findingText } from './finding-text.ts';
import { plural } from './problem-report.ts';
import { renderTable } from './table.ts';

const COLUMNS = [
  ['CPU', 'cpu_usage'],
  ['MEM', 'mem_usage'],
  ['LOAD', 'load1'],
  ['UPTIME', 'uptime'],
  ['CLOCK', 'clock_offset'],
] as const;

/** Lines about one check of one node; `--json` has all. */
const MOST_NOTES = 4;

/** A table of the nodes, one of what other checks found, then a line for each failure and note. */
export function probeTable(batches: readonly BatchObservation[]): string {
  const observations = batches.flatMap((batch) => batch.observations).sort(byName);
  const usage = observations.filter(({ probe = 'usage' }) => probe === 'usage');
  const others = observations.filter((one) => !usage.includes(one));
  const tables = [usageTable(usage), checkTable(others)].filter((table) => table !== '');
  let text = tables.join('\n');
  for (const { batch, bastion } of batches) {
    if (bastion.ok) continue;
    const { reason, phase, detail } = bastion.failure;
    const { length } = batch.targets;
    const behind = `${plural(length, 'node')} behind it ${length === 1 ? 'is' : 'are'} unknown`;
    text += `bastion ${batch.bastion}: ${reason} (${phase}): ${detail}; ${behind}\n`;
  }
  for (const { target, check, probe = 'usage', result } of observations) {
    const name = `${target.cluster}/${target.node}${probe === 'usage' ? '' : `, ${check}`}`;
    if (!result.ok) {
      text += `${name}: ${result.failure.reason} (${result.failure.phase}): ${result.failure.detail}\n`;
      continue;
    }
    const { notes } = result;
    for (const note of notes.slice(0, MOST_NOTES)) text += `${name}: ${note}\n`;
    if (notes.length > MOST_NOTES) text += `${name}: ${notes.length - MOST_NOTES} more lines (\`--json\`)\n`;
  }
  return text;
}

function usageTable(observations: readonly Observation[]): string {
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
  return rows.length === 0 ? '' : renderTable(head, rows, [4, 5, 6, 7, 8, 10]);
}

function checkTable(observations: readonly Observation[]): string {
  const rows = observations.map(({ target, check, durationMs, result }) => [
    target.cluster,
    target.node,
    check,
    result.ok ? findingText(result.samples) : result.failure.reason,
    `${Math.round(durationMs)} ms`,
  ]);
  return rows.length === 0 ? '' : renderTable(['CLUSTER', 'NODE', 'CHECK', 'FOUND', 'TOOK'], rows, [4]);
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
