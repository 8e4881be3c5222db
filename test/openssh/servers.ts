// The set-up of a test file with OpenSSH servers: a bastion and a node for the file, and the end of all that it starts.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { SignatureSource } from '../../adapters/signatures/signature-source.ts';
import {
  createFleet,
  type Fleet,
  KEY_TYPES,
  type KeyType,
  type Server,
  type ServerOptions,
} from '../../examples/openssh/fleet.ts';
import { freePort } from '../../localstack/free-port.ts';
import { bastionConfig, createProberFixture, type ProberFixture, targetOf } from '../prober-fixture.ts';

/** The folder of the file's servers. */
export let dir: string;
export let fleet: Fleet;
export let bastion: Server;
/** Has host keys of all types, and answers at once. */
export let node: Server;
const probers: ProberFixture[] = [];

/** Each test file calls it once. */
export function useServers(): void {
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'openssh-'));
    fleet = createFleet(dir);
    bastion = await startBastion('bastion');
    node = await startNode('node', { hostKeys: KEY_TYPES });
  });
  afterEach(async () => {
    for (const { prober } of probers.splice(0)) await prober.close();
  });
  afterAll(async () => {
    await fleet?.stop();
    rmSync(dir, { recursive: true, force: true });
  });
}

export const startBastion = async (name: string, options: Partial<ServerOptions> = {}): Promise<Server> =>
  fleet.start({ name, host: '127.0.0.1', port: options.port ?? (await freePort()), ...options });

export const startNode = async (name: string, options: Partial<ServerOptions> = {}): Promise<Server> =>
  fleet.start({
    name,
    host: '127.0.0.2',
    port: options.port ?? (await freePort()),
    hostKeys: ['ed25519'],
    ...options,
  });

export const pinned = (server: Server, type: KeyType = 'ed25519') => ({
  host: server.host,
  port: server.port,
  hostKey: server.hostKeys[KEY_TYPES.indexOf(type)] as string,
});

export const target = (name: string, server: Server, type?: KeyType) =>
  targetOf(name, pinned(server, type), { user: fleet.user });

type Checks = NonNullable<Parameters<typeof createProberFixture>[0]['checks']>;

/** A prober in front of a bastion. */
export async function setupProber(
  changes: Parameters<typeof bastionConfig>[1] = {},
  options: {
    hop?: Server;
    key?: KeyType;
    hopKey?: KeyType;
    door?: boolean;
    keep?: 'bastion';
    checks?: Checks;
    signatures?: SignatureSource;
  } = {},
): Promise<ProberFixture> {
  const { hop = bastion, key = 'ed25519', hopKey, door = false, keep, checks = [], signatures } = options;
  const made = await createProberFixture({
    bastion: bastionConfig(pinned(hop, hopKey), {
      user: fleet.user,
      deadlines: { bastionMs: 5_000, dialMs: 5_000, handshakeMs: 5_000, execMs: 8_000 },
      ...changes,
    }),
    keys: { client: readFileSync(fleet.key(key), 'utf8') },
    // Long enough that no login is renewed during a test.
    sessions: { door, renewMs: 3_600_000 },
    resampleAfterMs: 600,
    checks,
    ...(keep && { keep }),
    ...(signatures && { signatures }),
  });
  probers.push(made);
  return made;
}

/** A forced command that acts as login shell, which only root could set. */
export const shell = (program: string) => `exec ${program} -c "$SSH_ORIGINAL_COMMAND"`;

export const logOf = (server: Server) => readFileSync(join(dir, server.name, 'sshd.log'), 'utf8');
export const loginsOf = (server: Server) => logOf(server).match(/Accepted publickey/g)?.length ?? 0;

/** Resolves when `condition` holds; the test's time limit ends it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** The ids of processes that have this text in their environment. */
export function processesWith(variable: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(variable);
      } catch {
        return false;
      }
    });
}

/** Metrics that every Linux machine reports, with rates. */
export const ALWAYS = [
  'uptime',
  'processes',
  'load1',
  'load5',
  'load15',
  'load_per_core',
  'cores',
  'mem_total',
  'mem_usage',
  'clock_offset',
  'cpu_usage',
  'cpu_iowait',
  'cpu_steal',
  'oom_kills',
];
