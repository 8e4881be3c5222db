import { isAbsolute, relative } from 'node:path';
import { Command, Option } from 'commander';
import { type AuditReport, verifyDataFolder } from '../adapters/audit/data-folder.ts';
import { verifyObjectFolder } from '../adapters/audit/object-folder.ts';
import type { ChainStart } from '../adapters/audit/open-chain.ts';
import { verifyAudit } from '../adapters/audit/read-chain.ts';
import type { ChainProblem } from '../adapters/audit/verify.ts';
import { formatDateTime, formatNumber } from '../core/format.ts';
import type { Config } from '../core/model/config.ts';
import type { StateStore } from '../core/ports.ts';
import { acknowledgedStarts } from './audit-acknowledge.ts';
import { auditVerifyShape } from './audit-shapes.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig } from './config-file.ts';
import { writeJson } from './json-output.ts';
import { createSpinner } from './spinner.ts';
import {
  hasStateOfFolder,
  nameOption,
  openStateOfFolder,
  openStateToRead,
  type StateOptions,
  stateTable,
  tableOption,
  withState,
} from './state-access.ts';
import { renderTable } from './table.ts';

/** With more audits only those that do not hold are listed. */
const MOST_ROWS = 50;

interface Options extends StateOptions {
  config: string;
  file?: string;
  objects?: string;
  json?: boolean;
}

/** A report, and the new beginnings that nobody acknowledged. */
type Checked = AuditReport & { unknownStarts: readonly ChainStart[] };

export function auditVerifyCommand(): Command {
  const command = new Command('verify')
    .description('Verify the hash chain of each audit, against what state keeps of it. May run beside `up`.')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .addOption(
      new Option('--file <path>', 'another file, such as a copy, or one that was put aside: without state'),
    )
    .addOption(
      new Option(
        '--objects <folder>',
        'a copy of `audit/` of the bucket, against the table of `--name`',
      ).conflicts('file'),
    )
    .addOption(nameOption())
    .addOption(tableOption())
    .option('--json', 'as JSON')
    .action(async (options: Options) => {
      const hasTable = options.name !== undefined || options.table !== undefined;
      if (hasTable !== (options.objects !== undefined))
        command.error('error: --objects needs --name or --table, and they need it', { exitCode: 2 });
      const spinner = createSpinner({ quiet: options.json === true });
      spinner.start('reading the audits');
      const { config } = await loadConfig(options.config);
      const { file, objects } = options;
      const verifying =
        objects !== undefined
          ? verifyObjects(config, objects, options)
          : file === undefined
            ? verifyAll(config)
            : verifyOne(file);
      const checked = await verifying.finally(() => spinner.stop());
      if (options.json) writeJson(auditVerifyShape, checked.map(documentOf));
      else process.stdout.write(textOf(checked, config));
      if (checked.some(isBad)) process.exitCode = 1;
    });
  return withNotes(command, {
    examples: [
      ['bartizan audit verify'],
      ['bartizan audit verify --file data/audit.aside-20261130T120000Z/audit.jsonl'],
      [
        'aws s3 sync s3://BUCKET/audit/ copy && bartizan audit verify --objects copy --name bartizan',
        'on AWS',
      ],
      ["bartizan audit verify --json | jq -r '.[].problems[] | [.file, .line, .detail] | @tsv'"],
    ],
    text: `State keeps the newest line of each audit, from each round and each command. So it shows when lines were changed,
removed, inserted or moved, when the end was cut off, when a file was exchanged, and when rotated files are missing.
Lines after the newest one that state has can be removed without a trace until the next round. Whoever can write both
the audit and state can forge both: send the lines to another machine (docs/audit.md).`,
    exits1: 'an audit does not hold, cannot be read, or began anew and nobody acknowledged that',
    json: auditVerifyShape,
  });
}

async function verifyAll(config: Config): Promise<Checked[]> {
  if (!hasStateOfFolder(config.store.path)) return verifyWith(config, undefined);
  return withState(openStateOfFolder(config.store.path), (state) => verifyWith(config, state));
}

async function verifyWith({ store }: Config, state: StateStore | undefined): Promise<Checked[]> {
  const reports = await verifyDataFolder(store.path, state);
  const known = state ? await acknowledgedStarts(state) : new Set<string>();
  return reports.map((report) => {
    return { ...report, unknownStarts: report.starts.filter(({ first }) => !known.has(first.hash)) };
  });
}

/** A report for each process of a function. */
async function verifyObjects(config: Config, objects: string, options: Options): Promise<Checked[]> {
  const state = await openStateToRead(config, await stateTable(config, options), options.config);
  const anchors = await withState(state, () => state.listAuditHeads());
  const reports = await verifyObjectFolder(objects, anchors);
  return reports.map((report) => ({ ...report, unknownStarts: [] }));
}

async function verifyOne(file: string): Promise<Checked[]> {
  const verdict = await verifyAudit(file);
  const state = !verdict.ok ? 'broken' : verdict.head.sequence === 0 ? 'none' : 'unanchored';
  return [{ writer: '', file, state, verdict, starts: [], unknownStarts: [] }];
}

