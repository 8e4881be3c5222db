import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { chainKeeper } from '../adapters/audit/chain-state.ts';
import { AUDITS } from '../adapters/audit/data-folder.ts';
import { createAuditFile } from '../adapters/audit/file.ts';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import type { AuditAction, AuditEntry } from '../core/model/audit.ts';
import { momentArgument } from './moment-argument.ts';
import { run } from './program.ts';
import { withState } from './state-access.ts';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 30, 12);
let dir: string;
let out: string;
let err: string;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW, toFake: ['Date'] });
  dir = mkdtempSync(join(tmpdir(), 'bartizan-cli-audit-'));
  writeFileSync(
    join(dir, 'bartizan.yaml'),
    `bastions: [{ name: b, host: b, user: u, privateKey: "\${file:k}" }]
clusters: [{ name: c, bastion: b, nodes: [{ name: n, role: etcd, host: h }] }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
schedule: { timeZone: UTC }
store: { path: . }
`,
  );
  [out, err] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  process.exitCode = undefined;
  rmSync(dir, { recursive: true, force: true });
});

async function bartizan(...args: string[]): Promise<number> {
  [out, err] = ['', ''];
  process.exitCode = undefined;
  await run(['node', 'bartizan', 'audit', ...args, '-c', join(dir, 'bartizan.yaml')]);
  return Number(process.exitCode ?? 0);
}

const access = (hoursAgo: number, more: Partial<AuditEntry> = {}): AuditEntry => ({
  atMs: NOW - hoursAgo * HOUR,
  kind: 'probe',
  actor: 'bartizan',
  bastion: 'seoul',
  target: 'prod/n1',
  durationMs: 12,
  bytes: 900,
  outcome: 'ok',
  ...more,
});

/** Writes into the audit of a writer, and lets state keep the head. */
async function write(
  writer: 'local' | 'cli' | 'cli-actions',
  entries: readonly (AuditEntry | AuditAction)[],
  rotateAtBytes = 1e6,
): Promise<void> {
  const name = AUDITS.find((one) => one.writer === writer)?.file ?? '';
  await withState(openSqliteState({ path: dir }), async (state) => {
    const file = join(dir, name);
    const keeper = chainKeeper(state, writer);
    const audit = await createAuditFile({ file, writer, keeper, gatherMs: 0, rotateAtBytes });
    for (const entry of entries) await audit.append([entry]);
    const { sequence, hash } = audit.head();
    await state.putAuditHead(writer, { sequence, hash, atMs: NOW });
    await audit.close();
  });
}
const file = () => join(dir, 'audit.jsonl');
const targets = () =>
  out
    .trimEnd()
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line).target]));

