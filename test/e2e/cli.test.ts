// The commands of daily use, run as a user does, beside a running `up`, over a fleet that speaks SSH. All tests share
// one `up`.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, secretsFor } from '../../cli/config-file.ts';
import { alertsShape, probeShape, trustShape } from '../../cli/json-shapes.ts';
import { type Bartizan, startBartizan } from '../../local/up.ts';
import { type Fleet, startFleet } from '../../localstack/fleet/fleet.ts';
import { createRecordingLogger } from '../recording-logger.ts';

const bin = fileURLToPath(new URL('../../bin/bartizan.ts', import.meta.url));
let dir: string;
let fleet: Fleet;
let bartizan: Bartizan;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-cli-'));
  fleet = await startFleet({
    dir: join(dir, 'nodes'),
    nodes: [
      { name: 'n1', seed: 1, memory: () => 95 },
      { name: '노드-2', seed: 2, memory: () => 40 },
    ],
  });
  writeFileSync(join(dir, 'key'), fleet.privateKey, { mode: 0o600 });
  mkdirSync(join(dir, 'data'));
  writeFileSync(join(dir, 'data/known_hosts'), fleet.knownHosts);
  writeFileSync(
    join(dir, 'bartizan.yaml'),
    `
bastions: [{ name: gate, host: 127.0.0.1, port: ${fleet.bastion.port}, user: probe, privateKey: "\${file:key}" }]
clusters:
  - name: prod
    bastion: gate
    nodes:
      - { name: n1, role: etcd, host: 127.0.0.1, port: ${fleet.nodes[0]?.port}, user: probe }
      - { name: 노드-2, role: etcd, host: 127.0.0.1, port: ${fleet.nodes[1]?.port}, user: probe }
checks: [{ name: usage, probe: usage, every: 1s }]
rules:
  - { name: memory, title: Memory, metric: mem_usage, above: 90, for: 1s, severity: critical }
  - { name: patience, metric: mem_usage, above: 90, for: 1h }
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
store: { path: data }
schedule: { jitter: 0s }
server: { listen: "127.0.0.1:0" }
`,
  );
  const file = join(dir, 'bartizan.yaml');
  const { config } = await loadConfig(file);
  const { promise: firing, resolve: fired } = Promise.withResolvers<void>();
  bartizan = await startBartizan({
    config,
    secrets: secretsFor(file),
    logger: createRecordingLogger(),
    onRound: ({ transitions }) => transitions.some((transition) => transition.kind === 'firing') && fired(),
  });
  await firing;
});

afterAll(async () => {
  await bartizan?.stop();
  await fleet?.stop();
  rmSync(dir, { recursive: true, force: true });
});

interface Outcome {
  code: number;
  out: string;
  err: string;
}

function run(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], { cwd: dir }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

describe('bartizan probe', () => {
  it('prints one row for each node', async () => {
    const { code, out } = await run('probe');
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^CLUSTER +NODE +ROLE +STATE +CPU +MEM/);
    expect(lines[1]).toMatch(/^prod +n1 +etcd +up +\d.*%.* 95%.* 3\d(\.\d)?% \/ +\d+ ms$/);
    expect(lines[2]).toMatch(/^prod +노드-2 +etcd +up .* 40%/);
  });

  it('probes only the named nodes, and prints JSON on request', async () => {
    const { code, out } = await run('probe', 'prod/노드-*', '--json');
    expect(code).toBe(0);
    const [batch] = JSON.parse(out);
    expect(probeShape.safeParse([batch]).error).toBeUndefined();
    expect(batch.nodes.map((node: { node: string; ok: boolean }) => [node.node, node.ok])).toEqual([
      ['노드-2', true],
    ]);
    expect(batch.samples.find((s: { metric: string }) => s.metric === 'mem_usage').value).toBeCloseTo(40, 1);
  });

  it('suggests a name when one is unknown', async () => {
    const { code, err } = await run('probe', 'produ');
    expect(code).toBe(1);
    expect(err).toContain('no node or cluster is called produ; did you mean `prod`?');
    expect((await run('probe', 'elsewhere')).err).toContain('is called elsewhere; clusters are: `prod`');
  });
});

