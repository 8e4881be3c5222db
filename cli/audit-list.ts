import { Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { findLines } from '../adapters/audit/find-lines.ts';
import { type AuditRecord, type FoundRecords, recordOfLine } from '../adapters/audit/search.ts';
import type { HistoryClient } from '../adapters/history-client/client.ts';
import { formatMoment, formatNumber, formatSpan } from '../core/format.ts';
import type { AuditFilter } from '../core/model/audit.ts';
import { systemClock } from '../local/clock.ts';
import { withFilter } from './audit-query.ts';
import { auditLineShape } from './audit-shapes.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig } from './config-file.ts';
import { writeLines } from './output-lines.ts';
import { type RemoteOptions, readShownConfig, remoteOf, withRemote } from './remote.ts';
import { renderTable } from './table.ts';

const MOST = 100_000;

interface Options extends AuditFilter, RemoteOptions {
  config: string;
  last: number;
  json?: boolean;
}

export function auditListCommand(): Command {
  const command = withFilter(
    withRemote(new Command('list'))
      .description('List accesses, and what people changed: the newest ones, oldest first.')
      .option('-c, --config <file>', 'configuration', 'bartizan.yaml'),
  )
    .addOption(
      new Option('-n, --last <number>', 'how many lines at most').argParser(countArgument).default(100),
    )
    .option('--json', 'as JSON, a line for each, as it is in the file')
    .action(async (options: Options) => {
      const client = await remoteOf(command, options);
      const { found, timeZone } = client ? await readRemote(client, options) : await readLocal(options);
      const { records } = found;
      if (options.json) await writeLines(records.map(({ line }) => line));
      else process.stdout.write(tableOf(records, timeZone));
      notes(found, options.last);
    });
  return withNotes(command, {
    examples: [
      ['bartizan audit list'],
      ["bartizan audit list --since 24h --outcome '!ok'", 'what failed since yesterday'],
      ["bartizan audit list --node prod/n1 --actor 'cli:*'", 'who accessed a node by hand'],
      ["bartizan audit list --since 7d --kind exec --json | jq -r '[.at, .actor, .target, .command] | @tsv'"],
    ],
    text: `Lists the audit of \`up\` and those of the commands. A line is printed for each access: a login at a bastion,
a command on a node, the visits of a check to services, each connection of a tunnel. \`audit export\` prints all
lines, without a limit. Nothing is verified here: \`audit verify\` does that.`,
    exits1: 'an audit cannot be read',
    json: auditLineShape,
  });
}

interface Found {
  found: FoundRecords;
  timeZone: string;
}

async function readLocal(options: Options): Promise<Found> {
  const { config } = await loadConfig(options.config);
  const found = await findLines(config.store.path, options, options.last);
  return { found, timeZone: config.schedule.timeZone };
}

const auditShape = z.object({
  lines: z.array(z.record(z.string(), z.unknown())),
  isCut: z.boolean(),
  unreadable: z.number(),
});

async function readRemote(client: HistoryClient, options: Options): Promise<Found> {
  const { since, until, node, bastion, actor, kind, outcome, last: limit } = options;
  const query = { from: since && Math.max(0, since), to: until, node, bastion, actor, kind, outcome, limit };
  const { lines, isCut, unreadable } = await client.get('/v1/audit', query, auditShape);
  const records = lines.flatMap((fields) => recordOfLine(JSON.stringify(fields)) ?? []);
  const { config } = await readShownConfig(client);
  return { found: { records, isCut, unreadable }, timeZone: config.schedule.timeZone };
}

function countArgument(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > MOST)
    throw new InvalidArgumentError(`It is a number from 1 to ${MOST}; \`audit export\` prints all lines.`);
  return count;
}

function notes({ isCut, unreadable }: FoundRecords, last: number): void {
  if (isCut) process.stderr.write(`bartizan: these are the newest ${last}; --last or --since shows others\n`);
  if (unreadable > 0)
    process.stderr.write(
      `bartizan: ${unreadable} lines or files cannot be read; \`bartizan audit verify\` says which\n`,
    );
}

function tookText(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)}ms` : formatSpan(ms);
}

function tableOf(records: readonly AuditRecord[], timeZone: string): string {
  const nowMs = systemClock.nowMs();
  const head = ['TIME', 'KIND', 'ACTOR', 'BASTION', 'NODE', 'WHAT', 'BYTES', 'TOOK', 'OUTCOME'];
  const rows = records.map(({ fields, atMs }) => {
    const text = (name: string) => (fields[name] === undefined ? '' : String(fields[name]));
    const as = text('unverifiedActor');
    return [
      formatMoment(atMs, nowMs, timeZone, true),
      text('kind') || text('action') || text('event') || 'access',
      as === '' ? text('actor') : `${text('actor')} as ${as}?`,
      text('bastion'),
      text('target'),
      [text('kind') && text('event'), text('command'), text('batch'), text('detail'), text('reason')]
        .filter((part) => part !== '')
        .join(' '),
      typeof fields.bytes === 'number' ? formatNumber(fields.bytes) : '',
      typeof fields.durationMs === 'number' ? tookText(fields.durationMs) : '',
      text('outcome'),
    ];
  });
  return records.length === 0 ? 'no such line\n' : renderTable(head, rows, [6, 7]);
}
