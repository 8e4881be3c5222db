import { describe, expect, it } from 'vitest';
import { deliveryFindings, type Findings, holdsHeartbeat, some, type UndeliveredAlert } from './health.ts';

const MINUTE = 60_000;
const NOW = 100 * MINUTE;
const channels = [
  { name: 'ops' },
  { name: 'customer', required: false },
  { name: 'on-call', required: true },
];

const alertOn = (names: readonly string[], dueMinutes: number): UndeliveredAlert => ({
  rule: 'memory',
  labels: { cluster: 'prod', node: 'n1' },
  dueSinceMs: NOW - dueMinutes * MINUTE,
  channels: names.map((channel) => ({ channel, error: `${channel} refused` })),
});

function findingsOf(
  undelivered: readonly UndeliveredAlert[],
  incidents: Parameters<typeof deliveryFindings>[0]['incidents'] = [],
) {
  return deliveryFindings({ undelivered, incidents, channels, undeliveredAfterMs: 5 * MINUTE, nowMs: NOW });
}
it('takes what is owed since a time that has not come yet as overdue: the clock was set back', () => {
  const { overdue, reasons } = findingsOf([alertOn(['ops'], -60)]);
  expect(overdue).toBe(1);
  expect(reasons[0]?.words).toContain('the oldest for an unknown time');
  expect(findingsOf([alertOn(['ops'], 1)]).overdue).toBe(0);
});

const codes = ({ reasons, warnings }: Findings) => [
  reasons.map(({ code }) => code),
  warnings.map(({ code }) => code),
];

describe('undelivered alerts', () => {
  it.each([
    ['none', [], [], []],
    ['one that is owed for a moment', [alertOn(['ops'], 5)], [], []],
    ['one that is owed too long', [alertOn(['ops'], 6)], ['undelivered'], []],
    ['one of a channel that is not required', [alertOn(['customer'], 6)], [], ['undelivered-optional']],
    ['one of both', [alertOn(['customer', 'on-call'], 6)], ['undelivered'], []],
    ['one of a channel that is not configured any more', [alertOn(['gone'], 6)], ['undelivered'], []],
    ['one that no channel is named for', [alertOn([], 6)], ['undelivered'], []],
    ['several', [alertOn(['ops'], 7), alertOn(['customer'], 9)], ['undelivered'], ['undelivered-optional']],
  ] as const)('%s', (_, undelivered, reasons, warnings) => {
    expect(codes(findingsOf(undelivered))).toEqual([reasons, warnings]);
  });

  it('are told in numbers, and with names and errors beside', () => {
    const { reasons } = findingsOf([alertOn(['ops'], 7), alertOn(['on-call'], 90)]);
    expect(reasons).toEqual([
      {
        code: 'undelivered',
        words: '2 alerts reached nobody; the oldest for 1h30m',
        detail: 'memory prod/n1 (ops: ops refused); memory prod/n1 (on-call: on-call refused)',
      },
    ]);
  });
});

describe('channels', () => {
  const incident = (channel: string, tries: number, error?: string) => ({
    channel,
    attempt: { tries, ...(error === undefined ? {} : { error }) },
  });

  it('that fail beside others are listed and fail nothing', () => {
    const found = findingsOf(
      [],
      [incident('customer', 7, 'no such host'), incident('customer', 2), { channel: 'ops' }],
    );
    expect(codes(found)).toEqual([[], ['channel-failing']]);
    expect(found.warnings[0]?.words).toBe('1 channel took no message at the last try');
  });

  it('that are being tried for the first time are not', () => {
    expect(codes(findingsOf([], [incident('ops', 1)]))).toEqual([[], []]);
  });
});

it('the heartbeat is held back by what keeps alerts from leaving, and by nothing else', () => {
  const of = (code: 'undelivered' | 'samples-refused' | 'audit-unwritable') =>
    holdsHeartbeat({ reasons: [{ code, words: '' }], warnings: [] })?.code;
  expect([of('undelivered'), of('samples-refused')]).toEqual(['undelivered', 'samples-refused']);
  expect(of('audit-unwritable')).toBeUndefined();
  const warning = { code: 'undelivered' as const, words: '' };
  expect(holdsHeartbeat({ reasons: [], warnings: [warning] })).toBeUndefined();
});

it('names a few, and counts the others', () => {
  expect(some(['a', 'b'])).toBe('a; b');
  expect(some(['a', 'b', 'c', 'd', 'e', 'f', 'g'])).toBe('a; b; c; d; e; and 2 more');
});