describe('bartizan alerts', () => {
  it('lists firing alerts before pending ones, with their newest value, and exits with 1 while an alert fires', async () => {
    const { code, out } = await run('alerts');
    expect(code).toBe(1);
    const lines = out.trimEnd().split('\n');
    expect(lines[1]).toMatch(
      /^firing +critical +memory +cluster=prod node=n1 role=etcd +95% +\d+s +\d+s +(?:being sent|NOT SENT for .*ops, .*) +memory-\w+$/,
    );
    expect(lines[2]).toMatch(/^pending +warning +patience +cluster=prod node=n1/);
    expect(lines).toHaveLength(3);
  });

  it('prints all fields as JSON', async () => {
    const { out } = await run('alerts', '--json');
    expect(alertsShape.safeParse(JSON.parse(out)).error).toBeUndefined();
    expect(JSON.parse(out)[0]).toMatchObject({ rule: 'memory', status: 'firing', labels: { node: 'n1' } });
  });
});

describe('bartizan silence', () => {
  it('acknowledges an alert beside a running `up`, and takes that back', async () => {
    const [alert] = JSON.parse((await run('alerts', '--json')).out);
    const added = await run('silence', 'add', '--alert', alert.id, '--author', 'ann', '--comment', 'on it');
    expect(added).toMatchObject({ code: 0, err: '' });
    expect((await run('alerts')).out).toMatch(/memory .*silenced until it resolves \([0-9a-f]{8}\) +memory-/);
    const [silence] = JSON.parse((await run('silence', 'list', '--json')).out);
    expect(silence).toMatchObject({ alertId: alert.id, author: 'ann', state: 'active' });
    expect((await run('silence', 'expire', silence.id)).code).toBe(0);
    expect((await run('silence', 'list')).out).toBe('there are no silences\n');
  });
});

