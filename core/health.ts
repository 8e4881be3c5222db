// Whether alerts can leave, for /healthz, the heartbeat and metrics of both runners.

import { formatElapsed, isAhead } from './format.ts';
import type { ChannelConfig } from './model/config.ts';
import type { UndeliveredAlert as Undelivered } from './notify/undelivered.ts';
import { leastOf } from './numbers/extremes.ts';

/** Stable: monitors may match on them. docs/runbook.md says what each means. */
export const HEALTH_CODES = [
  'rounds-missing',
  'round-failed',
  'nothing-seen',
  'nodes-absent',
  'samples-refused',
  'samples-too-late',
  'evaluation-behind',
  'rule-failing',
  'notify-failing',
  'undelivered',
  'undelivered-optional',
  'channel-failing',
  'answers-unclear',
  'state-unwritable',
  'data-damaged',
  'data-replaced',
  'audit-unwritable',
  'audit-lines-lost',
  'audit-replaced',
  'audit-syslog-failing',
  'log-lines-lost',
  'history-failing',
  'config-unreadable',
  'config-not-in-force',
  'removal-refused',
  'housekeeping-failing',
  'disk-filling',
  'store-too-large',
  'data-set-aside',
  'standby-failing',
  'clock-differs',
] as const;
export type HealthCode = (typeof HEALTH_CODES)[number];

/** `words` is public: numbers, no names. `detail`, with names and errors, is for people on the machine. */
export interface Finding {
  code: HealthCode;
  words: string;
  detail?: string;
}

/** Reasons make health fail; warnings are listed. */
export interface Findings {
  reasons: readonly Finding[];
  warnings: readonly Finding[];
}

/** With one of these no heartbeat is sent: alerts may reach nobody. */
const SILENCING: ReadonlySet<HealthCode> = new Set([
  'nothing-seen',
  'nodes-absent',
  'samples-refused',
  'notify-failing',
  'undelivered',
  'state-unwritable',
  'data-damaged',
]);

export function holdsHeartbeat({ reasons }: Findings): Finding | undefined {
  return reasons.find(({ code }) => SILENCING.has(code));
}

/** An alert that nobody was sent though somebody should have been. */
export type UndeliveredAlert = Pick<Undelivered, 'rule' | 'labels' | 'dueSinceMs'> & {
  channels: readonly Pick<Undelivered['channels'][number], 'channel' | 'error'>[];
};

/** The fields of an open incident that decide. */
export interface OpenIncident {
  channel: string;
  /** `error`: of its last failure. */
  attempt?: { tries: number; rateLimits?: number; leaseUntilMs?: number; error?: string };
}

/** Names in a detail; more are a number. */
const MOST_NAMES = 5;

/**
 * Findings from undelivered alerts and failing channels. An alert is a reason once it was due longer than
 * `undeliveredAfterMs` and one of its channels is required; a channel that fails beside others is a warning. `overdue`
 * counts the alerts behind the reason.
 */
export function deliveryFindings(input: {
  undelivered: readonly UndeliveredAlert[];
  /** Open ones. */
  incidents: readonly OpenIncident[];
  channels: readonly Pick<ChannelConfig, 'name' | 'required'>[];
  undeliveredAfterMs: number;
  nowMs: number;
}): Findings & { overdue: number } {
  const { undelivered, incidents, channels, undeliveredAfterMs, nowMs } = input;
  const optional = new Set(channels.filter(({ required }) => required === false).map(({ name }) => name));
  // Ahead of a clock that was set back it may have waited for as long as one likes.
  const overdue = undelivered.filter(
    ({ dueSinceMs }) => nowMs - dueSinceMs > undeliveredAfterMs || isAhead(dueSinceMs, nowMs),
  );
  const isOptional = (alert: UndeliveredAlert) =>
    alert.channels.length > 0 && alert.channels.every(({ channel }) => optional.has(channel));
  const [listed, missed] = [overdue.filter(isOptional), overdue.filter((alert) => !isOptional(alert))];
  const failing = failingChannels(incidents);
  const describe = (alerts: readonly UndeliveredAlert[]) => {
    const sinceMs = leastOf(alerts.map(({ dueSinceMs }) => dueSinceMs));
    return `${count(alerts.length, 'alert')} reached nobody; the oldest for ${formatElapsed(sinceMs, nowMs, nowMs)}`;
  };
  return {
    overdue: missed.length,
    reasons:
      missed.length === 0
        ? []
        : [{ code: 'undelivered', words: describe(missed), detail: some(missed.map(alertText)) }],
    warnings: [
      ...(listed.length === 0
        ? []
        : [
            {
              code: 'undelivered-optional' as const,
              words: `${describe(listed)}, by channels that are not required`,
              detail: some(listed.map(alertText)),
            },
          ]),
      ...(failing.size === 0
        ? []
        : [
            {
              code: 'channel-failing' as const,
              words: `${count(failing.size, 'channel')} took no message at the last try`,
              detail: some([...failing].map(([name, error]) => (error ? `${name}: ${error}` : name))),
            },
          ]),
    ],
  };
}

/** Channels whose last attempt failed and is not over. A first one under way has no error; one that only waits has not failed. */
function failingChannels(incidents: readonly OpenIncident[]): Map<string, string> {
  const failing = new Map<string, string>();
  for (const { channel, attempt } of incidents) {
    const { tries = 0, rateLimits = 0, leaseUntilMs } = attempt ?? {};
    if (rateLimits > 0 && tries - rateLimits <= (leaseUntilMs === undefined ? 0 : 1)) continue;
    if (attempt && (attempt.error !== undefined || attempt.tries > 1))
      failing.set(channel, attempt.error ?? '');
  }
  return failing;
}

function alertText({ rule, labels, channels }: UndeliveredAlert): string {
  const subject = Object.values(labels).join('/');
  const ways = channels.map(({ channel, error }) => (error ? `${channel}: ${error}` : channel)).join(', ');
  return `${rule} ${subject} (${ways || 'no channel'})`;
}

/** "1 alert", "2 alerts". */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

/** The first few, and how many more. */
export function some(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return `${names.slice(0, MOST_NAMES).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
