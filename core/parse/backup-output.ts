import { findFrame, parseNumber } from './reading.ts';

/** `listed`: all files of the pattern; `failed`: not all, or not in time. */
const STATES = ['listed', 'missing', 'closed', 'failed'] as const;

/** What a node says of the files of one pattern. */
export interface BackupFiles {
  state: (typeof STATES)[number];
  /** Files that are not empty. */
  count: number;
  /** When the newest one was written, in seconds by the node's clock; undefined without a file. */
  newestAt: number | undefined;
}

export interface BackupOutput {
  /** In the order of the script's patterns. */
  patterns: BackupFiles[];
  clockMs: number;
}

/** Reads the output of the script for `count` patterns; undefined: it is not that. */
export function parseBackups(output: string, count: number): BackupOutput | undefined {
  const lines = findFrame(output, 'backups 1') ?? [];
  const patterns: BackupFiles[] = [];
  let clock: number | undefined;
  for (const line of lines) {
    const [kind, ...fields] = line.split(' ');
    if (kind === 'clock') clock = parseNumber(fields[0]);
    if (kind !== 'pattern') continue;
    const [number, files, newest] = [fields[0], fields[2], fields[3]].map(parseNumber);
    const state = STATES.find((one) => one === fields[1]);
    if (number !== patterns.length + 1 || state === undefined || files === undefined || newest === undefined)
      return undefined;
    patterns.push({ state, count: files, newestAt: files > 0 ? newest : undefined });
  }
  return patterns.length === count && clock !== undefined ? { patterns, clockMs: 1000 * clock } : undefined;
}
