import { describe, expect, it } from 'vitest';
import type { Batch } from '../model/batch.ts';
import type { Check } from '../model/check.ts';
import type { Target } from '../model/target.ts';
import type { TargetStatus } from '../model/target-status.ts';
import { absences, lastSeenMs, lostBastions } from './absences.ts';
import { addRound, type Due, entriesOf } from './due.ts';

const MINUTE = 60_000;
const check = (name: string, minutes: number) => ({ name, everyMs: minutes * MINUTE }) as Check;
const CHECKS = [check('usage', 1), check('certificates', 5)];

function batch(minute: number, index: number, nodes: number, change: Partial<Batch> = {}): Batch {
  const targets = Array.from(
    { length: nodes },
    (_, n) => ({ cluster: 'c', node: `${index}-${n}` }) as Target,
  );
  const roundMs = minute * MINUTE;
  return { roundMs, bastion: 'b', index, count: 1, checks: ['usage'], targets, expiresAtMs: 0, ...change };
}

/** Rounds of these batches, one a minute. */
function planned(from: number, to: number, batches: (minute: number) => readonly Batch[], before?: Due): Due {
  let due = before;
  for (let minute = from; minute <= to; minute++) {
    due = addRound(due, {
      roundMs: minute * MINUTE,
      tickMs: MINUTE,
      batches: batches(minute),
      checks: CHECKS,
    });
  }
  if (!due) throw new Error('no round was planned');
  return due;
}

/** What a stored batch leaves. */
function stored(one: Batch, ok = true, nodes = one.targets.length): TargetStatus[] {
  const { bastion, index, roundMs } = one;
  const seen = one.targets.slice(0, nodes).map(({ cluster, node }): TargetStatus => {
    return { cluster, node, check: 'usage', roundMs, ok: true, batch: { bastion, index } };
  });
  return [{ cluster: '', node: bastion, check: String(index), roundMs, ok }, ...(ok ? seen : [])];
}

const two = (minute: number) => [batch(minute, 0, 3), batch(minute, 1, 2)];

describe('what is due', () => {
  it('is asked for when it is three rounds old', () => {
    expect(absences(planned(10, 12, two), [])).toEqual([]);
    expect(absences(planned(10, 13, two), [])).toEqual([{ bastion: 'b', batches: [0, 1], nodes: 5 }]);
  });

  it.each<[what: string, statuses: TargetStatus[], missing: [batches: number[], nodes: number] | undefined]>([
    ['all of it, at that time', [...stored(batch(17, 0, 3)), ...stored(batch(17, 1, 2))], undefined],
    ['all of it, since', [...stored(batch(20, 0, 3)), ...stored(batch(18, 1, 2))], undefined],
    ['one batch, before', [...stored(batch(17, 0, 3)), ...stored(batch(16, 1, 2))], [[1], 2]],
    ['one batch, never', stored(batch(19, 0, 3)), [[1], 2]],
    ['a bastion that was lost', [...stored(batch(19, 0, 3)), ...stored(batch(19, 1, 2), false)], undefined],
    ['one node less', [...stored(batch(19, 0, 3), true, 2), ...stored(batch(19, 1, 2))], [[], 1]],
    ['a batch without nodes', [...stored(batch(19, 0, 3), true, 0), ...stored(batch(19, 1, 2))], [[], 3]],
  ])('was seen: %s', (_, statuses, missing) => {
    const found = missing ? [{ bastion: 'b', batches: missing[0], nodes: missing[1] }] : [];
    expect(absences(planned(10, 20, two), statuses)).toEqual(found);
  });

  it('is told by bastion', () => {
    const both = (minute: number) => [batch(minute, 0, 3), batch(minute, 0, 4, { bastion: 'a' })];
    expect(absences(planned(1, 9, both), stored(batch(8, 0, 3)))).toEqual([
      { bastion: 'a', batches: [0], nodes: 4 },
    ]);
  });

  it('of a slower check is waited for as long as it may take', () => {
    const slow = (minute: number) =>
      minute % 5 === 0 ? [batch(minute, 0, 3, { checks: ['certificates'] })] : [];
    expect(absences(planned(10, 16, slow), [])).toEqual([]);
    expect(absences(planned(10, 17, slow), [])).toHaveLength(1);
    expect(absences(planned(10, 21, slow), stored(batch(10, 0, 3)))).toEqual([]);
    expect(absences(planned(10, 22, slow), stored(batch(10, 0, 3)))).toHaveLength(1);
  });

  it('of another number of batches: nodes that moved are nodes of their bastion still', () => {
    const due = planned(16, 18, () => [batch(18, 0, 5)], planned(10, 15, two));
    const moved = [...stored(batch(18, 0, 5)), ...stored(batch(15, 1, 0))];
    expect(absences(due, moved)).toEqual([]);
  });

  it('is forgotten with a batch that is no more, once it was asked for', () => {
    const due = planned(16, 20, () => [batch(20, 0, 3)], planned(10, 15, two));
    expect(entriesOf(due).map(({ index }) => index)).toEqual([0]);
  });

  it('stays as short as it is asked for, over a thousand rounds', () => {
    const { bastions, firstMs } = planned(1, 1_000, two);
    expect(bastions.b?.map(({ roundsMs }) => roundsMs.map((ms) => ms / MINUTE))).toEqual([
      [997, 998, 999, 1_000],
    ]);
    expect(bastions.b?.[0]?.batches.map(({ index, nodes }) => [index, nodes])).toEqual([
      [0, 3],
      [1, 2],
    ]);
    expect(firstMs).toBe(MINUTE);
  });

  it('does not change by a round that comes twice or late, and begins anew behind another clock', () => {
    const due = planned(1, 20, two);
    expect(planned(20, 20, two, due)).toEqual(due);
    expect(planned(18, 18, two, due)).toEqual(due);
    expect(planned(21, 21, two, planned(500, 500, two)).firstMs).toBe(21 * MINUTE);
  });
});

