import { describe, expect, it } from 'vitest';
import type { Check } from '../model/check.ts';
import type { Observation } from '../model/observation.ts';
import type { Sample } from '../model/sample.ts';
import type { Target } from '../model/target.ts';
import { isRepeatRound, isSlow, type LastValues, repeatsOf, takeLastValues } from './last-values.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const FILE = { file: '/etc/ca.crt' };

const target = (node: string): Target => ({
  cluster: 'c',
  node,
  role: 'etcd',
  host: 'h',
  port: 22,
  user: 'u',
  bastion: 'b',
  hostKeys: [],
});
function check(name: string, everyMs: number, more: Partial<Check> = {}): Check {
  return { name, probe: name, everyMs, where: {}, options: {}, ...more };
}
const usage = check('usage', MINUTE);
const pki = check('pki', HOUR);
const CHECKS = [usage, pki];

/** What a check saw of a node; undefined: it failed. */
function seen(
  { name, probe }: Check,
  roundMs: number,
  values: readonly (readonly [metric: string, value: number, labels?: Record<string, string>])[] | undefined,
  node = 'n1',
): Observation {
  const labels = { cluster: 'c', node, role: 'etcd' };
  const samples = values?.map(
    ([metric, value, own]): Sample => ({ metric, labels: { ...own, ...labels }, timeMs: roundMs, value }),
  );
  const failure = { reason: 'command', phase: 'exec', detail: 'no' } as const;
  const result = samples ? ({ ok: true, samples, notes: [] } as const) : ({ ok: false, failure } as const);
  return {
    check: name,
    probe,
    target: target(node),
    roundMs,
    observedAtMs: roundMs,
    durationMs: 250,
    result,
  };
}

/** What is repeated in a round of so many minutes, after the rounds before: `metric value`. */
function repeated(
  minute: number,
  rounds: readonly (readonly [minute: number, ...Observation[]])[],
  { checks = CHECKS, now = [] as readonly Observation[], nodes = ['n1'] } = {},
): string[] {
  let known = new Map<string, LastValues>();
  for (const [, ...observations] of rounds) known = takeLastValues(known, checks, observations);
  // As the object between rounds has them.
  known = new Map(JSON.parse(JSON.stringify([...known])));
  const batch = { roundMs: minute * MINUTE, targets: nodes.map(target) };
  return repeatsOf(batch, known, checks, now).map(({ metric, labels, timeMs, value }) => {
    expect([labels.cluster, labels.role, timeMs]).toEqual(['c', 'etcd', minute * MINUTE]);
    return [labels.node, metric, labels.file ?? labels.mount ?? labels.check, value].join(' ');
  });
}

const certificate = [seen(pki, HOUR, [['cert_expiry', 100, FILE]])] as const;
const WRITTEN = ['n1 probe_success pki 1', 'n1 probe_duration pki 0.25', 'n1 cert_expiry /etc/ca.crt 100'];