describe('`audit list`', () => {
  beforeEach(async () => {
    await write('local', [
      access(50, { target: 'prod/n1' }),
      access(30, { target: 'prod/n2', outcome: 'timeout' }),
      access(20, { target: 'test/n1', bastion: 'busan' }),
      access(5, { target: 'prod/n3', durationMs: 4 * HOUR }),
    ]);
    await write('cli', [
      access(10, {
        target: 'prod/n1',
        kind: 'exec',
        actor: 'cli:kim',
        unverifiedActor: 'lee',
        command: 'df@1',
      }),
      access(3, { target: 'prod/n9', kind: 'tunnel', actor: 'cli:kim', event: 'closed', connection: 'x1' }),
    ]);
    await write('cli-actions', [
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
    expect(await bartizan('list', '--json', ...args)).toBe(0);
    expect(targets()).toEqual(expected);
  });

  it('prints a table, in which a name that nobody verified is marked', async () => {
    await bartizan('list', '--since', '12h');
    expect(out).toMatchInlineSnapshot(`
      "TIME      KIND           ACTOR            BASTION  NODE     WHAT    BYTES  TOOK  OUTCOME
      02:00:00  exec           cli:kim as lee?  seoul    prod/n1  df@1      900  12ms  ok
      07:00:00  probe          bartizan         seoul    prod/n3            900    4h  ok
      09:00:00  tunnel         cli:kim          seoul    prod/n9  closed    900  12ms  ok
      11:00:00  silence-added  cli:kim                            quiet                ok
      "
    `);
  });

  it('says when there are more lines, and when nothing was found', async () => {
    await bartizan('list', '-n', '3');
    expect(err).toBe('bartizan: these are the newest 3; --last or --since shows others\n');
    await bartizan('list', '--node', 'nobody');
    expect([out, err]).toEqual(['no such line\n', '']);
  });

  it('counts lines that it cannot read, and not the one that is being written', async () => {
    appendFileSync(file(), 'garbage\n{"sequence":9');
    await bartizan('list', '--json');
    expect(targets()).toHaveLength(7);
    expect(err).toBe('bartizan: 1 lines or files cannot be read; `bartizan audit verify` says which\n');
  });

  it('shows nothing that controls the terminal', async () => {
    await write('local', [access(1, { target: 'prod/n\u001b[31m1\u202e', command: 'a\u0007\u009b2J' })]);
    await bartizan('list', '-n', '1');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  it.each([
    [['--since', 'yesterday'], 'Write how long ago'],
    [['--since', '2026-02-31T99:00'], 'There is no such time'],
    [['--last', '0'], 'a number from 1 to 100000'],
    [['--last', 'ten'], 'a number from 1 to 100000'],
    [['--node', ''], 'An empty glob matches nothing'],
    [['--outcome', '!'], 'An empty glob matches nothing'],
  ])('refuses %j in words', async (args, words) => {
    expect(await bartizan('list', ...args)).toBe(2);
    expect(err).toContain(words);
  });
});

describe('lines in rotated files', () => {
  const many = Array.from({ length: 30 }, (_, i) => access(48 - i, { target: `prod/n${i}` }));
  beforeEach(() => write('local', many, 1_500));

  it('are found from the newest file on', async () => {
    expect(readdirSync(dir).filter((name) => name.startsWith('audit.')).length).toBeGreaterThan(5);
    await bartizan('list', '--json', '--last', '4');
    expect(targets()).toEqual(['prod/n26', 'prod/n27', 'prod/n28', 'prod/n29']);
    expect(err).toContain('newest 4');
    await bartizan('list', '--json', '--last', '30');
    expect([targets().length, err]).toEqual([30, '']);
    await bartizan('list', '--json', '--since', '22h', '--until', '20h');
    expect(targets()).toEqual(['prod/n26', 'prod/n27', 'prod/n28']);
  });

  it('are exported as they are, the oldest first', async () => {
    expect(await bartizan('export')).toBe(0);
    const names = readdirSync(dir)
      .filter((name) => /^audit\.\d+\.jsonl$/.test(name))
      .sort();
    const all = [...names, 'audit.jsonl'].map((name) => readFileSync(join(dir, name), 'utf8'));
    expect(out).toBe(all.join(''));
    await bartizan('export', '--since', '20h', '--node', 'n2?');
    expect(targets()).toEqual(['prod/n28', 'prod/n29']);
  });

  it('are not exported further than their reader reads', () => {
    vi.restoreAllMocks();
    const bin = fileURLToPath(new URL('../bin/bartizan.ts', import.meta.url));
    const command = `"${process.execPath}" "${bin}" audit export -c "${dir}/bartizan.yaml" | head -n 1`;
    const text = execFileSync('bash', ['-o', 'pipefail', '-c', command], { encoding: 'utf8' });
    expect(JSON.parse(text).target).toBe('prod/n0');
  });
});

describe('`audit verify`', () => {
  it('finds no audit in a folder without one', async () => {
    expect(await bartizan('verify')).toBe(0);
    expect(out).toContain('none');
  });

  it('passes sound audits, and says what is anchored', async () => {
    await write('local', [access(2), access(1)]);
    await write('cli', [access(1, { kind: 'trust' })]);
    expect(await bartizan('verify')).toBe(0);
    expect(out.split('\n').map((line) => line.trim())).toEqual([
      expect.stringMatching(/^AUDIT +STATE +LINES +ENTRIES +ANCHOR$/),
      'audit.jsonl              fine   1–2          2  line 2, 2026-11-30 12:00:00',
      'cli/audit.jsonl          fine   1–1          1  line 1, 2026-11-30 12:00:00',
      'cli/actions/audit.jsonl  none                0  none',
      '',
    ]);
  });

  it('shows what is wrong, where, and exits with 1', async () => {
    await write('local', [access(3), access(2), access(1)]);
    writeFileSync(file(), readFileSync(file(), 'utf8').replace('"sequence":2,', '"sequence":2, '));
    expect(await bartizan('verify')).toBe(1);
    expect(out).toMatch(/^audit\.jsonl +broken/m);
    expect(out).toMatch(/^audit\.jsonl +2 {2}changed +changed, or not finished/m);
    expect(await bartizan('verify', '--json')).toBe(1);
    const [report] = JSON.parse(out);
    expect(report).toMatchObject({
      state: 'broken',
      ok: false,
      problems: [{ kind: 'changed' }, { kind: 'missing' }],
    });
  });

  it.each([
    ['is gone', () => rmSync(file()), /missing or empty, but line 2 was there/],
    [
      'lost its end',
      () => writeFileSync(file(), `${readFileSync(file(), 'utf8').split('\n')[0]}\n`),
      /ends with line 1/,
    ],
  ])('shows an audit that %s', async (_, tamper, words) => {
    await write('local', [access(2), access(1)]);
    tamper();
    expect(await bartizan('verify')).toBe(1);
    expect(out).toMatch(words);
  });

  it('shows a new beginning until somebody acknowledges it, which leaves a line', async () => {
    await write('local', [access(2), access(1)]);
    writeFileSync(file(), '');
    await write('local', [access(0)]);
    expect(await bartizan('verify')).toBe(1);
    expect(out).toMatch(/^audit\.jsonl +fine +3–4/m);
    expect(out).toContain(
      'audit.jsonl began anew at 2026-11-30 12:00:00: audit.jsonl: it is missing or empty',
    );
    expect(out).toContain('Nothing was left to keep.');
    expect(await bartizan('acknowledge')).toBe(0);
    expect(out).toBe('acknowledged: audit.jsonl from line 3\n');
    expect(await bartizan('verify')).toBe(0);
    await bartizan('acknowledge');
    expect(out).toBe('no audit began anew\n');
    await bartizan('list', '--kind', 'audit-acknowledged', '--json');
    expect(JSON.parse(out)).toMatchObject({
      subject: 'audit',
      detail: 'audit.jsonl from line 3',
      outcome: 'ok',
    });
  });

  it('verifies a copy elsewhere in itself', async () => {
    await write('local', [access(2), access(1)]);
    const copy = join(dir, 'copies/audit.jsonl');
    mkdirSync(dirname(copy));
    writeFileSync(copy, readFileSync(file()));
    expect(await bartizan('verify', '--file', copy)).toBe(0);
    expect(out).toContain('unanchored');
    appendFileSync(copy, 'x\n');
    expect(await bartizan('verify', '--file', copy)).toBe(1);
  });

  it('is part of `data check`', async () => {
    await write('local', [access(2), access(1)]);
    rmSync(file());
    await run(['node', 'bartizan', 'data', 'check', '-c', join(dir, 'bartizan.yaml')]);
    expect(process.exitCode).toBe(1);
    expect(out).toMatch(
      /^audit\.jsonl +damaged +line 0: it is missing or empty.*`bartizan audit verify` says more/m,
    );
  });

  it('needs no state, and makes none', async () => {
    await write('local', [access(1)]);
    for (const name of readdirSync(dir)) if (name.startsWith('state.db')) rmSync(join(dir, name));
    expect(await bartizan('verify')).toBe(0);
    expect(out).toMatch(/^audit\.jsonl +unanchored/m);
    expect(existsSync(join(dir, 'state.db'))).toBe(false);
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
