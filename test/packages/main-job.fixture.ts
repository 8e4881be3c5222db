// The main job of a package over OpenSSH's servers: `probe`, then a round of `up` that sends an alert with its picture.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import { createFleet, type Server } from '../../examples/openssh/fleet.ts';
import { freePort } from '../../localstack/free-port.ts';
import { startSink } from '../../localstack/sink/sink.ts';
import { until } from '../until.ts';

export const HMAC_SECRET = 'package-hmac-secret';

/** A command that starts the program, without its arguments, and its whole environment. */
export interface Launch {
  command: readonly [string, ...string[]];
  env: Record<string, string>;
}

export type MainJob = Awaited<ReturnType<typeof startMainJob>>;

/** A bastion, a node, and a receiver of messages. Those of a test file go with `stop`. */
export async function startMainJob() {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-package-'));
  const fleet = createFleet(join(dir, 'fleet'));
  const bastion = await fleet.start({ name: 'bastion', host: '127.0.0.1', port: await freePort() });
  const node = await fleet.start({ name: 'n1', host: '127.0.0.2', port: await freePort() });
  const sink = await startSink({ secret: HMAC_SECRET, dir: join(dir, 'messages') });
  const login = ({ host, port, hostKeys }: Server) =>
    `host: ${host}, port: ${port}, user: ${fleet.user}, hostKeys: ["${hostKeys[0]}"]`;

  /** A rule fires in the second round. */
  function config(options: { key: string; secret: string; store: string; lines?: string }): string {
    return `
bastions: [{ name: gate, privateKey: "${options.key}", ${login(bastion)} }]
clusters: [{ name: prod, bastion: gate, nodes: [{ name: n1, role: controlplane, ${login(node)} }] }]
checks: [{ name: usage, probe: usage, every: 1s }]
rules: { add: [{ name: any-memory, metric: mem_usage, above: 0.1, for: 1s, severity: warning }] }
channels: [{ name: ops, type: webhook, url: "${sink.url}", secret: "${options.secret}" }]
store: { path: ${options.store} }
schedule: { jitter: 0s }
server: { listen: "127.0.0.1:0" }
${options.lines ?? ''}`;
  }

  /** Waits until the receiver has got another alert with its picture. */
  async function alertAfter(count: number, seen: () => string): Promise<void> {
    await until('an alert', () => sink.messages.length > count, { seen });
    const message = sink.messages[count];
    expect(message?.payload).toMatchObject({ alerts: [{ rule: 'any-memory', labels: { node: 'n1' } }] });
    const picture = readFileSync(message?.picturePath ?? '');
    expect(picture.subarray(1, 4).toString()).toBe('PNG');
  }

  return {
    dir,
    config,
    alertAfter,
    keyFile: fleet.key('ed25519'),
    messages: () => sink.messages.length,
    async stop() {
      await sink.stop();
      await fleet.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export async function run(
  { command: [program, ...first], env }: Launch,
  ...args: string[]
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(program, [...first, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, out, err };
}

/** What `up` logs where ssh2 has no binding for the Node that runs. */
export const WITHOUT_BINDING = /ssh2 runs without its native binding, at about twice the CPU/g;

/** `probe`, then `up` until its first alert, without an error. Returns what `up` logs. */
export async function expectMainJob(job: MainJob, launch: Launch): Promise<string> {
  const folder = mkdtempSync(join(job.dir, 'run-'));
  const file = join(folder, 'bartizan.yaml');
  const references = { key: `\${file:${job.keyFile}}`, secret: '${env:HMAC_SECRET}' };
  writeFileSync(file, job.config({ ...references, store: join(folder, 'data') }));
  const probed = await run(launch, 'probe', '--config', file);
  expect(probed).toMatchObject({ code: 0, err: '' });
  expect(probed.out).toMatch(/n1\b.*\bup\b/);

  const count = job.messages();
  const [program, ...first] = launch.command;
  const child: ChildProcess = spawn(program, [...first, 'up', '--config', file], {
    env: { ...launch.env, HMAC_SECRET },
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: '/',
  });
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    log += chunk;
  });
  try {
    await job.alertAfter(count, () => log.slice(-2_000));
    child.kill('SIGTERM');
    await once(child, 'exit');
    expect([child.exitCode, log]).toEqual([0, expect.not.stringMatching(/"level":"(error|fatal)"/)]);
    return log;
  } finally {
    child.kill('SIGKILL');
  }
}