describe('bartizan query', () => {
  it('prints one row for each series', async () => {
    const { code, out } = await run('query', 'mem_usage', '--last', '10m', '--where', 'node=n*');
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines[1]).toMatch(/^mem_usage +cluster=prod node=n1 role=etcd +95% +\w+ +95% +95% +95% +\d+$/);
    expect(lines).toHaveLength(2);
  });

  it('prints every point with --points', async () => {
    const { out } = await run('query', 'up', '--points');
    expect(out.split('\n')[1]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +up +cluster=prod .* up$/);
  });

  it.each([
    [['query', 'mem_usag'], 2, 'There is no such metric; did you mean mem_usage?'],
    [['query', 'up', '-w', 'node'], 2, "'node' is invalid. Write label=glob"],
    [['query', 'up', '-l', '1 hour'], 2, 'did you mean `1h`?'],
    [['query', 'up', '-l', '0s'], 2, 'It must be longer than 0s'],
    [['query', 'up', '--plot', '--json'], 2, "option '--plot' cannot be used with option '--json'"],
    [['query', 'up', '-c', 'none.yaml'], 1, 'none.yaml: there is no such file'],
    [['query', 'up', '-w', 'node=other'], 1, 'no series match'],
    [['query', 'up', '--png', 'no/such.png'], 1, 'no/such.png cannot be written (ENOENT)'],
  ])('explains what is wrong with %j', async (args, exit, text) => {
    const { code, err } = await run(...args);
    expect(err).toContain(text);
    expect(code).toBe(exit);
  });

  it('plots in the terminal: without colours each series has a letter, and each node has a strip of its states', async () => {
    const { code, out } = await run('query', 'mem_usage', 'up', '--plot');
    expect(code).toBe(0);
    expect(out).toMatch(/^Memory usage\nmem_usage · cluster prod · 2 series · last \S+ · UTC$/m);
    expect(out).toMatch(/^100% ┤/m);
    expect(out).toMatch(/^a n1 95% {3}b 노드-2 40%$/m);
    // On a busy machine some probes time out, and the strip shows these rounds as down.
    expect(out).toMatch(/^노드-2 │[ █▁▄]*█[ █▁▄]* (up|down)$/m);
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('writes pictures, one for each metric', async () => {
    const { code, out } = await run('query', 'mem_usage', 'load1', '--png', 'fleet.png');
    expect(code).toBe(0);
    expect(out).toMatch(/^wrote fleet-mem_usage.png: Memory usage; .*\nwrote fleet-load1.png: Load 1m; /);
    expect(readFileSync(join(dir, 'fleet-load1.png')).subarray(1, 4).toString()).toBe('PNG');
  });
});

describe('bartizan check --connect', () => {
  it('prints one row for each connection, and what to do about the channel that does not answer', async () => {
    const { code, out } = await run('check', '--connect');
    expect(code).toBe(1);
    const states = [...out.matchAll(/^(ok|failed|warning|unknown) +(\S+) +(\S+) /gm)].map((row) =>
      row.slice(1),
    );
    expect(states).toEqual([
      ['ok', 'data', 'store.path'],
      // The key of the fleet has more rights than probing needs.
      ['warning', 'bastion', 'gate'],
      ['ok', 'node', 'prod/n1'],
      ['ok', 'node', 'prod/노드-2'],
      ['failed', 'channel', 'ops'],
    ]);
    expect(out).toMatch(/^channel ops\n {2}its service must be reachable from here/m);
    expect(out).toMatch(/^3 ok, 1 warning, 1 failed$/m);
  });
});

describe('bartizan trust', () => {
  it('learns nothing when all keys are known, and prints their number', async () => {
    const { code, out } = await run('trust', '--yes');
    expect([code, out]).toEqual([0, '3 already known\n']);
  });

  it('learns an unknown key, and reports it as JSON', async () => {
    const known = readFileSync(join(dir, 'data/known_hosts'), 'utf8');
    writeFileSync(join(dir, 'data/known_hosts'), known.split('\n').slice(0, 2).join('\n'));
    const { code, out } = await run('trust', '--yes', '--json', 'prod/노드-2');
    expect(code).toBe(0);
    const report = trustShape.parse(JSON.parse(out));
    expect(report.shown.map(({ what, outcome }) => [what, outcome])).toEqual([
      ['bastion gate', 'already known'],
      ['prod/노드-2', 'learned'],
    ]);
    writeFileSync(join(dir, 'data/known_hosts'), known);
  });

  it('replaces a key without a prompt when the fingerprint is on the command line, and prints that command', async () => {
    const file = join(dir, 'data/known_hosts');
    const known = readFileSync(file, 'utf8');
    const [n1, n2] = fleet.nodes.map(({ hostKey }) => hostKey) as [string, string];
    writeFileSync(file, known.replace(n1, n2));
    const refused = await run('trust', '--replace', '--yes', 'prod/n1');
    expect(refused.code).toBe(1);
    const [, command = ''] =
      /`bartizan (trust --replace --fingerprint \S+ prod\/n1)`/.exec(refused.err) ?? [];
    const replaced = await run(...command.split(' '));
    expect([replaced.code, replaced.out]).toEqual([0, expect.stringContaining('1 learned, 1 already known')]);
    expect(readFileSync(file, 'utf8')).toContain(n1);
    const again = await run(...command.split(' '));
    expect([again.code, again.out, again.err]).toEqual([0, '2 already known\n', '']);
    expect((await run('trust', '--fingerprint', 'MD5:aa')).code).toBe(2);
    writeFileSync(file, known);
  });
});

describe('bartizan notify-test', () => {
  it('with --dry-run prints the message, and sends nothing', async () => {
    const { code, out } = await run('notify-test', 'ops', '--dry-run');
    expect(code).toBe(0);
    const body = JSON.parse(out);
    expect(body).toMatchObject({ version: 1, status: 'firing', channel: 'ops' });
    expect(body.picture.base64).toMatch(/^\(\d{5,} bytes\)$/);
  });

  it('prints why a message was not delivered, and which channels exist', async () => {
    const refused = await run('notify-test', 'ops', '--resolved');
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringContaining('ops (Webhook): not delivered; cannot reach 127.0.0.1:1'),
    ]);
    const unknown = await run('notify-test', 'pos');
    expect(unknown.err).toContain('no channel is called pos; did you mean `ops`?');
  });
});

describe('bartizan', () => {
  it('refuses a second `up` on the same data', async () => {
    const { code, err } = await run('up');
    expect(code).toBe(1);
    expect(err).toContain('another bartizan process runs on');
  });

  it.each([
    [['--help'], 0, 'Start here:'],
    [['probe', '--help'], 0, 'Examples:'],
    [['prob'], 2, 'Did you mean probe?'],
    [['up', '--log-level', 'loud'], 2, 'debug, info, warn, error, silent'],
  ])('%j exits with %i', async (args, code, text) => {
    const result = await run(...args);
    expect([result.code, result.out + result.err]).toEqual([code, expect.stringContaining(text)]);
  });
});
