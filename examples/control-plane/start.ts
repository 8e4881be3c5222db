// Starts the servers of examples/control-plane/bartizan.yaml, and a receiver for its messages, until it is interrupted or
// its input ends. Each line of its input makes something fail, or mends it. Needs root.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describeError } from '../../core/errors.ts';
import { startControlPlane } from '../../localstack/control-plane/scene.ts';
import { inNamespace } from '../openssh/network.ts';
import { createSwitches, HELP } from './switches.ts';

const example = fileURLToPath(new URL('bartizan.yaml', import.meta.url));
const receiver = fileURLToPath(new URL('../openssh/receiver.ts', import.meta.url));
const print = (text: string) => process.stdout.write(`${text}\n`);

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());

/** Not below the checkout: the user of the bastion and the nodes must be able to enter it. */
const dir = mkdtempSync(join(tmpdir(), 'bartizan-control-plane-'));
try {
  const scene = await startControlPlane({ dir, report: print });
  try {
    cpSync(example, join(dir, 'bartizan.yaml'));
    writeFileSync(join(dir, 'ca.crt'), scene.ca);
    writeFileSync(join(dir, 'webhook-secret'), randomBytes(24).toString('hex'), { mode: 0o600 });
    const { namespace } = scene.watcher;
    // It ends with the network.
    spawn(...inNamespace(namespace, process.execPath, receiver, dir), {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const before = `ip netns exec ${namespace} npm run -s bartizan --`;
    const file = `-c ${join(dir, 'bartizan.yaml')}`;
    const commands = [
      `trust ${file} --yes`,
      ...['check --connect', 'probe', 'up'].map((c) => `${c} ${file}`),
    ];
    print(`\nNow, in another terminal:\n${commands.map((command) => `  ${before} ${command}\n`).join('')}`);
    print(`Here, a line each, while \`up\` runs; messages are printed here, too:\n${HELP}\n`);
    const carryOut = createSwitches(scene.faults);
    const lines = createInterface({ input: process.stdin, signal: interrupted.signal });
    for await (const line of lines)
      if (line.trim() !== '') print(await carryOut(line).catch((error: unknown) => describeError(error)));
  } finally {
    await scene.stop();
  }
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
