import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Sample } from '../model/sample.ts';
import { admitLabelSets, isKnownLabelSets, type KnownLabelSets, MAX_LABEL_LENGTH } from './label-sets.ts';

const OWN = { cluster: 'c', node: 'n', role: 'etcd' };
const START_MS = 1_000 * 3_600_000;
const MINUTE = 60_000;

const mounts = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `/m/${from + i}`);
const samplesOf = (names: readonly string[], timeMs = START_MS): Sample[] => [
  { metric: 'load1', labels: OWN, timeMs, value: 1 },
  ...names.flatMap((mount) =>
    ['disk_size', 'disk_usage'].map((metric) => ({
      metric,
      labels: { mount, device: '/dev/x', ...OWN },
      timeMs,
      value: 50,
    })),
  ),
];

/** A node round by round; what is known of it goes through JSON in between, as over a restart. */
function createNode(maxNew = 500) {
  let known: KnownLabelSets | undefined;
  return (minute: number, names: readonly string[]) => {
    const result = admitLabelSets(samplesOf(names), known, { nowMs: START_MS + minute * MINUTE, maxNew });
    known = JSON.parse(JSON.stringify(result.known));
    const shown = new Set(result.samples.flatMap(({ labels }) => labels.mount ?? []));
    const keys = result.known.seen.reduce((sum, [, list]) => sum + list.length, 0);
    return { ...result, shown, keys };
  };
}

describe('label sets of a node', () => {
  it('all pass at first sight on a node with many', () => {
    const { samples, dropped, notes } = createNode()(0, mounts(0, 500));
    expect([samples.length, dropped, notes]).toEqual([1_001, 0, []]);
  });

  it('change nothing that is kept while they stay, but with each quarter of an hour', () => {
    const probe = createNode();
    probe(-8, mounts(0, 7));
    probe(-4, mounts(0, 30));
    const changes = Array.from({ length: 46 }, (_, minute) => probe(minute, mounts(0, 30)).isChanged);
    expect(changes.flatMap((isChanged, minute) => (isChanged ? [minute] : []))).toEqual([0, 15, 30, 45]);
  });

  it('are left out over the limit, counted and named; those that are known stay', () => {
    const probe = createNode();
    expect(probe(0, mounts(0, 400)).dropped).toBe(0);
    const { shown, dropped, notes, samples } = probe(1, mounts(0, 700));
    expect([shown.size, dropped]).toEqual([500, 200]);
    expect(samples[0]?.metric).toBe('load1');
    expect(notes).toEqual([
      '200 new label sets left out, over 500 an hour (`maxNewLabelSets`): mount=/m/500 device=/dev/x, mount=/m/501 device=/dev/x, mount=/m/502 device=/dev/x and 197 more',
    ]);
    expect(probe(2, [...mounts(650, 50), ...mounts(0, 500)])).toMatchObject({ dropped: 50 });
    expect(probe(59, mounts(0, 700)).dropped).toBe(200);
    // What came at 0m makes room at 60m, what came at 1m at 61m.
    expect(probe(60, mounts(0, 700)).dropped).toBe(0);
  });

  it('do not add up where a node shows others each time', () => {
    const probe = createNode();
    const shown = new Set<string>();
    let most = 0;
    for (let minute = 0; minute < 24 * 60; minute += 5) {
      const result = probe(minute, mounts(minute * 1_000, 1_000));
      for (const mount of result.shown) shown.add(mount);
      most = Math.max(most, result.keys);
    }
    expect(shown.size).toBe(24 * 500);
    // Those of the last hour, and of the quarter by which a sight may be older than it is written down.
    expect(most).toBeLessThanOrEqual(1_000);
  });

  it('do not add up where a node comes back to all of them within the hour', () => {
    const probe = createNode();
    let most = 0;
    for (let minute = 0; minute < 24 * 60; minute += 10) {
      const turn = (minute / 10) % 5;
      most = Math.max(most, probe(minute, mounts(turn * 1_000, 1_000)).keys);
    }
    expect(most).toBe(2_048);
  });

  it.each([
    ['the node was not seen for a day', 24 * 60],
    ['our clock was set back by a day', -24 * 60],
  ])('stay known where %s', (_, minutes) => {
    const probe = createNode();
    probe(0, mounts(0, 500));
    probe(60, mounts(0, 800));
    const later = probe(60 + minutes, mounts(0, 800));
    expect([later.dropped, later.shown.size]).toEqual([0, 800]);
    // And are forgotten from there on as ever.
    expect(probe(60 + minutes + 74, mounts(0, 1)).keys).toBe(800);
    expect(probe(60 + minutes + 75, mounts(0, 1)).keys).toBe(1);
  });

  it('never are more new ones in an hour than the limit, whatever a node shows', () => {
    const rounds = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 40 }), fc.nat({ max: 60 }), fc.nat({ max: 30 })),
      {
        maxLength: 40,
      },
    );
    fc.assert(
      fc.property(rounds, (list) => {
        const probe = createNode(10);
        const firsts: number[] = [];
        const shown = new Set<string>();
        let minute = 0;
        for (const [later, from, count] of list) {
          minute += later;
          const result = probe(minute, mounts(from, count));
          expect(result.shown.size + result.dropped).toBe(count);
          for (const mount of result.shown) if (!shown.has(mount)) firsts.push(minute);
          for (const mount of result.shown) shown.add(mount);
        }
        for (const [i, first] of firsts.entries()) {
          const inHour = firsts.slice(i).filter((other) => other < first + 60).length;
          expect(inHour).toBeLessThanOrEqual(10);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('have values of a length that is shown and stored; long ones stay apart and are named', () => {
    const long = (end: string) => `/${'가'.repeat(600)}${end}`;
    const { shown, notes } = createNode()(0, [long('1'), long('2'), `/${'x'.repeat(MAX_LABEL_LENGTH - 1)}`]);
    expect(shown.size).toBe(3);
    for (const mount of shown) expect(mount.length).toBeLessThanOrEqual(MAX_LABEL_LENGTH);
    expect(notes).toEqual([
      expect.stringMatching(/^2 names over 256 characters shortened: \/가{59}…, \/가{59}…$/),
    ]);
  });

  it('are cut between characters', () => {
    for (const lead of ['', 'x']) {
      const [mount = ''] = createNode()(0, [lead + '😀'.repeat(200)]).shown;
      expect(mount.isWellFormed()).toBe(true);
    }
  });

  it('are kept by what the given key makes of them', () => {
    const { known } = admitLabelSets(samplesOf(['/a']), undefined, {
      nowMs: START_MS,
      maxNew: 10,
      keyOf: (text) => `<${text}>`,
    });
    expect(known.seen).toEqual([[60_000, ['<mount\n/a\ndevice\n/dev/x\n>']]]);
  });

  it.each([
    ['what was kept', { seen: [[1, ['a']]], added: [[1, 2]] }, true],
    ['nothing', undefined, false],
    ['a text', 'seen', false],
    ['keys that are none', { seen: [[1, [2]]], added: [] }, false],
    ['a minute that is none', { seen: [], added: [['1', 2]] }, false],
    ['a list without pairs', { seen: [1], added: [] }, false],
  ])('are gone on with from %s: %#', (_, value, expected) => {
    expect(isKnownLabelSets(value)).toBe(expected);
  });
});