describe('the record of what is due', () => {
  const roundsOf = ({ bastions }: Due) =>
    Object.values(bastions)
      .flat()
      .map(({ everyMs, roundsMs, batches }) => [
        everyMs / MINUTE,
        roundsMs.map((ms) => ms / MINUTE),
        batches.map(({ index }) => index),
      ]);

  it.each([
    [60, 500],
    [61, 439],
  ])('that is %d rounds ahead stays, or is made anew: it is of minute %d', (ahead, newest) => {
    const due = planned(500 - ahead, 500 - ahead, two, planned(500, 500, two));
    expect(due.roundMs).toBe(newest * MINUTE);
  });

  it('has each batch at the pace of the most frequent of its checks', () => {
    const batches = (minute: number) => [
      batch(minute, 0, 3, { checks: ['usage', 'certificates'] }),
      batch(minute, 1, 3, { checks: ['certificates'] }),
    ];
    expect(roundsOf(planned(10, 10, batches))).toEqual([
      [1, [10], [0]],
      [5, [10], [1]],
    ]);
  });

  it('waits for rounds of a check that was slower as long as that took', () => {
    const slow = planned(5, 5, (minute) => [batch(minute, 0, 3, { checks: ['certificates'] })]);
    const slower = planned(10, 10, (minute) => [batch(minute, 0, 3, { checks: ['certificates'] })], slow);
    const faster = planned(11, 11, (minute) => [batch(minute, 0, 3)], slower);
    expect(roundsOf(faster)).toEqual([[5, [5, 10, 11], [0]]]);
    // The long pause is over when its rounds are.
    const later = planned(12, 30, (minute) => [batch(minute, 0, 3)], faster);
    expect(roundsOf(later)).toEqual([[1, [27, 28, 29, 30], [0]]]);
  });

  it('takes a batch with other nodes for another one, though it has their number', () => {
    const other = (minute: number) => [{ ...batch(minute, 0, 3), targets: batch(minute, 7, 3).targets }];
    const due = planned(
      11,
      11,
      other,
      planned(10, 10, (minute) => [batch(minute, 0, 3)]),
    );
    expect(roundsOf(due)).toEqual([
      [1, [10], [0]],
      [1, [11], [0]],
    ]);
  });

  it('takes the same nodes in another order for the same batch', () => {
    const turned = (minute: number) => {
      const one = batch(minute, 0, 3);
      return [{ ...one, targets: [...one.targets].reverse() }];
    };
    const due = planned(
      11,
      11,
      turned,
      planned(10, 10, (minute) => [batch(minute, 0, 3)]),
    );
    expect(roundsOf(due)).toEqual([[1, [10, 11], [0]]]);
  });

  it('begins a batch anew that a round went without, and still waits for the one before', () => {
    const only = (minute: number) => (minute === 11 ? [] : [batch(minute, 0, 3)]);
    const due = planned(10, 12, only);
    expect(due.bastions.b?.map(({ firstMs }) => firstMs / MINUTE)).toEqual([10, 12]);
    expect(planned(10, 12, two).bastions.b?.map(({ firstMs }) => firstMs / MINUTE)).toEqual([10]);
  });
});

it('a node was last seen when a check of it succeeded', () => {
  const failed = { ...stored(batch(9, 0, 2))[1], ok: false } as TargetStatus;
  expect(lastSeenMs([...stored(batch(8, 0, 1)), failed])).toBe(8 * MINUTE);
  expect(lastSeenMs(stored(batch(8, 0, 1), false))).toBeUndefined();
});

describe('bastions that were lost', () => {
  const lostAt = (minute: number, bastion = 'b'): TargetStatus[] =>
    stored(batch(minute, 0, 1, { bastion }), false);

  it('are those whose batch failed, with the newest such round, now or before', () => {
    const due = planned(10, 20, two);
    expect(lostBastions(due, [...lostAt(15), ...lostAt(14)], {})).toEqual({ b: 15 * MINUTE });
    expect(lostBastions(due, lostAt(15), { b: 17 * MINUTE })).toEqual({ b: 17 * MINUTE });
    expect(lostBastions(due, [], { b: 9 * MINUTE })).toEqual({ b: 9 * MINUTE });
  });

  it('are none that are not due any more, and none whose nodes alone failed', () => {
    const due = planned(10, 20, two);
    expect(lostBastions(due, lostAt(15, 'a'), { a: 5 * MINUTE })).toEqual({});
    const node = { ...stored(batch(15, 0, 1))[1], ok: false, node: 'b' } as TargetStatus;
    expect(lostBastions(due, [...stored(batch(15, 0, 1)), node], {})).toEqual({});
  });

  it('are remembered where a later batch of that index has written over it', () => {
    const later = (minute: number) => [batch(minute, 0, 3, { checks: ['usage', 'certificates'] })];
    const due = planned(
      17,
      18,
      later,
      planned(10, 16, (minute) => [batch(minute, 0, 4)]),
    );
    const over = stored(batch(18, 0, 3));
    expect(absences(due, over)).toHaveLength(1);
    expect(absences(due, over, { b: 16 * MINUTE })).toEqual([]);
  });
});
