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

/** Nodes that a line names. */
const MOST_NAMES = 5;

/** A table of the nodes, one of what other checks found, then a line for each failure and note. */
export function probeTable(batches: readonly BatchObservation[]): string {
  const observations = batches.flatMap((batch) => batch.observations).sort(byName);
  const usage = observations.filter(({ probe = 'usage' }) => probe === 'usage');
  const others = observations.filter((one) => !usage.includes(one));
  const tables = [usageTable(usage), checkTable(others)].filter((table) => table !== '');
  const lines: string[] = [];
  for (const batch of batches) lines.push(...lostBastions(batch));
  const remarks = Map.groupBy(observations.flatMap(remarksOf), ({ about, remark }) => `${about}: ${remark}`);
  for (const [line, of] of remarks) lines.push(`${namesText(of.map(({ name }) => name))}${line}`);
  return [...tables, ...(lines.length > 0 ? [`${lines.join('\n')}\n`] : [])].join('\n');
}

/** A line for each bastion that failed, and what that means for the nodes. */
function lostBastions({ batch, bastion, ways }: BatchObservation): string[] {
  const { length } = batch.targets;
  const unknown = `${plural(length, 'node')} behind it ${length === 1 ? 'is' : 'are'} unknown`;
  const follows = bastion.ok ? 'its nodes have another bastion' : unknown;
  return (ways ?? [{ bastion: batch.bastion, outcome: bastion }]).flatMap(({ bastion: name, outcome }) => {
    if (outcome.ok) return [];
    const { reason, phase, detail } = outcome.failure;
    return [`bastion ${name}: ${reason} (${phase}): ${detail}; ${follows}`];
  });
}

/** What is to be said of one check of one node: the same of several nodes is one line. */
function remarksOf({ target, check, probe = 'usage', result, through, missedBy }: Observation) {
  const name = `${target.cluster}/${target.node}`;
  const about = probe === 'usage' ? '' : `, ${check}`;
  const way = missedBy === undefined ? [] : [`bastion ${missedBy} does not reach it, ${through} does`];
  const lines = (all: readonly string[]) => [...way, ...all].map((remark) => ({ name, about, remark }));
  if (!result.ok) {
    const { reason, phase, detail } = result.failure;
    return lines([`${reason} (${phase}): ${detail}`]);
  }
  const { notes } = result;
  const more = notes.length > MOST_NOTES ? [`${notes.length - MOST_NOTES} more lines (\`--json\`)`] : [];
  return lines([...notes.slice(0, MOST_NOTES), ...more]);
}

/** `prod/n1, prod/n2 and 4 more` */
function namesText(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return `${names.slice(0, MOST_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
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
  return rows.length === 0
    ? ''
    : renderTable(['CLUSTER', 'NODE', 'CHECK', 'FOUND', 'TOOK'], rows, [4], { wrap: 3 });
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
