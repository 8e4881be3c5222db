import { join } from 'node:path';
import { type ChainHead, GENESIS } from '../adapters/audit/chain.ts';
import { AUDITS } from '../adapters/audit/data-folder.ts';
import { createFollower, type Follower } from '../adapters/audit/follow.ts';
import type { SyslogConnection } from '../adapters/audit/syslog.ts';
import { MACHINE_KEYS } from '../adapters/state/machine-state.ts';
import { framed, syslogMessage } from '../core/audit/syslog-message.ts';
import { describeError } from '../core/errors.ts';
import type { SyslogConfig } from '../core/model/config.ts';
import type { Clock, Logger, Meter, StateStore } from '../core/ports.ts';
import type { Sleep } from './clock.ts';
import type { Faults } from './faults.ts';

/** What was sent of each audit, by its writer. */
type Cursors = Partial<Record<string, ChainHead>>;

export interface SyslogExportPorts {
  syslog: SyslogConfig;
  dir: string;
  hostName: string;
  connect: () => Promise<SyslogConnection>;
  /** The newest line of the audit of `up`. */
  head: () => ChainHead;
  state: Pick<StateStore, 'counters' | 'listAuditHeads'>;
  faults: Faults;
  clock: Clock;
  sleep: Sleep;
  logger: Logger;
  meter: Meter;
  redact: (text: string) => string;
  signal: AbortSignal;
}

const KEY = MACHINE_KEYS.auditSyslog;
const POLL_MS = 1_000;
/** A connection that lasts so long after a line has brought it over, as far as anybody can know: there is no answer. */
const CONFIRM_MS = 5_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Sends every new line of the audits to the syslog server until the abort. The files are its queue: a slow or dead server
 * costs no memory, and lines wait there as long as they are kept. State has what was sent; lines that a broken connection
 * may have lost are sent again.
 */
export async function runSyslogExport(ports: SyslogExportPorts): Promise<void> {
  const { state, faults, sleep, logger, meter, redact, signal } = ports;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const cursors = await readCursors(state);
      await send(cursors, () => {
        failures = 0;
        faults.clear('audit-syslog-failing');
      });
    } catch (error) {
      if (signal.aborted) break;
      meter.count('audit_syslog_failures_total');
      const detail = redact(describeError(error));
      faults.raise({
        kind: 'warning',
        code: 'audit-syslog-failing',
        words: 'the syslog server does not take the lines of the audit; they are sent later',
        detail,
      });
      logger.warn('the syslog server does not take the audit; it is tried again', { error: detail });
      await sleep(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures++, 10)), signal);
    }
  }

  /** Sends over one connection, until it fails or at the abort. @throws why it failed */
  async function send(cursors: Cursors, onConfirmed: () => void): Promise<void> {
    const connection = await ports.connect();
    const followers = followersOf(ports.dir, cursors);
    const sent: Cursors = { ...cursors };
    let unconfirmed: { atMs: number; cursors: Cursors }[] = [];
    const confirm = async (all: boolean) => {
      const untilMs = ports.clock.nowMs() - (all ? 0 : CONFIRM_MS);
      const over = unconfirmed.filter(({ atMs }) => atMs <= untilMs);
      const newest = over.at(-1);
      if (!newest) return;
      unconfirmed = unconfirmed.slice(over.length);
      await state.counters.save(KEY, newest.cursors);
      onConfirmed();
    };
    try {
      while (!signal.aborted) {
        for (const { writer, follower } of followers) {
          for await (const { lines, lost } of follower.next()) {
            const texts = lines.map(({ line, fields }) =>
              framed(syslogMessage(line, fields, { ...ports.syslog, hostName: ports.hostName })),
            );
            await connection.write(texts.join(''));
            meter.count('audit_syslog_lines_total', {}, lines.length);
            reportLost(lost);
            const last = lines.at(-1);
            if (last) sent[writer] = last.head;
            note(unconfirmed, { atMs: ports.clock.nowMs(), cursors: { ...sent } });
            await confirm(false);
            if (signal.aborted) return;
          }
        }
        await confirm(false);
        meter.gauge('audit_syslog_waiting', Math.max(0, ports.head().sequence - (sent.local?.sequence ?? 0)));
        await sleep(POLL_MS, signal);
        const failure = connection.failure();
        if (failure && !signal.aborted) throw failure;
      }
    } finally {
      if (await connection.end()) await confirm(true).catch(() => {});
    }
  }

  function reportLost(lost: number): void {
    if (lost === 0) return;
    meter.count('audit_syslog_lost_total', {}, lost);
    logger.error('lines of the audit were removed before the syslog server took them', { lines: lost });
  }
}

/** The last of a moment is enough. */
function note(
  unconfirmed: { atMs: number; cursors: Cursors }[],
  next: { atMs: number; cursors: Cursors },
): void {
  if (unconfirmed.at(-1)?.atMs === next.atMs) unconfirmed.pop();
  unconfirmed.push(next);
}

/** What was sent before; at the first start what is there counts as sent, and `audit export` prints it. */
async function readCursors(state: SyslogExportPorts['state']): Promise<Cursors> {
  const kept = (await state.counters.load(KEY)) as Cursors | undefined;
  if (kept) return kept;
  const heads = await state.listAuditHeads();
  const first: Cursors = {};
  for (const { writer, sequence, hash } of heads) first[writer] = { sequence, hash };
  await state.counters.save(KEY, first);
  return first;
}

function followersOf(dir: string, cursors: Cursors): { writer: string; follower: Follower }[] {
  return AUDITS.map(({ writer, file }) => ({
    writer,
    follower: createFollower(join(dir, file), cursors[writer] ?? GENESIS),
  }));
}
