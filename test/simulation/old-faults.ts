/** A fault that the code once had, as a change of its current text; the simulator must find it. */
export interface OldFault {
  /** The group of the fault. */
  section: 1 | 2 | 4 | 6 | 7 | 8 | 9;
  name: string;
  file: string;
  /** A text that the file contains exactly once. */
  text: string;
  becomes: string;
  /**
   * The first schedule that shows the fault, so that the search ends there; after a change of the simulator it may be
   * another one.
   */
  firstSeed?: number;
  /** The names of invariants; at least one of them fails. */
  shows: readonly string[];
}

const UNDELIVERED = 'a firing alert stays undelivered';
const UNRESOLVED = 'sent as firing, not sent as resolved';
const NOBODY = 'it fired and resolved, and no channel got a message';
const A_CHANNEL = 'it fired and resolved, and a channel got no message';
const AGAIN = 'sent again as news';

export const OLD_FAULTS: readonly OldFault[] = [
  {
    section: 1,
    name: 'open incidents are not decided again after a change',
    file: 'core/stages/reconcile.ts',
    text: 'if (!alone && !setBack && !changed && nowMs < (before?.againAtMs ?? Infinity)) return false;',
    becomes: 'if (before || stamp) return false;',
    firstSeed: 16,
    shows: [UNDELIVERED],
  },
  {
    section: 1,
    name: 'dueAtMs from the time of a silence is not computed again',
    file: 'core/notify/reconcile.ts',
    text: 'const checkMs = withheld ? nowMs : nextCheckMs(rest, timingOf(rest, config));',
    becomes: 'const checkMs = _due ?? nextCheckMs(rest, timingOf(rest, config));',
    firstSeed: 33,
    shows: [UNDELIVERED],
  },
  {
    section: 1,
    name: 'a channel that is new, or added to a route, is not sent firing alerts',
    file: 'core/notify/reconcile.ts',
    text: 'for (const destination of lacking) to.enter(',
    becomes: 'for (const destination of lacking.slice(lacking.length)) to.enter(',
    firstSeed: 16,
    shows: [UNDELIVERED],
  },
  {
    section: 1,
    name: 'the resolved of a removed channel is sent to no channel',
    file: 'core/notify/reconcile.ts',
    text: 'else if (sentStatus !== alert.status) endOutstanding = true;',
    becomes: '',
    firstSeed: 72,
    shows: ['sent as firing to a removed channel, and as resolved to no channel'],
  },
  {
    section: 1,
    name: 'another route or groupBy sends everything again',
    file: 'core/notify/reconcile.ts',
    text: 'if (to.enter(episode, destination, { alert, sentStatus, lastNotifiedAtMs })) entry.lost.add(id);',
    becomes:
      'if (to.enter(episode, destination, { alert, sentStatus: undefined, lastNotifiedAtMs })) entry.lost.add(id);',
    shows: [AGAIN],
  },
  {
    section: 2,
    name: 'given up counts as delivered',
    file: 'core/stages/record.ts',
    text: '    if (after) {\n      const failed',
    becomes: "    if (after && after.outcome !== 'failed') {\n      const failed",
    firstSeed: 3,
    shows: [UNDELIVERED, UNRESOLVED, NOBODY, A_CHANNEL],
  },
  {
    section: 2,
    name: 'a refused message is never offered again',
    file: 'core/notify/attempt.ts',
    text: 'retryAtMs: Math.max(retryAtMs, nowMs + offerMs)',
    becomes: 'retryAtMs: nowMs + 86_400_000',
    firstSeed: 7,
    shows: [UNDELIVERED, UNRESOLVED, NOBODY, A_CHANNEL],
  },
  {
    section: 2,
    name: "a fallback's firing is not resolved there",
    file: 'core/stages/group.ts',
    text: '  return incident.alerts.some((alert) => alert.alertId === alertId);',
    becomes:
      '  return incident.standsInFor === undefined && incident.alerts.some((alert) => alert.alertId === alertId);',
    firstSeed: 18,
    shows: [UNRESOLVED],
  },
  {
    section: 2,
    name: 'other content takes the number of what was refused',
    file: 'core/notify/attempt.ts',
    text: 'const number = Math.max(before.number, notifications) + 1;',
    becomes: 'const number = Math.max(before.number, notifications);',
    shows: ['one number, two contents'],
  },
  {
    section: 2,
    name: 'an alert that resolved before it was sent is dropped',
    file: 'core/notify/decide.ts',
    text: 'if (unsent && (isWithheld(alert) || alert.standIn)) return false;',
    becomes: 'if (unsent) return false;',
    shows: [NOBODY, A_CHANNEL],
  },
  {
    section: 2,
    name: 'an alert that resolves while its message is on its way does not count as resolved',
    file: 'core/notify/incident.ts',
    text: "if (known?.status !== 'firing' || known.firedAtMs > transition.atMs) return undefined;",
    becomes:
      "if (known?.status !== 'firing' || known.firedAtMs > transition.atMs || incident.attempt) return undefined;",
    shows: [UNRESOLVED, 'sent as firing after its end'],
  },
  {
    section: 4,
    name: 'a Retry-After has no upper limit',
    file: 'core/notify/pace.ts',
    text: 'export const LONGEST_RETRY_AFTER_MS = 10 * 60_000;',
    becomes: 'export const LONGEST_RETRY_AFTER_MS = 86_400_000;',
    firstSeed: 9,
    shows: [UNDELIVERED, UNRESOLVED, NOBODY, A_CHANNEL],
  },
  {
    section: 4,
    name: 'a service that asks to wait is asked by another channel that leads to it',
    file: 'core/stages/pacing.ts',
    text: 'return (await channel.destination?.()) ?? own;',
    becomes: 'await channel.destination?.();\n    return own;',
    firstSeed: 41,
    shows: ['a service is asked again before its time'],
  },
  {
    section: 4,
    name: 'a message that could not be recorded takes one slot after the other',
    file: 'core/notify/pace.ts',
    text: 'const mine = isMine ? input.slot : slotAhead(pace, input);',
    becomes: 'const mine = isMine ? input.slot : undefined;',
    firstSeed: 471,
    shows: [UNDELIVERED, UNRESOLVED, NOBODY, A_CHANNEL],
  },
  {
    section: 4,
    name: 'a long Retry-After ends in giving up',
    file: 'core/stages/record.ts',
    text: '    if (after) {\n      const failed',
    becomes:
      "    if (after && !('error' in result && (result.error as { retryAfterMs?: number }).retryAfterMs! > 600_000)) {\n      const failed",
    firstSeed: 9,
    shows: [UNDELIVERED, UNRESOLVED, NOBODY, A_CHANNEL],
  },
  {
    section: 7,
    name: 'an alert whose channel fails does not count as undelivered',
    file: 'core/notify/undelivered.ts',
    text: 'if (delivered.has(id) || incident.orphanedAtMs !== undefined) continue;',
    becomes: 'if (delivered.has(id) || incident.orphanedAtMs !== undefined || incident.attempt) continue;',
    firstSeed: 27,
    shows: ['health is ok while an alert is undelivered'],
  },
  {
    section: 7,
    name: 'an alert that notify has not taken up does not count as undelivered',
    file: 'core/notify/undelivered.ts',
    text: 'for (const alert of input.firing) {',
    becomes: 'for (const alert of input.firing.slice(input.firing.length)) {',
    firstSeed: 58,
    shows: ['health is ok while an alert is undelivered'],
  },
  {
    section: 7,
    name: 'a notifier whose passes fail does not pause',
    file: 'local/notifier.ts',
    text: 'return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10));',
    becomes: 'return failures * 0;',
    firstSeed: 10,
    shows: ['a process works without a pause'],
  },
  {
    section: 4,
    name: 'a retry is due at a fraction of a millisecond, which state refuses',
    file: 'core/notify/attempt.ts',
    text: 'return Math.round(longestMs * (1 - SPREAD_SHARE * shareOf(',
    becomes: 'return Number(longestMs * (1 - SPREAD_SHARE * shareOf(',
    firstSeed: 34,
    shows: ['the outcome of a request has no record'],
  },
  {
    section: 4,
    name: 'a service that asks to wait is asked again at once',
    file: 'core/notify/pace.ts',
    text: 'const { key, slot, askedMs = 0, sentAtMs, nowMs } = input;',
    becomes: 'const { key, slot, sentAtMs, nowMs } = input;\n  const askedMs = 0;',
    shows: ['a service is asked again before its time'],
  },
  {
    section: 8,
    name: 'silenced and inhibited alerts are sent',
    file: 'core/notify/decide.ts',
    text: 'const suppression = suppressionOf(alert);',
    becomes: 'const suppression = undefined as Suppression | undefined;',
    firstSeed: 2,
    shows: ['sent while it was withheld'],
  },
  {
    section: 9,
    name: 'a reminder never comes',
    file: 'core/notify/timing.ts',
    text: '    lastNotifiedAtMs + timing.repeatIntervalMs,',
    becomes: '    Infinity,',
    firstSeed: 4,
    shows: ['a reminder does not come'],
  },
  {
    section: 9,
    name: 'a reminder comes before its time',
    file: 'core/notify/timing.ts',
    text: '    lastNotifiedAtMs + timing.repeatIntervalMs,',
    becomes: '    lastNotifiedAtMs + timing.repeatIntervalMs / 2,',
    shows: ['a reminder before its time'],
  },
  {
    section: 9,
    name: 'groupInterval is not waited for',
    file: 'core/notify/timing.ts',
    text: 'const intervalOverMs = lastNotifiedAtMs + timing.groupIntervalMs;',
    becomes: 'const intervalOverMs = lastNotifiedAtMs;',
    firstSeed: 6,
    shows: ['a second message within groupInterval'],
  },
  {
    section: 6,
    name: 'a reminder shows the value of the first firing',
    file: 'core/notify/notification.ts',
    text: 'stateNow(alert, input.current.get(episodeOf(alert)), nowMs)),',
    becomes: 'stateNow(alert, undefined, nowMs)),',
    shows: ['a false value: not the newest'],
  },
  {
    section: 6,
    name: 'nothing is marked as news',
    file: 'core/notify/notification.ts',
    text: 'news: news.has(episodeOf(alert)),',
    becomes: 'news: news.has(episodeOf(alert)) && nowMs < 0,',
    shows: ['sent for the first time, and not as news'],
  },
  {
    section: 6,
    name: 'a resolved message shows the value of the firing',
    file: 'core/notify/incident.ts',
    text: '    value: transition.value,\n  };\n}\n\n/** Something',
    becomes: '    value: known.value,\n  };\n}\n\n/** Something',
    shows: ['a false value: not the one it ended with'],
  },
];
