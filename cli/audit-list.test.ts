import { execFileSync } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { access, createAuditFolder, HOUR, NOW } from '../test/audit-fixture.ts';
import { momentArgument } from './moment-argument.ts';

let folder: ReturnType<typeof createAuditFolder>;
beforeEach(() => {
  folder = createAuditFolder();
});
afterEach(() => folder.stop());

describe('`audit list`', () => {
  beforeEach(async () => {
    await folder.write('local', [
      access(50, { target: 'prod/n1' }),
      access(30, { target: 'prod/n2', outcome: 'timeout' }),
      access(20, { target: 'test/n1', bastion: 'busan' }),
      access(5, { target: 'prod/n3', durationMs: 4 * HOUR }),
    ]);
    await folder.write('cli', [
      access(10, {
        target: 'prod/n1',
        kind: 'exec',
        actor: 'cli:kim',
        unverifiedActor: 'lee',
        command: 'df@1',
      }),
      access(3, { target: 'prod/n9', kind: 'tunnel', actor: 'cli:kim', event: 'closed', connection: 'x1' }),
    ]);
    await folder.write('cli-actions', [
      {
        atMs: NOW - HOUR,
        actor: 'cli:kim',
        action: 'silence-added',
        subject: 's',
        detail: 'quiet',
        outcome: 'ok',
      },
    ]);
  });

  it.each<[string[], (string | undefined)[]]>([
    [[], ['prod/n1', 'prod/n2', 'test/n1', 'prod/n1', 'prod/n3', 'prod/n9', undefined]],
    [
      ['--last', '2'],
      ['prod/n9', undefined],
    ],
    [
      ['--node', 'n1'],
      ['prod/n1', 'test/n1', 'prod/n1'],
    ],
    [
      ['--node', 'prod/n1'],
      ['prod/n1', 'prod/n1'],
    ],
    [['--node', 'test'], ['test/n1']],
    [['--node', 'prod/n?', '--outcome', '!ok'], ['prod/n2']],
    [
      ['--node', 'n2', '--node', 'n3'],
      ['prod/n2', 'prod/n3'],
    ],
    [
      ['--actor', 'cli:*'],
      ['prod/n1', 'prod/n9', undefined],
    ],
    [['--actor', 'lee'], ['prod/n1']],
    [
      ['--kind', 'exec', '--kind', 'silence-*'],
      ['prod/n1', undefined],
    ],
    [['--kind', 'closed'], ['prod/n9']],
    [['--bastion', 'busan'], ['test/n1']],
    [['--outcome', 'timeout'], ['prod/n2']],
    // It began five hours ago, and ended one hour ago.
    [
      ['--since', '2h'],
      ['prod/n3', undefined],
    ],
    [
      ['--since', '2026-11-29T12:00Z', '--until', '2026-11-30T03:00Z'],
      ['test/n1', 'prod/n1'],
    ],
    [['--until', '40h'], ['prod/n1']],
  ])('%j finds lines of all audits, in their order', async (args, expected) => {
    expect(await folder.bartizan('audit', 'list', '--json', ...args)).toBe(0);
    expect(folder.targets()).toEqual(expected);
  });

  it('prints a table, in which a name that nobody verified is marked', async () => {
    await folder.bartizan('audit', 'list', '--since', '12h');
    expect(folder.printed.out).toMatchInlineSnapshot(`
      "TIME      KIND           ACTOR            BASTION  NODE     WHAT    BYTES  TOOK  OUTCOME
      02:00:00  exec           cli:kim as lee?  seoul    prod/n1  df@1      900  12ms  ok
      07:00:00  probe          bartizan         seoul    prod/n3            900    4h  ok
      09:00:00  tunnel         cli:kim          seoul    prod/n9  closed    900  12ms  ok
      11:00:00  silence-added  cli:kim                            quiet                ok
      "
    `);
  });

  it('says when there are more lines, and when nothing was found', async () => {
    await folder.bartizan('audit', 'list', '-n', '3');
    expect(folder.printed.err).toBe('bartizan: these are the newest 3; --last or --since shows others\n');
    await folder.bartizan('audit', 'list', '--node', 'nobody');
    expect([folder.printed.out, folder.printed.err]).toEqual(['no such line\n', '']);
  });

  it('counts lines that it cannot read, and not the one that is being written', async () => {
    appendFileSync(folder.file, 'garbage\n{"sequence":9');
    await folder.bartizan('audit', 'list', '--json');
    expect(folder.targets()).toHaveLength(7);
    expect(folder.printed.err).toBe(
      'bartizan: 1 lines or files cannot be read; `bartizan audit verify` says which\n',
    );
  });

  it('shows nothing that controls the terminal', async () => {
    await folder.write('local', [
      access(1, { target: 'prod/n\u001b[31m1\u202e', command: 'a\u0007\u009b2J' }),
    ]);
    await folder.bartizan('audit', 'list', '-n', '1');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
    expect(folder.printed.out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  it.each([
    [['--since', 'yesterday'], 'Write how long ago'],
    [['--since', '2026-02-31T99:00'], 'There is no such time'],
    [['--last', '0'], 'a number from 1 to 100000'],
    [['--last', 'ten'], 'a number from 1 to 100000'],
    [['--node', ''], 'An empty glob matches nothing'],
    [['--outcome', '!'], 'An empty glob matches nothing'],
  ])('refuses %j in expected', async (args, expected) => {
    expect(await folder.bartizan('audit', 'list', ...args)).toBe(2);
    expect(folder.printed.err).toContain(expected);
  });
});

describe('lines in rotated files', () => {
  const many = Array.from({ length: 30 }, (_, i) => access(48 - i, { target: `prod/n${i}` }));
  beforeEach(() => folder.write('local', many, 1_500));

  it('are found from the newest file on', async () => {
    expect(readdirSync(folder.dir).filter((name) => name.startsWith('audit.')).length).toBeGreaterThan(5);
    await folder.bartizan('audit', 'list', '--json', '--last', '4');
    expect(folder.targets()).toEqual(['prod/n26', 'prod/n27', 'prod/n28', 'prod/n29']);
    expect(folder.printed.err).toContain('newest 4');
    await folder.bartizan('audit', 'list', '--json', '--last', '30');
    expect([folder.targets().length, folder.printed.err]).toEqual([30, '']);
    await folder.bartizan('audit', 'list', '--json', '--since', '22h', '--until', '20h');
    expect(folder.targets()).toEqual(['prod/n26', 'prod/n27', 'prod/n28']);
  });

  it('are exported as they are, the oldest first', async () => {
    expect(await folder.bartizan('audit', 'export')).toBe(0);
    const names = readdirSync(folder.dir)
      .filter((name) => /^audit\.\d+\.jsonl$/.test(name))
      .sort();
    const all = [...names, 'audit.jsonl'].map((name) => readFileSync(join(folder.dir, name), 'utf8'));
    expect(folder.printed.out).toBe(all.join(''));
    await folder.bartizan('audit', 'export', '--since', '20h', '--node', 'n2?');
    expect(folder.targets()).toEqual(['prod/n28', 'prod/n29']);
  });

  it('are not exported further than their reader reads', () => {
    vi.restoreAllMocks();
    const bin = fileURLToPath(new URL('../bin/bartizan.ts', import.meta.url));
    const command = `"${process.execPath}" "${bin}" audit export -c "${folder.dir}/bartizan.yaml" | head -n 1`;
    const text = execFileSync('bash', ['-o', 'pipefail', '-c', command], { encoding: 'utf8' });
    expect(JSON.parse(text).target).toBe('prod/n0');
  });
});

it.each([
  ['2h', NOW - 2 * HOUR],
  ['2026-11-30T10:00Z', NOW - 2 * HOUR],
  ['2026-11-30 10:00:00Z', NOW - 2 * HOUR],
  ['2026-11-30T19:00+09:00', NOW - 2 * HOUR],
  ['2026-11-30', new Date(2026, 10, 30).getTime()],
  ['2026-11-30T10:00', new Date(2026, 10, 30, 10).getTime()],
])('reads the time %s', (text, expected) => {
  expect(momentArgument(text, NOW)).toBe(expected);
});
