// `exec` as a user runs it, through real OpenSSH servers that confine its key as `bartizan keys` prints.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAudit } from '../adapters/audit/read-chain.ts';
import { stopServer } from '../examples/openssh/fleet.ts';
import { until, useServers } from '../test/openssh/servers.ts';
import { createTunnelFixture, type TunnelFixture } from '../test/openssh/tunnel-fixture.ts';
import { loginName } from './actor.ts';

useServers();

const BIN = fileURLToPath(new URL('../bin/bartizan.ts', import.meta.url));
const COMMANDS = `
  - { name: fine, script: "echo out; cat; echo err >&2; exit 7" }
  - { name: quiet, script: "exit 0" }
  - { name: colours, script: "printf '\\\\033[31mred\\\\033[0m\\\\a\\\\n\\\\342\\\\200\\\\256x\\\\n'" }
  - { name: flood, script: "i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); done", maxOutput: 2KiB }
  - { name: slow, script: "echo begun; sleep 60", timeout: 1s }
  - { name: long, script: "echo begun; sleep 30", timeout: 40s }
  - { name: elsewhere, script: "true", where: { role: etcd } }
  - { name: checked, script: "echo checked", where: { node: nobody } }`;

let fixture: TunnelFixture;
beforeAll(async () => {
  const checks = '[{ name: usage, probe: usage }, { name: own, probe: command, command: checked }]';
  fixture = await createTunnelFixture('exec', checks, '127.0.0.2', { commands: COMMANDS });
});
afterAll(() => fixture?.close());

const lastLines = (count: number) => fixture.audit().slice(-count);
const file = () => join(fixture.folder, 'bartizan.yaml');

describe('a script of the catalogue', () => {
  it('runs once, and its output and exit code are those of the command', async () => {
    expect(await fixture.run('exec', 'n1', 'fine')).toEqual({ code: 7, out: 'out\n', err: 'err\n' });
    expect(await fixture.run('exec', 'prod/n1', 'quiet')).toEqual({ code: 0, out: '', err: '' });
    expect(await fixture.run('exec', 'n1', 'checked')).toEqual({ code: 0, out: 'checked\n', err: '' });
  });

  it('has a line in the audit before it starts, and one at its end', async () => {
    await fixture.run('exec', 'n1', 'fine', '--as', 'kim');
    const [bastion, opened, closed] = lastLines(3);
    const who = { kind: 'exec', actor: `cli:${loginName()}`, unverifiedActor: 'kim', bastion: 'gate' };
    expect(bastion).toMatchObject({ ...who, outcome: 'ok' });
    expect(bastion).not.toHaveProperty('target');
    expect(opened).toMatchObject({ ...who, target: 'prod/n1', event: 'opened', outcome: 'opened' });
    expect(closed).toMatchObject({
      ...who,
      target: 'prod/n1',
      event: 'closed',
      connection: opened?.connection,
      command: expect.stringMatching(/^fine@[0-9a-f]{8}$/),
      commandSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      hostKeyFingerprint: expect.stringMatching(/^SHA256:/),
      exitCode: 7,
      outcome: 'ok',
    });
    expect(Number(closed?.bytes)).toBeGreaterThan(7);
    expect(Number(closed?.bytesSent)).toBeGreaterThan(100);
    expect(await verifyAudit(join(fixture.folder, 'data/cli/audit.jsonl'))).toMatchObject({ ok: true });
  });

  it('cannot write to the terminal but text, and JSON has its output as it came', async () => {
    expect((await fixture.run('exec', 'n1', 'colours')).out).toBe(' [31mred [0m \nx\n');
    const { code, out } = await fixture.run('exec', 'n1', 'colours', '--json');
    expect([code, JSON.parse(out)]).toEqual([
      0,
      {
        cluster: 'prod',
        node: 'n1',
        command: 'colours',
        script: expect.stringMatching(/^colours@/),
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        exitCode: 0,
        stdout: '\u001b[31mred\u001b[0m\u0007\n\u202ex\n',
        stderr: '',
      },
    ]);
  });

  it('that prints too much is cut off, and what came is shown', async () => {
    const { code, out, err } = await fixture.run('exec', 'n1', 'flood');
    expect([code, err]).toEqual([255, 'bartizan: prod/n1: cut off after 2048 bytes of output\n']);
    expect(out).toMatch(/^line 0\nline 1\n/);
    expect(out.length).toBeLessThan(2_048);
    expect(lastLines(1)).toMatchObject([{ event: 'closed', outcome: 'output' }]);
  });

  it('that takes too long is ended by `timeout` on the node', async () => {
    expect(await fixture.run('exec', 'n1', 'slow')).toMatchObject({ code: 124, out: 'begun\n' });
  });

  it('ends with Ctrl-C, and the audit has its end', async () => {
    const child = spawn(process.execPath, [BIN, 'exec', 'n1', 'long'], { cwd: fixture.folder });
    let err = '';
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    const lines = fixture.audit().length;
    await until(() => fixture.audit().length >= lines + 2);
    child.kill('SIGINT');
    const [code] = await once(child, 'exit');
    expect([code, err]).toEqual([255, expect.stringMatching(/: stopped by a signal; the script may go on/)]);
    expect(lastLines(1)).toMatchObject([{ event: 'closed', command: expect.stringMatching(/^long@/) }]);
  });
});