describe('the values that are written again', () => {
  it.each([
    ['in each round after', 61, WRITTEN],
    ['not in a round in which the check is due', 120, []],
    ['not while that round may be under way', 121, []],
    ['then on, where it brought nothing', 122, WRITTEN],
    ['for two intervals', 179, WRITTEN],
    ['not longer', 181, []],
    ['not in a round before', 59, []],
  ])('are those of a slow check, %s', (_, minute, expected) => {
    expect(repeated(minute, [[60, ...certificate]])).toEqual(expected);
  });

  it('are the newest, and after a failure only that it failed', () => {
    const later = [120, seen(pki, 2 * HOUR, [['cert_expiry', 40, FILE]])] as const;
    expect(repeated(121, [[60, ...certificate], later])).toContain('n1 cert_expiry /etc/ca.crt 40');
    expect(
      repeated(121, [
        [60, ...certificate],
        [120, seen(pki, 2 * HOUR, undefined)],
      ]),
    ).toEqual(['n1 probe_success pki 0']);
  });

  it('are of nodes that the batch has and the check visits', () => {
    const both = [60, ...certificate, seen(pki, HOUR, [['cert_expiry', 7, FILE]], 'n2')] as const;
    expect(repeated(61, [both], { nodes: ['n2'] })).toContain('n2 cert_expiry /etc/ca.crt 7');
    expect(repeated(61, [both], { nodes: ['n2'] })).toHaveLength(3);
    const elsewhere = { ...pki, where: { node: ['n1'] } };
    expect(repeated(61, [both], { nodes: ['n2'], checks: [usage, elsewhere] })).toEqual([]);
  });

  it('are not what a faster check measures of the same node', () => {
    const volumes = check('volumes', 10 * MINUTE, { probe: 'usage' });
    const root = ['disk_usage', 50, { mount: '/' }] as const;
    const all = { checks: [usage, volumes], now: [seen(usage, 11 * MINUTE, [root])] };
    const rounds = [
      [10, seen(volumes, 10 * MINUTE, [root, ['disk_usage', 60, { mount: '/pods' }]])],
    ] as const;
    const own = 'n1 probe_duration volumes 0.25';
    expect(repeated(11, rounds, all)).toEqual([own, 'n1 disk_usage /pods 60']);
    expect(repeated(11, rounds, { ...all, now: [seen(usage, 11 * MINUTE, undefined)] })).toEqual([own]);
  });

  it('are the newest of several slow checks', () => {
    const [half, whole] = [
      check('half', 30 * MINUTE, { probe: 'pki' }),
      check('whole', HOUR, { probe: 'pki' }),
    ];
    const rounds = [
      [60, seen(whole, HOUR, [['cert_expiry', 1, FILE]])],
      [90, seen(half, 90 * MINUTE, [['cert_expiry', 2, FILE]])],
    ] as const;
    const found = repeated(93, rounds, { checks: [half, whole] });
    expect(found.filter((text) => text.includes('cert_expiry'))).toEqual(['n1 cert_expiry /etc/ca.crt 2']);
  });

  it('are none of checks that PromQL does not lose sight of', () => {
    expect([60, 120, 150, 151, 3600].map((s) => isSlow({ everyMs: s * 1000 }))).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
    expect(repeated(1, [[0, seen(usage, 0, [['mem_usage', 3]])]])).toEqual([]);
  });
});

describe('rounds that write values again', () => {
  const SECOND = 1_000;
  it.each([
    ['of ten seconds', 10 * SECOND, 12],
    ['of a minute', MINUTE, 2],
    ['of ninety seconds', 90 * SECOND, 1],
    ['of five minutes', 5 * MINUTE, 1],
  ])('%s, %i ms apart, are one in %i', (_, intervalMs, everyNth) => {
    for (const index of [0, 1, 7]) {
      const chosen = Array.from({ length: 48 }, (__, round) => round).filter((round) =>
        isRepeatRound({ roundMs: (1_000_000 + round) * intervalMs, index, intervalMs }),
      );
      expect(chosen).toHaveLength(48 / everyNth);
      expect(chosen.slice(1).every((round, i) => round - (chosen[i] ?? 0) === everyNth)).toBe(true);
    }
  });

  it('leave a value for whoever looks back five minutes, with one write lost and the next a minute late', () => {
    for (const intervalMs of [SECOND, 7 * SECOND, 45 * SECOND, MINUTE, 70 * SECOND, 2 * MINUTE]) {
      const chosen = Array.from({ length: 3_600 }, (_, round) => (5_000 + round) * intervalMs).filter(
        (roundMs) => isRepeatRound({ roundMs, index: 3, intervalMs }),
      );
      const apart = chosen.slice(2).map((roundMs, i) => roundMs - (chosen[i] ?? 0));
      expect(Math.max(...apart) + MINUTE, `${intervalMs}`).toBeLessThanOrEqual(5 * MINUTE);
    }
  });

  it('differ between batches', () => {
    const at = (index: number) => isRepeatRound({ roundMs: 10 * MINUTE, index, intervalMs: MINUTE });
    expect([at(0), at(1)]).toEqual([true, false]);
  });

  it('are all where a message of the release before does not say how far apart rounds are', () => {
    expect([1, 2, 3].every((minute) => isRepeatRound({ roundMs: minute * MINUTE, index: 0 }))).toBe(true);
  });
});
