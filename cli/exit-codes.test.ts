import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { openSqliteStore } from '../adapters/stores/sqlite/store.ts';
import { newKey } from '../localstack/fleet/new-key.ts';
import { notesOf } from './command-notes.ts';
import { CODES } from './exit-codes.fixture.ts';
import { capturePrinted, type Printed } from './printed.fixture.ts';
import { createProgram, run } from './program.ts';

let dir: string;
const file = (name: string) => join(dir, name);
let printed: Printed;
let before: typeof process.exitCode;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-exit-'));
  const base = `bastions: [{ name: gate, host: 127.0.0.1, port: 1, user: u, privateKey: "\${file:key}" }]
clusters: [{ name: prod, bastion: gate, nodes: [{ name: n1, role: etcd, host: 127.0.0.1, user: u }] }]
commands: [{ name: lag, script: echo 1 }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
`;
  writeFileSync(file('key'), newKey(), { mode: 0o600 });
  writeFileSync(file('good.yaml'), base);
  writeFileSync(file('empty.yaml'), `${base}store: { path: none }\n`);
  writeFileSync(file('bad.yaml'), base.replace('bastion: gate', 'bastion: gaet'));
  const story = 'rule: { metric: cpu_usage, above: 90, for: 2m }\nevery: 1m\nsamples: { n: 95x3 }\nexpect:\n';
  writeFileSync(file('holds.yaml'), `${story}  0m: pending\n  2m: firing\n`);
  writeFileSync(file('fails.yaml'), `${story}  0m: pending\n  3m: firing\n`);
  const store = openSqliteStore({ path: file('data') });
  const labels = { cluster: 'prod', node: 'n1', role: 'etcd' };
  await store.write([
    { metric: 'up', labels, timeMs: Date.now() - 1_000, value: 1 },
    { metric: 'load1', labels, timeMs: Date.now() - 3 * 3_600_000, value: 1 },
  ]);
  await store.close();
  await openSqliteState({ path: file('data') }).close();
});
afterAll(() => rmSync(dir, { recursive: true }));

