import { describeError } from '../core/errors.ts';
import {
  count,
  deliveryFindings,
  type Finding,
  type Findings,
  HEALTH_CODES,
  type OpenIncident,
  type UndeliveredAlert,
} from '../core/health.ts';
import type { Config } from '../core/model/config.ts';
import type { Clock, Logger, Meter } from '../core/ports.ts';
import type { Faults } from './faults.ts';
import type { LocalMeter } from './meter.ts';

/** The answer of `GET /healthz`: whether alerts can be sent. */
export interface Health extends Findings {
  status: 'ok' | 'failing';
  startedAt: string;
  lastRound: { scheduledAt: string; completedAt: string; durationMs: number } | null;
  roundsCompleted: number;
  roundsSkipped: number;
  /** Alerts that should have been sent to somebody and were not; some only for a moment. */
  alertsUndelivered: number;
  /** Where several processes share one state; absent where one has its own. */
  role?: 'leader' | 'standby';
  /** Processes that would take over. */
  standbys?: number;
  /** The number of messages that were given up since the start. */
  deliveriesFailed: number;
  /**
   * 99 of 100 alerts since the start were accepted by their channel within this time, in seconds from the first sample that
   * breached, estimated from `breach_to_accepted_seconds`; null before the first.
   */
  breachToAcceptedP99: number | null;
}

/** The answer for remote clients: numbers, no names, no errors. */
export function publicHealth(health: Health): Health {
  const bare = (findings: readonly Finding[]) => findings.map(({ code, words }) => ({ code, words }));
  return { ...health, reasons: bare(health.reasons), warnings: bare(health.warnings) };
}

/**
 * The answer for clients on this machine, without paths, because such a client may be a proxy for a remote one. The log
 * has the paths.
 */
export function localHealth(health: Health): Health {
  const withoutPaths = (findings: readonly Finding[]) =>
    findings.map(({ detail, ...rest }) => ({
      ...rest,
      ...(detail !== undefined && { detail: detail.replace(FILE_PATH, '…/') }),
    }));
  return { ...health, reasons: withoutPaths(health.reasons), warnings: withoutPaths(health.warnings) };
}

