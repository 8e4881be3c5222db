// The first hour over OpenSSH's servers: from an empty folder to a running `up`.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createFleet, type Fleet, type Server, stopServer } from '../examples/openssh/fleet.ts';
import { freePort } from '../localstack/free-port.ts';
import { until } from '../test/until.ts';

const PROGRAM = join(import.meta.dirname, '../bin/bartizan.ts');
/** Gives the command a terminal, which reads what comes from our pipe. */
const TERMINAL = ['-c', 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))'];

let dir: string;
let fleet: Fleet;
let bastion: Server;
let node: Server;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-hour-'));
  fleet = createFleet(join(dir, 'fleet'));
  bastion = await fleet.start({ name: 'gate', host: '127.0.0.1', port: await freePort() });
  node = await fleet.start({ name: 'n1', host: '127.0.0.2', port: await freePort() });
});
afterAll(async () => {
  await fleet?.stop();
  rmSync(dir, { recursive: true, force: true });
});

interface Running {
  child: ChildProcess;
  text: () => string;
  code: Promise<number | null>;
}

function start(folder: string, program: string, args: readonly string[]): Running {
  mkdirSync(join(dir, folder), { recursive: true });
  // What starts vitest may hold an agent, and a home folder with keys.
  const env = { ...process.env, HOME: join(dir, folder), SSH_AUTH_SOCK: '', NO_COLOR: '1' };
  const child = spawn(program, args, { cwd: join(dir, folder), env });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += String(data)));
  return { child, text: () => text, code: new Promise((done) => child.once('close', done)) };
}

const bartizan = (folder: string, ...args: string[]) => start(folder, process.execPath, [PROGRAM, ...args]);
const atTerminal = (folder: string, ...args: string[]) =>
  start(folder, 'python3', [...TERMINAL, process.execPath, PROGRAM, ...args]);

/** Waits for output, as long as the command runs. */
async function waitForOutput(running: Running, expected: string): Promise<void> {
  const { child, text } = running;
  await until(expected, () => text().includes(expected) || child.exitCode !== null, { seen: text });
  expect(text()).toContain(expected);
}

async function type(to: Running, prompt: string, answer: string): Promise<void> {
  await waitForOutput(to, prompt);
  to.child.stdin?.write(answer);
}

const at = ({ host, port }: Server) => `${fleet.user}@${host}:${port}`;

it('asks a person, learns host keys, connects, probes, and leaves a configuration that `up` runs', async () => {
  const init = atTerminal('asked', 'init');
  await type(init, 'Bastion (host, or user@host:port): ', `ga te\n`);
  await type(init, 'this is no host name', `${bastion.host}:${bastion.port}\n`);
  await type(init, 'User there', `${fleet.user}\n`);
  await type(init, 'Private key: ', `${fleet.key('ed25519')}\n`);
  await type(init, 'A node, as the bastion reaches it', `${node.host}:${node.port}\n`);
  await type(init, `bastion bastion (${bastion.host}:${bastion.port}) shows ssh-ed25519`, 'y\n');
  await type(init, `prod/node-1 (${node.host}:${node.port}) shows ssh-ed25519`, 'y\n');
  expect([await init.code, init.text()]).toEqual([0, expect.stringMatching(/bartizan\.yaml works/)]);
  expect(init.text()).toMatch(/prod +node-1 +controlplane +up /);

  // Another program may have the default port.
  appendFileSync(join(dir, 'asked/bartizan.yaml'), 'server: { listen: "127.0.0.1:0" }\n');
  const up = bartizan('asked', 'up');
  await waitForOutput(up, 'bartizan is up');
  up.child.kill('SIGTERM');
  expect([await up.code, up.text()]).toEqual([0, expect.stringContaining('stopped')]);
});

it('leaves no file when Ctrl-C ends its questions', async () => {
  const init = atTerminal('interrupted', 'init');
  await type(init, 'Bastion (host, or user@host:port): ', `${at(bastion)}\n`);
  await type(init, 'Private key: ', '\x03');
  expect([await init.code, init.text()]).toEqual([
    1,
    expect.stringContaining('stopped; nothing was written'),
  ]);
  expect(readdirSync(join(dir, 'interrupted'))).toEqual([]);
});

it.each([[], ['--yes']])('ends at Ctrl-C while it waits for a host %j', async (...more) => {
  const mute = createServer().listen(0, '127.0.0.1');
  await once(mute, 'listening');
  const { port } = mute.address() as AddressInfo;
  const connected = once(mute, 'connection') as Promise<[Socket]>;
  const gate = `${fleet.user}@127.0.0.1:${port}`;
  const args = ['init', '--bastion', gate, '--key', fleet.key('ed25519'), '--node', at(node), ...more];
  const init = atTerminal(`mute${more.length}`, ...args);
  const [socket] = await connected;
  init.child.stdin?.write('\x03');
  expect([await init.code, init.text()]).toEqual([1, expect.stringContaining('`bartizan trust` goes on')]);
  expect(init.text()).not.toContain('2. Connections');
  socket.destroy();
  mute.close();
});

it('runs in a script, and pins only the fingerprints that it is given', async () => {
  const args = ['init', '--bastion', at(bastion), '--key', fleet.key('ed25519'), '--node', at(node)];
  const wrong = bartizan('pinned', ...args, '--fingerprint', `SHA256:${'A'.repeat(43)}`);
  expect([await wrong.code, wrong.text()]).toEqual([
    1,
    expect.stringMatching(/not learned.*use --fingerprint/s),
  ]);
  expect(wrong.text()).not.toContain('Connections');
  const written = readFileSync(join(dir, 'pinned/bartizan.yaml'), 'utf8');
  const again = bartizan('pinned', ...args, '--yes');
  expect([await again.code, again.text()]).toEqual([1, expect.stringContaining('init overwrites nothing')]);
  expect(readFileSync(join(dir, 'pinned/bartizan.yaml'), 'utf8')).toBe(written);
});

it('explains a connection that fails, and keeps the configuration to go on with', async () => {
  await stopServer(node);
  const init = bartizan(
    ...(['failed', 'init', '--yes', '--bastion', at(bastion)] as const),
    ...['--key', fleet.key('ed25519'), '--node', at(node)],
  );
  expect([await init.code, init.text()]).toEqual([1, expect.stringContaining('On the bastion, try: nc -vz')]);
  expect(init.text()).toMatch(/bartizan\.yaml is complete, but this step failed.*\n {2}bartizan trust\n/);
  const check = bartizan('failed', 'check');
  expect([await check.code, check.text()]).toEqual([0, expect.stringContaining('✓ bartizan.yaml')]);
});
