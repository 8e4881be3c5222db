import { join } from 'node:path';
import { chainKeeper } from '../adapters/audit/chain-state.ts';
import { type AuditFile, createAuditFile } from '../adapters/audit/file.ts';
import type { ChainKeeper } from '../adapters/audit/open-chain.ts';
import { maintainAudit, type Retention } from '../adapters/audit/retention.ts';
import { listRotatedFiles } from '../adapters/audit/rotated-files.ts';
import { describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import type { StateStore } from '../core/ports.ts';
import { systemClock } from '../local/clock.ts';
import { hasStateOfFolder, openStateFile } from './state-access.ts';

export type AuditedConfig = Pick<Config, 'store' | 'audit'>;

/**
 * Opens an audit of the commands, calls `run`, and lets the state of the data folder keep the head of the chain then. The caller
 * has the lock of its folder. Without a state, or with one that we cannot write, the chain goes on without an anchor.
 * @throws ConfigError | RetryableError when the audit cannot be written
 */
export async function withAnchoredAudit<T>(
  config: AuditedConfig,
  { dir, writer }: { dir: string; writer: string },
  run: (audit: AuditFile) => Promise<T>,
): Promise<T> {
  const state = await openedState(config.store.path);
  try {
    const file = join(dir, 'audit.jsonl');
    const keeper = announcing(state ? chainKeeper(state, writer) : undefined, file);
    const audit = await createAuditFile({ file, writer, gatherMs: 0, keeper });
    try {
      const result = await run(audit);
      await maintain(audit, {
        file,
        retention: config.audit,
        anchoredSequence: (await keeper.anchor())?.sequence,
      });
      return result;
    } finally {
      // Node prints a warning on stderr when garbage collection closes a file.
      await audit.close();
      const { sequence, hash } = audit.head();
      const atMs = systemClock.nowMs();
      if (sequence > 0) await state?.putAuditHead(writer, { sequence, hash, atMs }).catch(warnOfAnchor);
    }
  } finally {
    await state?.close();
  }
}

/** Compresses and removes files once one was rotated, which is seldom: a week of a busy command line is one file. */
async function maintain(
  audit: AuditFile,
  options: { file: string; retention: Retention; anchoredSequence: number | undefined },
): Promise<void> {
  const { anchoredSequence = Number.POSITIVE_INFINITY } = options;
  try {
    const rotated = await listRotatedFiles(options.file);
    if (rotated.every(({ packed }) => packed)) return;
    await maintainAudit({ ...options, anchoredSequence, nowMs: systemClock.nowMs(), mark: audit.mark });
  } catch (error) {
    warn(`old lines of the audit ${options.file} stay: ${describeError(error)}`);
  }
}

/** The state that `up` made. A command does not make one: it would belong to whoever runs the command. */
async function openedState(path: string): Promise<StateStore | undefined> {
  try {
    return hasStateOfFolder(path) ? await openStateFile(path) : undefined;
  } catch (error) {
    warnOfAnchor(error);
    return undefined;
  }
}

function warnOfAnchor(error: unknown): void {
  warn(`state does not keep the head of the commands' audit (${describeError(error)})`);
}

/** The same keeper; also tells the user of a new beginning. */
function announcing(keeper: ChainKeeper | undefined, file: string): ChainKeeper {
  return {
    anchor: async () => keeper?.anchor(),
    starts: async () => (await keeper?.starts()) ?? [],
    removedThrough: async () => (await keeper?.removedThrough()) ?? Number.POSITIVE_INFINITY,
    recordRemoval: async (last) => keeper?.recordRemoval(last),
    async recordStart(start) {
      await keeper?.recordStart(start);
      const kept = start.keptIn === undefined ? '' : `; what was there is kept in ${start.keptIn} beside it`;
      warn(`the audit ${file} did not fit (${start.reason})${kept}. A new chain begins; find the cause`);
    },
  };
}

function warn(text: string): void {
  process.stderr.write(`bartizan: ${text}\n`);
}
