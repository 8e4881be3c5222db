import type { z } from 'zod';
import { formatDuration } from '../core/duration.ts';
import type { deadLettersShape } from './json-shapes.ts';
import { plural } from './problem-report.ts';
import { renderTable } from './table.ts';

export type QueueReport = z.output<typeof deadLettersShape>[number];

export interface TableOptions {
  to: 'back' | 'discard' | undefined;
  dryRun?: true;
  nowMs: number;
}

/** One row for each queue, then the messages and errors of each, then the result, or with --dry-run the plan. */
export function deadLetterTable(reports: readonly QueueReport[], options: TableOptions): string {
  const { to, nowMs, dryRun } = options;
  const columns = resultColumns(to, dryRun);
  const rows = reports.map((report) => [
    queueNameOf(report),
    String(report.count),
    report.oldestMs === undefined ? '–' : ageText(nowMs - report.oldestMs),
    ...columns.map(({ value }) => value(report)),
  ]);
  const head = ['STAGE', 'MESSAGES', 'OLDEST', ...columns.map(({ name }) => name)];
  const numbers = head.flatMap((name, i) => (/^STAGE$/.test(name) ? [] : [i]));
  const details = reports.flatMap((report) => detailsOf(report, nowMs));
  return [renderTable(head, rows, numbers), ...details, `${summary(reports, options)}\n`].join('\n');
}

function resultColumns(to: TableOptions['to'], dryRun: true | undefined) {
  if (to === undefined || dryRun) return [];
  const number = (count: number | undefined) => (count === undefined ? '–' : String(count));
  const done =
    to === 'back'
      ? { name: 'SENT BACK', value: (report: QueueReport) => number(report.sentBack) }
      : { name: 'DISCARDED', value: (report: QueueReport) => number(report.discarded) };
  return [done, { name: 'FAILED', value: (report: QueueReport) => number(report.failed) }];
}

function detailsOf(report: QueueReport, nowMs: number): string[] {
  const { messages = [], errors = [], twice = 0 } = report;
  const lines = [
    ...messages.map(({ sentMs, text }) => `  ${ageText(nowMs - sentMs)} ago  ${text}`),
    ...errors.map((text) => `  ${text}`),
    ...(twice > 0
      ? [`  ${plural(twice, 'message')} could not be deleted afterwards: handled twice, which is harmless`]
      : []),
  ];
  return lines.length === 0 ? [] : [`${queueNameOf(report)}\n${lines.join('\n')}\n`];
}

function summary(reports: readonly QueueReport[], { to, dryRun }: TableOptions): string {
  const total = (value: (report: QueueReport) => number | undefined) =>
    reports.reduce((sum, report) => sum + (value(report) ?? 0), 0);
  const count = total((report) => report.count);
  if (count === 0) return 'no dead letters';
  if (to === undefined) return `${plural(count, 'dead letter')}; \`--show 3\` shows them`;
  const movable = reports.filter(({ stage }) => to === 'discard' || stage !== 'plan');
  const starts = count - movable.reduce((sum, report) => sum + report.count, 0);
  const rest = starts > 0 ? `; ${plural(starts, 'start')} of rounds came from no queue: \`--discard\`` : '';
  if (dryRun) {
    const would = total((report) => report.would);
    return `would ${to === 'back' ? 'send back' : 'delete'} ${plural(would, 'message')}${rest}`;
  }
  const done = total(({ sentBack, discarded }) => sentBack ?? discarded);
  const failed = total((report) => report.failed);
  const stayed = failed > 0 ? `, ${failed} stayed` : '';
  return `${plural(done, 'message')} ${to === 'back' ? 'sent back' : 'deleted'}${stayed}${rest}`;
}

/** The two largest units are enough. */
function ageText(ms: number): string {
  const rounded = formatDuration(Math.max(0, Math.floor(ms / 1000) * 1000));
  return /^(\d+\D+){1,2}/.exec(rounded)?.[0] ?? rounded;
}

function queueNameOf({ stage, bastion }: QueueReport): string {
  return bastion === undefined ? stage : `${stage} (${bastion})`;
}
