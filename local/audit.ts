import { hostname } from 'node:os';
import { join } from 'node:path';
import { chainKeeper, readStarts } from '../adapters/audit/chain-state.ts';
import { AUDITS } from '../adapters/audit/data-folder.ts';
import { type AuditFile, createAuditFile } from '../adapters/audit/file.ts';
import type { ChainStart } from '../adapters/audit/open-chain.ts';
import { maintainAudit } from '../adapters/audit/retention.ts';
import { connectSyslog } from '../adapters/audit/syslog.ts';
import { MACHINE_KEYS } from '../adapters/state/machine-state.ts';
import { describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import type { Notice } from '../core/notify/notice.ts';
import type { Audit, Clock, Logger, Meter, Secrets, StateStore } from '../core/ports.ts';
import type { Faults } from './faults.ts';
import { type NoticeKind, type NoticePorts, runNotices } from './notices.ts';
import { runSyslogExport, type SyslogExportPorts } from './syslog-export.ts';
import { unwritableAudit } from './watched-ports.ts';

interface AuditPorts {
  dir: string;
  state: StateStore;
  faults: Faults;
  clock: Clock;
  logger: Logger;
  meter: Meter;
}

/** The audit of `up`. One that cannot be opened or written is a fault, and its lines wait: monitoring goes on. */
export async function openLocalAudit(options: AuditPorts): Promise<AuditFile> {
  const { dir, state, faults, clock, logger, meter } = options;
  const [{ writer, file }] = AUDITS;
  const keeper = chainKeeper(state, writer);
  return createAuditFile({
    file: join(dir, file),
    writer,
    nowMs: clock.nowMs,
    keeper: {
      ...keeper,
      async recordStart(start) {
        await keeper.recordStart(start);
        logger.error('the audit did not fit: a new chain begins', { ...start });
      },
    },
    onUnopened(error) {
      faults.raise(unwritableAudit(error));
      logger.error('the audit cannot be opened; its lines wait in memory', { error: describeError(error) });
    },
    onLost: (entries) => meter.count('audit_lines_lost_total', {}, entries),
  });
}

/** Compresses the files of the audit of `up`, and removes the oldest; returns how many lines. @throws errors of disk or state */
export async function maintainLocalAudit(
  audit: AuditFile,
  { dir, config, state, meter, logger }: AuditPorts & { config: Pick<Config, 'audit'> },
  nowMs: number,
): Promise<number> {
  const [{ writer, file }] = AUDITS;
  const anchor = await chainKeeper(state, writer).anchor();
  const done = await maintainAudit({
    file: join(dir, file),
    retention: config.audit,
    nowMs,
    anchoredSequence: anchor?.sequence ?? 0,
    mark: audit.mark,
  });
  const { removedFiles, removedLines } = done;
  if (removedLines > 0) meter.count('audit_lines_removed_total', {}, removedLines);
  if (removedFiles > 0) logger.info('the oldest lines of the audit were removed after their retention', done);
  return removedLines;
}

/** Lets state keep the newest line, if there is one: later the audit must have it. */
export async function anchorHead(
  audit: Pick<Audit, 'head'>,
  { state, clock }: { state: StateStore; clock: Clock },
): Promise<void> {
  const { writer, sequence, hash } = audit.head();
  if (sequence > 0) await state.putAuditHead(writer, { sequence, hash, atMs: clock.nowMs() });
}

/** Sends the lines of all audits to the syslog server of the configuration, if it has one. Resolves at the abort. */
export async function runAuditExport(
  audit: AuditFile,
  ports: Omit<SyslogExportPorts, 'syslog' | 'hostName' | 'connect' | 'head' | 'redact'> & {
    config: Pick<Config, 'audit'>;
    secrets: Secrets;
  },
): Promise<void> {
  const { syslog } = ports.config.audit;
  if (syslog === undefined) return;
  const { secrets, signal } = ports;
  await runSyslogExport({
    ...ports,
    syslog,
    hostName: hostname(),
    connect: () => connectSyslog(syslog, { secrets, signal }),
    head: audit.head,
    redact: secrets.redact,
  });
}

const CHECK_EVERY_MS = 60_000;
const LASTS_MS = 3_600_000;
const REPLACED: NoticeKind = {
  key: MACHINE_KEYS.auditNotice,
  code: 'audit-replaced',
  words: 'an audit did not fit, and its chain began anew',
};
/** The first lines of chains that a notice was sent about. */
const NOTICED = MACHINE_KEYS.auditNoticed;

/** Sends a notice to every channel when a chain began anew, here or in a command. Resolves at the abort. */
export async function runAuditNotices(
  ports: Omit<NoticePorts, 'kind' | 'onKept'> & { state: StateStore },
): Promise<void> {
  const { state, counters, clock, sleep, logger, signal } = ports;
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    try {
      const noticed = ((await counters.load(NOTICED)) ?? []) as string[];
      const fresh: Named<ChainStart>[] = [];
      for (const { writer, file } of AUDITS)
        for (const start of await readStarts(state, writer))
          if (!noticed.includes(start.first.hash)) fresh.push({ file, ...start });
      const done = [...noticed, ...fresh.map(({ first }) => first.hash)].slice(-MOST_NOTICED);
      const onKept = () => void counters.save(NOTICED, done).catch(() => {});
      const notice = fresh.length > 0 ? noticeOf(fresh, clock.nowMs()) : undefined;
      // The first time, a notice that the last process did not finish.
      if (notice || isFirst) await runNotices(notice, { ...ports, kind: REPLACED, onKept });
    } catch (error) {
      logger.warn('new chains of the audit cannot be read', { error: describeError(error) });
    }
    await sleep(CHECK_EVERY_MS, signal);
  }
}

type Named<T> = T & { file: string };

/** More than state keeps of all chains. */
const MOST_NOTICED = 1_000;
/** Named in the notice; `audit verify` lists all. */
const MOST_NAMED = 3;

export function noticeOf(starts: readonly Named<ChainStart>[], nowMs: number): Notice {
  const named = starts.slice(0, MOST_NAMED).map(({ file, reason, keptIn }) => {
    const kept =
      keptIn === undefined ? 'Nothing of it was left.' : `What was there is kept in ${keptIn} beside it.`;
    return `${file}: ${reason}. ${kept}`;
  });
  const more = starts.length > MOST_NAMED ? ` And ${starts.length - MOST_NAMED} more.` : '';
  return {
    name: 'bartizan-audit-replaced',
    title: 'The audit is not the one that was written',
    summary: `${named.join(' ')}${more} A new chain begins, and monitoring goes on. Unless somebody restored a backup, somebody changed the record of accesses: docs/audit.md says what to do.`,
    atMs: nowMs,
    overAtMs: nowMs + LASTS_MS,
  };
}