/** The folders of an absolute path, not of an address. */
const FILE_PATH = /(?<=^|[\s"'`(])(?:\/[^\s/"'`:;,)]+)+\/(?=[^\s/])/g;

export interface RoundRecord {
  roundMs: number;
  completedAtMs: number;
  durationMs: number;
  error?: string;
}

/** How many rounds may be missing before the process reports itself unhealthy. */
const MISSING_ROUNDS = 3;
/** Undelivered alerts are read from state at most this often, however many clients ask. */
const READ_EVERY_MS = 2_000;

/** Healthy while rounds complete: not without one for three ticks, and not after the last one failed. */
export function roundFindings(input: {
  nowMs: number;
  startedAtMs: number;
  tickMs: number;
  last: RoundRecord | undefined;
}): Finding[] {
  const { nowMs, startedAtMs, tickMs, last } = input;
  const sinceMs = nowMs - (last?.completedAtMs ?? startedAtMs);
  const missing = sinceMs > MISSING_ROUNDS * tickMs + tickMs;
  return [
    ...(missing
      ? [
          {
            code: 'rounds-missing' as const,
            words: `no round completed for ${Math.round(sinceMs / 1000)} s; one is due every ${tickMs / 1000} s`,
          },
        ]
      : []),
    ...(last?.error === undefined
      ? []
      : [{ code: 'round-failed' as const, words: 'the last round failed', detail: last.error }]),
  ];
}

/** Messages that count as sent, although nobody knows. */
function unclearAnswers(meter: Pick<LocalMeter, 'total'>): Finding[] {
  const unclear = meter.total('deliveries_unclear_total');
  if (unclear === 0) return [];
  const words = `${count(unclear, 'message')} since the start had an answer that is neither yes nor no`;
  return [{ code: 'answers-unclear', words, detail: 'see the log: "counts as delivered"' }];
}

/** Accesses that no line of the audit shows. */
function lostLines(meter: Pick<LocalMeter, 'total'>): Finding[] {
  const lost = meter.total('audit_lines_lost_total');
  if (lost === 0) return [];
  const words = `the audit lacks ${count(lost, 'line')} since the start, as it could not be written for too long`;
  return [{ code: 'audit-lines-lost', words }];
}

/** The log itself cannot say it. */
function lostLog(lost: number, meter: Meter): Finding[] {
  meter.gauge('log_lines_lost', lost);
  if (lost === 0) return [];
  const words = `${count(lost, 'line')} of the log since the start could not be written: a full disk, or a reader that is gone or slow`;
  return [{ code: 'log-lines-lost', words }];
}

export interface HealthPorts {
  config: Pick<Config, 'channels' | 'server'>;
  read: () => Promise<{ undelivered: readonly UndeliveredAlert[]; incidents: readonly OpenIncident[] }>;
  faults: Faults;
  clock: Clock;
  meter: Meter & Pick<LocalMeter, 'total' | 'quantile'>;
  redact: (text: string) => string;
  logLost?: Logger['lost'];
}

/** Combines the reports of rounds and stages with the undelivered alerts of state. */
export function createHealth(ports: HealthPorts, times: { startedAtMs: number; tickMs: number }) {
  const { config, faults, clock, meter } = ports;
  /** When ungrouped alerts were first seen. They may have fired long ago, and have become known only now. */
  let untaken = new Map<string, number>();
  let last: RoundRecord | undefined;
  let read: { atMs: number; findings: Promise<Findings & { undelivered: number }> } | undefined;

  async function delivery(): Promise<Findings & { undelivered: number }> {
    try {
      const nowMs = clock.nowMs();
      const { undelivered: read, incidents } = await ports.read();
      const undelivered = sinceTaken(read, nowMs);
      meter.gauge('alerts_undelivered', undelivered.length);
      const { channels, server } = config;
      const { undeliveredAfterMs } = server;
      const { overdue, ...found } = deliveryFindings({
        undelivered,
        incidents,
        channels,
        undeliveredAfterMs,
        nowMs,
      });
      meter.gauge('alerts_undelivered_overdue', overdue);
      return { ...found, undelivered: undelivered.length };
    } catch (error) {
      const words = 'undelivered alerts cannot be read';
      const reason = { code: 'notify-failing' as const, words, detail: describeError(error) };
      return { reasons: [reason], warnings: [], undelivered: 0 };
    }
  }

  function sinceTaken(alerts: readonly UndeliveredAlert[], nowMs: number): readonly UndeliveredAlert[] {
    const before = untaken;
    untaken = new Map();
    return alerts.map((alert) => {
      if (alert.channels.length > 0) return alert;
      const name = JSON.stringify([alert.rule, alert.labels]);
      const seenAtMs = before.get(name) ?? nowMs;
      untaken.set(name, seenAtMs);
      return { ...alert, dueSinceMs: Math.max(alert.dueSinceMs, seenAtMs) };
    });
  }

  return {
    roundEnded(record: RoundRecord): void {
      last = record;
    },
    async check(): Promise<Health> {
      const nowMs = clock.nowMs();
      if (!read || nowMs - read.atMs >= READ_EVERY_MS || nowMs < read.atMs) {
        read = { atMs: nowMs, findings: delivery() };
      }
      const { undelivered, ...ofDelivery } = await read.findings;
      const reported = faults.findings();
      const redacted = (findings: readonly Finding[]) => {
        return findings.map((one) => ({
          ...one,
          ...(one.detail !== undefined && { detail: ports.redact(one.detail) }),
        }));
      };
      const reasons = redacted([
        ...roundFindings({ ...times, nowMs, last }),
        ...reported.reasons,
        ...ofDelivery.reasons,
      ]);
      const warnings = redacted([
        ...reported.warnings,
        ...ofDelivery.warnings,
        ...unclearAnswers(meter),
        ...lostLines(meter),
        ...lostLog(ports.logLost?.() ?? 0, meter),
      ]);
      const codes = new Set([...reasons, ...warnings].map(({ code }) => code));
      for (const code of HEALTH_CODES) meter.gauge('health_faults', codes.has(code) ? 1 : 0, { code });
      return {
        status: reasons.length === 0 ? 'ok' : 'failing',
        reasons,
        warnings,
        startedAt: new Date(times.startedAtMs).toISOString(),
        lastRound: last
          ? {
              scheduledAt: new Date(last.roundMs).toISOString(),
              completedAt: new Date(last.completedAtMs).toISOString(),
              durationMs: last.durationMs,
            }
          : null,
        roundsCompleted: meter.total('rounds_total'),
        roundsSkipped: meter.total('rounds_skipped_total'),
        alertsUndelivered: undelivered,
        deliveriesFailed: meter.total('deliveries_failed_total'),
        breachToAcceptedP99: meter.quantile('breach_to_accepted_seconds', 0.99) ?? null,
      };
    },
  };
}
