import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openSqliteStore } from '../adapters/stores/sqlite/store.ts';
import type { Sample } from '../core/model/sample.ts';
import { backtestSchema } from '../history/api/backtest-schema.ts';
import { newKey } from '../localstack/fleet/new-key.ts';
import { decode } from '../test/png.ts';
import { comparisonShape } from './backtest-comparison.ts';
import { sweepShape } from './backtest-sweep.ts';
import { capturePrinted, type Printed } from './printed.fixture.ts';
import { run } from './program.ts';

const MINUTE = 60_000;
const START = Date.parse('2026-11-20T00:00Z');
const RANGE = ['--from', '2026-11-20T00:00Z', '--to', '2026-11-20T06:00Z'];
const RULE = '{ name: memory, metric: mem_usage, above: 90, for: 5m }';

let dir: string;
let printed: Printed;

/** n1 breaches for twenty minutes from 01:00 on, n2 from 04:00 on; there are no samples from 02:00 to 03:00. */
function samples(): Sample[] {
  return Array.from({ length: 6 * 60 + 1 }, (_, minute) => minute).flatMap((minute): Sample[] => {
    if (minute > 120 && minute < 180) return [];
    return ['n1', 'n2'].flatMap((node, i) => {
      const labels = { cluster: 'prod', node, role: 'etcd' };
      const begin = i === 0 ? 60 : 240;
      const value = minute >= begin && minute < begin + 20 ? 93 + i : 50;
      const timeMs = START + minute * MINUTE;
      return [
        { metric: 'up', labels, timeMs, value: 1 },
        { metric: 'mem_usage', labels, timeMs, value },
      ];
    });
  });
}

const configOf = (
  rule: string,
) => `bastions: [{ name: gate, host: 127.0.0.1, user: u, privateKey: "\${file:key}" }]
clusters:
  - name: prod
    bastion: gate
    nodes:
      - { name: n1, role: etcd, host: 127.0.0.1, user: u }
      - { name: n2, role: etcd, host: 127.0.0.1, user: u }
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
rules: [${rule}]
silences: [{ match: { node: n2 }, from: "2026-11-20T03:00:00Z", until: "2026-11-20T05:00:00Z", comment: c }]
schedule: { timeZone: UTC }
store: { path: data }
`;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-backtest-'));
  writeFileSync(join(dir, 'key'), newKey());
  writeFileSync(join(dir, 'c.yaml'), configOf(RULE));
  const store = openSqliteStore({ path: join(dir, 'data') });
  await store.write(samples());
  await store.close();
});
afterAll(() => rmSync(dir, { recursive: true }));
beforeEach(() => {
  printed = capturePrinted();
});
afterEach(() => {
  process.exitCode = undefined;
  vi.restoreAllMocks();
});

const backtest = (...args: string[]) =>
  run(['node', 'bartizan', 'backtest', ...args, '-c', join(dir, 'c.yaml')]);