export function isBad({ state, unknownStarts }: Pick<Checked, 'state' | 'unknownStarts'>): boolean {
  return state === 'broken' || unknownStarts.length > 0;
}

function documentOf({ writer, file, state, verdict, anchor, starts, unknownStarts }: Checked) {
  const { ok, first, entries, repaired, unfinished, head, unanchored, removed, problems, moreProblems } =
    verdict;
  return {
    writer,
    file,
    state,
    ok: ok && unknownStarts.length === 0,
    first,
    last: head.sequence,
    entries,
    repaired,
    unfinished,
    ...(anchor && { anchor: { sequence: anchor.sequence, hash: anchor.hash, atMs: anchor.atMs } }),
    unanchored,
    ...(removed && { removed }),
    problems,
    moreProblems,
    starts: starts.map(({ atMs, reason, keptIn, first: line }) => ({
      atMs,
      reason,
      ...(keptIn !== undefined && { keptIn }),
      sequence: line.sequence,
      acknowledged: !unknownStarts.some(({ first: other }) => other.hash === line.hash),
    })),
  };
}

function textOf(checked: readonly Checked[], { schedule, store }: Config): string {
  const time = (ms: number) => formatDateTime(ms, schedule.timeZone);
  const listed = checked.length > MOST_ROWS ? checked.filter(isBad) : checked;
  const rest = checked.length - listed.length;
  const rows = listed.map(({ file, state, verdict, anchor }) => [
    shortPath(file, store.path),
    state,
    verdict.first === 0 ? '' : `${verdict.first}–${verdict.head.sequence}`,
    formatNumber(verdict.entries),
    anchor ? `line ${anchor.sequence}, ${time(anchor.atMs)}` : 'none',
    notesOf(checked, file).join('; '),
  ]);
  const problems = checked.flatMap(({ verdict }) => verdict.problems);
  const more = checked.reduce((sum, { verdict }) => sum + verdict.moreProblems, 0);
  const starts = checked.flatMap(({ file, unknownStarts }) =>
    unknownStarts.map((start) => ({ file, ...start })),
  );
  return [
    renderTable(['AUDIT', 'STATE', 'LINES', 'ENTRIES', 'ANCHOR', ''], rows, [3]),
    ...(rest > 0 ? [`and ${rest} that hold\n`] : []),
    ...(problems.length > 0 ? ['\n', problemTable(problems, store.path)] : []),
    ...(more > 0 ? [`and ${more} more\n`] : []),
    ...starts.map(
      ({ file, atMs, reason, keptIn }) =>
        `\n${shortPath(file, store.path)} began anew at ${time(atMs)}: ${reason}.\n${keptIn === undefined ? 'Nothing was left to keep.' : `What was there is kept in ${keptIn} beside it.`}\n`,
    ),
    ...(starts.length > 0
      ? ['Find the cause; `bartizan audit acknowledge` then takes the new beginnings for known.\n']
      : []),
  ].join('');
}

function problemTable(problems: readonly ChainProblem[], path: string): string {
  return renderTable(
    ['FILE', 'LINE', 'PROBLEM', ''],
    problems.map(({ file, line, kind, detail }) => [
      shortPath(file, path),
      line === 0 ? '' : String(line),
      kind,
      detail,
    ]),
    [1],
  );
}

function notesOf(checked: readonly Checked[], file: string): string[] {
  const verdict = checked.find((one) => one.file === file)?.verdict;
  if (!verdict) return [];
  const { unanchored, repaired, unfinished, removed } = verdict;
  return [
    ...(removed
      ? [`lines ${removed.first} to ${removed.last} removed by ${removed.reason} at ${removed.at}`]
      : []),
    ...(unanchored > 0 ? [`${unanchored} lines after the anchor`] : []),
    ...(repaired > 0 ? [`${repaired} lines were not finished`] : []),
    ...(unfinished > 0 ? ['the last line is not finished'] : []),
  ];
}

function shortPath(file: string, folder: string): string {
  const short = relative(folder, file);
  return short.startsWith('..') || isAbsolute(short) ? file : short;
}

/** What `data check` says about the audits that are there or should be. */
export async function auditRows(
  config: Config,
): Promise<{ name: string; state: 'fine' | 'damaged'; detail?: string }[]> {
  // A damaged state has a row of its own; then each audit is verified in itself.
  const checked = await verifyAll(config).catch(() => verifyWith(config, undefined));
  return checked
    .filter(({ state }) => state !== 'none')
    .map((one) => {
      const name = shortPath(one.file, config.store.path);
      if (!isBad(one)) return { name, state: 'fine' };
      const [problem] = one.verdict.problems;
      const detail = problem ? `line ${problem.line}: ${problem.detail}` : 'it began anew';
      return { name, state: 'damaged', detail: `${detail}; \`bartizan audit verify\` says more` };
    });
}