beforeEach(() => {
  before = process.exitCode;
  process.exitCode = undefined;
  // No request to AWS leaves the machine that runs the tests.
  vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:1');
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  printed = capturePrinted();
});
afterEach(() => {
  process.exitCode = before;
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** `@name` is a file in the folder of the test. */
async function exitOf(line: string): Promise<number> {
  const args = line.split(' ').map((arg) => (arg.startsWith('@') ? file(arg.slice(1)) : arg));
  await run(['node', 'bartizan', ...args]);
  return Number(process.exitCode ?? 0);
}

describe('exit codes', () => {
  it.each(CODES)('`%s` exits with %i', async (line, code) => {
    expect(await exitOf(line)).toBe(code);
    if (code === 0) expect(printed.err).toBe('');
    else expect(printed.out + printed.err).not.toBe('');
    if (code === 2) expect(printed.out).toBe('');
  });

  it.each([
    ['query up -w nodde=n1', 'There is no label nodde; did you mean node?'],
    ['silence add -w nodde=n1', 'There is no label nodde; did you mean node?'],
    ['routes test nodde=n1', 'There is no label nodde; did you mean node?'],
    ['query up -w weather=n1', 'There is no label weather; possible: cluster, node, role,'],
    ['query up -w mount=/', 'up has no label mount; possible: cluster, node, role'],
  ])('`%s` prints: %s', async (line, message) => {
    expect(await exitOf(line)).toBe(2);
    expect(printed.err).toContain(message);
  });

  it.each<[string, string | RegExp]>([
    [
      'query load1 -c @good.yaml',
      /no series match within 1h; the newest of load1 is 3h(\d+m)? old: --last reaches back further/,
    ],
    ['query mem_usage -c @good.yaml', 'no series match\n'],
    ['probe pord -c @good.yaml', 'no node or cluster is called pord; did you mean `prod`?'],
    ['notify-test pos -c @good.yaml', 'no channel is called pos; did you mean `ops`?'],
    ['check @absent.yaml', 'there is no such file; `bartizan init` writes one'],
    ['rules test @absent.yaml', 'there is no such file\n'],
  ])('`%s` prints: %s', async (line, message) => {
    expect(await exitOf(line)).toBe(1);
    expect(printed.out + printed.err).toMatch(message);
  });

  it('of every command are tested', async () => {
    const names = (await createProgram()).commands.map((command) => command.name());
    const tried = new Set(CODES.map(([line]) => line.split(' ')[0]));
    expect(names.filter((name) => !tried.has(name))).toEqual(['__complete']);
  });
});

describe('--json', () => {
  it.each([
    ['check @good.yaml @bad.yaml --connect --json', 1],
    ['trust -c @good.yaml --yes --json', 1],
    ['keys -c @good.yaml --json', 0],
    ['catalogue list -c @good.yaml --json', 0],
    ['probe -c @good.yaml --json', 1],
    ['alerts -c @good.yaml --json', 0],
    ['coverage -c @good.yaml --json', 1],
    ['alerts --last 7d -c @good.yaml --json', 0],
    ['silence add -w node=n1 --for 2h --comment swap --json -c @good.yaml', 0],
    ['silence list --json -c @good.yaml', 0],
    ['token add json --selector cluster=prod --expires 1d --json -c @good.yaml', 0],
    ['token list --json -c @good.yaml', 0],
    ['token revoke json --json -c @good.yaml', 0],
    ['query up -c @good.yaml --json', 0],
    ['query mem_usage -c @good.yaml --json', 1],
    ['data check -c @good.yaml --json', 0],
    ['data backup @json.tar -c @good.yaml --json', 0],
    ['data restore @json.tar -c @good.yaml --force --json', 0],
    ['notify-test ops --dry-run -c @good.yaml --json', 0],
    ['notify-test ops -c @good.yaml --json', 1],
    ['routes test rule=memory node=n1 --json -c @good.yaml', 0],
    ['rules test @holds.yaml @fails.yaml @absent.yaml --json', 1],
  ])('`%s` prints one document of the shape in docs/cli.md, and nothing else', async (line, code) => {
    expect(await exitOf(line)).toBe(code);
    const path = line.split(' ').filter((arg) => /^[a-z]/.test(arg));
    const program = await createProgram();
    const first = program.commands.find((command) => command.name() === path[0]);
    const command = first?.commands.find((sub) => sub.name() === path[1]) ?? first;
    const shape = command && notesOf(command)?.json;
    expect(shape?.safeParse(JSON.parse(printed.out)).error).toBeUndefined();
    expect(shape).toBeDefined();
  });

  it('leaves stdout empty when there is no answer', async () => {
    for (const line of [
      'keys --json -c @bad.yaml',
      'alerts --json -c @empty.yaml',
      'trust --json -c @absent.yaml',
    ]) {
      expect(await exitOf(line)).toBe(1);
      expect(printed.out).toBe('');
      expect(printed.err).toMatch(/^bartizan: /);
      printed.err = '';
    }
  });
});

describe('an error that is not in the configuration', () => {
  const broken = () => {
    throw new Error('broken');
  };

  it('names an option that shows more, if the command has it', async () => {
    const before = Object.getOwnPropertyDescriptor(process.stderr, 'isTTY') ?? { value: undefined };
    Object.defineProperty(process.stderr, 'isTTY', { configurable: true, get: broken });
    expect(await exitOf('up -c @good.yaml')).toBe(1);
    Object.defineProperty(process.stderr, 'isTTY', { configurable: true, ...before });
    expect(printed.err).toMatch(
      /bartizan: broken\n\(this is not an error of the configuration; `--log-level debug` shows more\)\n$/,
    );
  });

  it('names it for no other command', async () => {
    vi.spyOn(process.stdout, 'write').mockImplementation(broken);
    expect(await exitOf('keys -c @good.yaml')).toBe(1);
    expect(printed.err).toBe('bartizan: broken\n(this is not an error of the configuration)\n');
  });
});