describe('`backtest`', () => {
  it('shows each rule, each firing and who would have been sent it, and what is unknown', async () => {
    await backtest(...RANGE);
    expect(printed.err).toBe('');
    expect(printed.out).toBe(`00:00 to 06:00 (6h), UTC

RULE    SEVERITY  FIRED  FOR  MESSAGES  WHEN
memory  warning       2  30m         2  ····██···???····██······

#  FIRED  FOR  RULE    WHERE      SENT TO
1  01:05  15m  memory  prod / n1  ops
2  04:05  15m  memory  prod / n2  silenced

unknown from 02:01 to 03:00: no samples of mem_usage
`);
    expect(process.exitCode).toBeUndefined();
  });

  it('prints all of it as JSON', async () => {
    await backtest('mem*', '--json', ...RANGE);
    const found = backtestSchema.parse(JSON.parse(printed.out));
    expect(found.episodes.map(({ labels, channels, withheld }) => [labels.node, channels, withheld])).toEqual(
      [
        ['n1', ['ops'], undefined],
        ['n2', [], 'silence'],
      ],
    );
    expect(found.messages.map(({ atMs, reason }) => [(atMs - START) / MINUTE, reason])).toEqual([
      [65, 'first'],
      [80, 'all-resolved'],
    ]);
  });

  it('compares two versions of rules, and can fail where they differ', async () => {
    writeFileSync(join(dir, 'main.yaml'), configOf(RULE.replace('for: 5m', 'for: 2m').replace('90', '93')));
    const against = ['--against', join(dir, 'main.yaml')];
    await backtest(...RANGE, ...against, '--exit-code');
    expect(printed.out).toContain('memory      2    1         2    0  1 more, 1 later by 3m\n');
    expect(printed.out).toContain('+ 01:05 for 15m  prod / n1  ops\n');
    expect(printed.out).toContain('! 04:05 for 15m  prod / n2  silenced  (was 04:02 for 18m, silenced)\n');
    expect(process.exitCode).toBe(1);
    printed.out = '';
    await backtest(...RANGE, ...against, '--markdown');
    expect(printed.out).toContain('| `memory` | 2 | 1 | 2 | 0 | 1 more, 1 later by 3m |\n');
    expect(printed.out).toContain('```diff\n+ 01:05 for 15m prod / n1 ops\n');
    printed.out = '';
    await backtest(...RANGE, ...against, '--json');
    const { differs, rules } = comparisonShape.parse(JSON.parse(printed.out));
    expect([differs, rules[0]?.added.length, rules[0]?.changed[0]?.laterMs]).toEqual([true, 1, 3 * MINUTE]);
  });

  it('draws what it prints, of one version or of two', async () => {
    const [one, two] = [join(dir, 'one.png'), join(dir, 'two.png')];
    await backtest(...RANGE, '--png', one, '--json');
    expect(backtestSchema.parse(JSON.parse(printed.out)).episodes).toHaveLength(2);
    await backtest(...RANGE, '--png', two, '--theme', 'light', '--against', join(dir, 'c.yaml'));
    const [dark, light] = [one, two].map((file) => decode(readFileSync(file)));
    expect([dark?.width, dark?.at(1_000, 2), light?.width, light?.at(1_000, 2)]).toEqual([
      2_000,
      '15181eff',
      2_000,
      'ffffffff',
    ]);
    expect(light?.height).toBeGreaterThan(dark?.height ?? Infinity);
    await backtest(...RANGE, '--png', join(dir, 'none', 'x.png'));
    expect(printed.err).toContain('x.png cannot be written (ENOENT)');
  });

  it('finds no difference from itself', async () => {
    await backtest(...RANGE, '--against', join(dir, 'c.yaml'), '--exit-code');
    expect(printed.out).toContain('the same');
    expect(process.exitCode).toBeUndefined();
  });

  it('shows what other values of a rule would have done', async () => {
    await backtest('memory', ...RANGE, '--sweep', 'above=90..94/2', 'for=5m,30m');
    expect(printed.out).toBe(`memory, 00:00 to 06:00 (6h), UTC

messages a week, above to the right
for  90  92  94
 5m  67  67   0
30m   0   0   0

median delay to the firing, above to the right
for  90  92  94
 5m  5m  5m   –
30m   –   –   –

unknown from 02:01 to 03:00: no samples of mem_usage
`);
    printed.out = '';
    await backtest('memory', ...RANGE, '--sweep', 'for=5m,10m', '--json');
    const { variants, unknown } = sweepShape.parse(JSON.parse(printed.out));
    expect(unknown).toMatchObject([{ metric: 'mem_usage', left: 'nothing' }]);
    expect(
      variants.map(({ values, episodes, messages, delayMs }) => [values, episodes, messages, delayMs]),
    ).toEqual([
      [[5 * MINUTE], 2, 2, 5 * MINUTE],
      [[10 * MINUTE], 2, 2, 10 * MINUTE],
    ]);
  });

  it('counts messages a week over the time that has samples', async () => {
    const sweep = ['--sweep', 'for=5m,10m', '--json'];
    const perWeek = async (from: string) => {
      printed.out = '';
      await backtest('memory', '--from', from, '--to', '2026-11-20T06:00Z', ...sweep);
      return sweepShape.parse(JSON.parse(printed.out)).variants[0]?.messagesPerWeek ?? 0;
    };
    expect((await perWeek('2026-11-13T06:00Z')) / (await perWeek('2026-11-20T00:00Z'))).toBeCloseTo(1, 1);
    printed.out = '';
    await backtest('memory', '--from', '2026-11-10', '--to', '2026-11-11', '--sweep', 'for=5m,10m');
    expect(printed.out).toMatch(
      / 5m +0 +0 +– +– +–\n[\s\S]*\nunknown from 10 Nov 00:00 to 00:00: no samples of mem_usage\n$/,
    );
  });

  it('writes a firing as a story that `rules test` passes', async () => {
    const file = join(dir, 'story.yaml');
    await backtest('memory', ...RANGE, '--story', file, '--episode', '2');
    expect(printed.out).toBe(`wrote ${file}: memory, prod / n2\n`);
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('  prod/n2 role=etcd: 50x4 94x19 50x5\n');
    expect(text).toContain('expect:\n  5m: pending\n  10m: firing\n  25m: resolved (cleared 25m)\n');
    printed.out = '';
    await run(['node', 'bartizan', 'rules', 'test', file]);
    expect(printed.out).toContain('1 passed, 0 failed');
    printed.err = '';
    await backtest('memory', ...RANGE, '--story', file, '--episode', '3');
    expect(printed.err).toContain('there is no firing 3: 2 would have been');
  });

  it('says what is wrong with a rule or a range', async () => {
    await backtest('memry', ...RANGE);
    expect(printed.err).toContain('there is no rule `memry`; did you mean `memory`?');
    printed.err = '';
    await backtest('--from', '2026-11-20T06:00Z', '--to', '2026-11-20T06:00Z');
    expect(printed.err).toContain('the range begins at 2026-11-20 06:00:00, which is not before its end');
    expect(process.exitCode).toBe(1);
  });
});