describe('is refused in words', () => {
  it.each([
    [
      'a name that is not there',
      ['n1', 'fin'],
      'there is no command fin; there are fine, quiet, colours, flood, slow, long, elsewhere, checked; did you mean fine?\n',
    ],
    [
      'a name unlike any',
      ['n1', 'zzz'],
      'there is no command zzz; there are fine, quiet, colours, flood, slow, long, elsewhere, checked\n',
    ],
    [
      'a command for other nodes',
      ['n1', 'elsewhere'],
      'command elsewhere is not for prod/n1 (role controlplane)',
    ],
    ['a node that is not there', ['n2', 'fine'], 'no node or cluster is called n2'],
  ])('%s', async (_, args, message) => {
    const lines = fixture.audit().length;
    const { code, out, err } = await fixture.run('exec', ...args);
    expect([code, out, err]).toEqual([255, '', expect.stringContaining(`bartizan: ${message}`)]);
    expect(fixture.audit()).toHaveLength(lines);
  });

  it('a script that was changed since the line was installed', async () => {
    const before = readFileSync(file(), 'utf8');
    writeFileSync(file(), before.replace('echo out;', 'echo OUT;'));
    const { code, out, err } = await fixture.run('exec', 'n1', 'fine');
    writeFileSync(file(), before);
    expect([code, out]).toEqual([255, '']);
    expect(err).toMatch(
      /^bartizan: prod\/n1: .*does not allow our script fine@[0-9a-f]{8} \(print it again: `bartizan keys`\)\n$/,
    );
    expect(lastLines(1)).toMatchObject([{ event: 'closed', exitCode: 126, outcome: 'command' }]);
  });

  it('a script of a check that the line does not have yet, by `check --connect` too', async () => {
    const before = readFileSync(file(), 'utf8');
    writeFileSync(file(), before.replace('echo checked', 'echo CHECKED'));
    const { code, out } = await fixture.run('check', '--connect', '--json');
    writeFileSync(file(), before);
    const rows = [JSON.parse(out)].flat().flatMap(({ connect }) => connect) as {
      kind: string;
      detail: string;
    }[];
    expect([code, rows.find(({ kind }) => kind === 'node')?.detail]).toEqual([
      1,
      expect.stringMatching(/; check own: .*checked@[0-9a-f]{8}/),
    ]);
  });

  it('a node with another host key, and in the end one that is gone', async () => {
    const known = join(fixture.folder, 'data/known_hosts');
    const before = readFileSync(known, 'utf8');
    writeFileSync(known, before.replace(/^(\[127\.0\.0\.2\]\S+) .*$/m, `$1 ${fixture.hop.hostKeys[0]}`));
    const changed = await fixture.run('exec', 'n1', 'fine', '--json');
    writeFileSync(known, before);
    expect(changed.err).toMatch(/^bartizan: prod\/n1: host key changed: it shows ssh-ed25519 SHA256:/);
    expect([changed.code, JSON.parse(changed.out).failure.reason]).toEqual([255, 'host-key']);
    await stopServer(fixture.node);
    const { code, err } = await fixture.run('exec', 'n1', 'fine');
    expect([code, err]).toEqual([
      255,
      expect.stringMatching(/^bartizan: prod\/n1: the bastion did not reach 127\.0\.0\.2/),
    ]);
    expect(lastLines(1)).toMatchObject([{ event: 'closed', outcome: 'unreachable' }]);
  });
});
