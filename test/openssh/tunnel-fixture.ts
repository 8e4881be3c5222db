// A configuration with confined keys for one node, and the program as a user starts it: `tunnel` runs until it is stopped.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { createFileInventory } from '../../adapters/inventory/file.ts';
import { needsOf } from '../../adapters/probes/needs.ts';
import { createKeyring } from '../../adapters/ssh/keyring.ts';
import { loadConfig, secretsFor } from '../../cli/config-file.ts';
import { bastionAccounts, bastionTexts, nodeTexts } from '../../cli/server-texts.ts';
import type { tunnelShape } from '../../cli/tunnel-shape.ts';
import type { Server } from '../../examples/openssh/fleet.ts';
import { freePort } from '../../localstack/free-port.ts';
import { dir, fleet, startBastion, startNode } from './servers.ts';

const BIN = fileURLToPath(new URL('../../bin/bartizan.ts', import.meta.url));

export interface Outcome {
  code: number;
  out: string;
  err: string;
}

export interface RunningCommand {
  /** What it printed with `--json`. */
  open: z.output<typeof tunnelShape>;
  process: ChildProcess;
  err(): string;
  /** Sends a signal; resolves to the exit code, or the signal that ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | string>;
}

export interface TunnelFixture {
  folder: string;
  hop: Server;
  node: Server;
  run(...args: string[]): Promise<Outcome>;
  /** Starts `tunnel`, and resolves when it says that it is open. @throws Error with what it printed */
  tunnel(...args: string[]): Promise<RunningCommand>;
  /** The lines of the commands' audit. */
  audit(): Record<string, unknown>[];
  close(): void;
}

/**
 * `checks`, `commands`: YAML of these, which the lines of the keys permit. The node listens on `host`. `sshdConfig`: more
 * lines of sshd_config on both hops.
 */
export async function createTunnelFixture(
  name: string,
  checks: string,
  host: string,
  { sshdConfig = [], commands = '[]' }: { sshdConfig?: readonly string[]; commands?: string } = {},
): Promise<TunnelFixture> {
  const folder = join(dir, `${name}-config`);
  mkdirSync(join(folder, 'data'), { recursive: true });
  const ports = { hop: await freePort(), node: await freePort() };
  const key = fleet.key('ed25519');
  const file = join(folder, 'bartizan.yaml');
  writeFileSync(
    file,
    `bastions: [{ name: gate, host: 127.0.0.1, port: ${ports.hop}, user: ${fleet.user}, privateKey: "\${file:${key}}" }]
clusters:
  - name: prod
    bastion: gate
    acceptsRootByForwarding: true
    nodes: [{ name: n1, role: controlplane, host: ${host}, port: ${ports.node}, user: ${fleet.user} }]
checks: ${checks}
commands: ${commands}
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
store: { path: data }
`,
  );
  const { config } = await loadConfig(file);
  const keyring = createKeyring(config, secretsFor(file));
  const targets = await createFileInventory(config).list();
  const keys = new Map([['gate', await keyring.ofBastion('gate')]]);
  const [account] = bastionAccounts(config.bastions, keys, targets, config.checks);
  if (!account) throw new Error('there is no bastion');
  const { line } = bastionTexts(account, false);
  if (!('text' in line)) throw new Error(line.none);
  const needs = needsOf(config.checks, targets, config.commands);
  const nodeLine = nodeTexts(await keyring.ofCluster('prod'), [fleet.user], needs, true).line;
  const hop = await startBastion(`${name}-hop`, {
    port: ports.hop,
    authorizedKeys: `${line.text}\n`,
    config: sshdConfig,
  });
  const node = await startNode(`${name}-node`, {
    host,
    port: ports.node,
    authorizedKeys: `${nodeLine}\n`,
    config: sshdConfig,
  });
  writeFileSync(
    join(folder, 'data/known_hosts'),
    [hop, node].map((server) => `[${server.host}]:${server.port} ${server.hostKeys[0]}\n`).join(''),
  );
  const running = new Set<ChildProcess>();

  return {
    folder,
    hop,
    node,
    run: (...args) =>
      new Promise((resolve) => {
        execFile(process.execPath, [BIN, ...args], { cwd: folder }, (error, out, err) =>
          resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err }),
        );
      }),
    async tunnel(...args) {
      const child = spawn(process.execPath, [BIN, 'tunnel', ...args, '--json'], {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      running.add(child);
      const exit = once(child, 'exit').then(([code, signal]) => {
        running.delete(child);
        return (code ?? signal) as number | string;
      });
      let [out, err] = ['', ''];
      child.stderr.on('data', (chunk) => {
        err += chunk;
      });
      const opened = Promise.withResolvers<RunningCommand['open']>();
      child.stdout.on('data', (chunk) => {
        out += chunk;
        if (out.endsWith('\n}\n')) opened.resolve(JSON.parse(out));
      });
      void exit.then((code) => opened.reject(new Error(`it ended with ${code}: ${err}`)));
      return {
        open: await opened.promise,
        process: child,
        err: () => err,
        stop(signal = 'SIGTERM') {
          child.kill(signal);
          return exit;
        },
      };
    },
    audit: () =>
      readFileSync(join(folder, 'data/cli/audit.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((text) => JSON.parse(text)),
    close() {
      for (const child of running) child.kill('SIGKILL');
    },
  };
}
