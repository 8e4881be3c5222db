// A bastion and nodes of Debian's openssh-server on this machine: every node is an sshd of its own on a loopback
// address of its own, or in a network namespace of its own, and shows this machine's load. Runs as any user; every file
// is under one folder.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inNamespace, withResolvConf } from './network.ts';

export const KEY_TYPES = ['ed25519', 'ecdsa', 'rsa'] as const;
export type KeyType = (typeof KEY_TYPES)[number];

export interface ServerOptions {
  name: string;
  host: string;
  port: number;
  /** Network namespace it runs in. Default: ours. */
  namespace?: string;
  /** What stands before sshd's command, in a namespace only. */
  before?: readonly string[];
  /** File in place of /etc/resolv.conf, in a namespace only. */
  resolvConf?: string;
  /** Host keys it has. Default: all. */
  hostKeys?: readonly KeyType[];
  /** Run in place of what is asked for, as in authorized_keys; `$SSH_ORIGINAL_COMMAND` is that. */
  command?: string;
  /** Whole `authorized_keys`, in place of one that accepts all keys of the fleet. */
  authorizedKeys?: string;
  /** More lines of sshd_config. */
  config?: readonly string[];
  /** Last lines of sshd_config: blocks. */
  blocks?: string;
  /** A user that this server alone knows, beside those of the machine. Needs root. */
  account?: Account;
}

export interface Account {
  name: string;
  uid: number;
  /** A folder that the user can get at; `authorized_keys` lies elsewhere. */
  home: string;
  shell: string;
}

export interface Server {
  name: string;
  host: string;
  port: number;
  process: ChildProcess;
  /** Public host keys as `type base64`, in the order of `KEY_TYPES`. */
  hostKeys: string[];
}

export interface Fleet {
  dir: string;
  /** The only one that an sshd without root can let in: whoever runs it. */
  user: string;
  /** Path of the private key that every server accepts. */
  key(type: KeyType): string;
  start(options: ServerOptions): Promise<Server>;
  stop(): Promise<void>;
}

const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/bin/sshd'];
const UP_WITHIN_MS = 60_000;

/** Makes the keys of a fleet without servers. */
export function createFleet(dir: string): Fleet {
  const sshd = SSHD.find((path) => existsSync(path));
  if (!sshd) throw new Error('there is no sshd here: apt-get install openssh-server');
  // sshd wants this folder where it separates privileges, which it does as root only.
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  for (const type of KEY_TYPES) makeKey(join(dir, `id_${type}`), type);
  const servers: Server[] = [];

  return {
    dir,
    user: userInfo().username,
    key: (type) => join(dir, `id_${type}`),
    async start(options) {
      const server = await startServer(sshd, dir, options);
      servers.push(server);
      return server;
    },
    async stop() {
      await Promise.all(servers.splice(0).map((server) => stopServer(server)));
    },
  };
}

async function startServer(sshd: string, dir: string, options: ServerOptions): Promise<Server> {
  const {
    name,
    host,
    port,
    namespace,
    before = [],
    resolvConf,
    hostKeys = KEY_TYPES,
    authorizedKeys,
    config = [],
    blocks = '',
    account,
  } = options;
  const home = join(dir, name);
  // sshd reads authorized_keys as the user.
  mkdirSync(home, { recursive: true, mode: account ? 0o711 : 0o700 });
  const keyFiles = hostKeys.map((type) => join(home, `ssh_host_${type}_key`));
  hostKeys.forEach((type, i) => {
    makeKey(keyFiles[i] as string, type);
  });
  const forced = options.command === undefined ? '' : `command="${options.command.replaceAll('"', '\\"')}" `;
  const clientKeys = KEY_TYPES.map((type) => forced + readFileSync(join(dir, `id_${type}.pub`), 'utf8'));
  writeFileSync(join(home, 'authorized_keys'), authorizedKeys ?? clientKeys.join(''));
  const lines = [
    `ListenAddress ${host}`,
    `Port ${port}`,
    ...keyFiles.map((file) => `HostKey ${file}`),
    `AuthorizedKeysFile ${join(home, 'authorized_keys')}`,
    `PidFile ${join(home, 'sshd.pid')}`,
    'AuthenticationMethods publickey',
    'UsePAM no',
    // The folder may be one that others can write to, such as /tmp.
    'StrictModes no',
    'PrintMotd no',
    'X11Forwarding no',
    'AllowAgentForwarding no',
    'AllowTcpForwarding yes',
    'MaxStartups 200:30:400',
    // A bash that sshd starts reads ~/.bashrc unless it is told that it is not the first; nobody's is to be in the way.
    'SetEnv SHLVL=2',
    'LogLevel VERBOSE',
  ];
  // Of two lines sshd takes the first, of MaxStartups the last.
  const given = new Set(config.map(keywordOf));
  const all = [...config, ...lines.filter((line) => !given.has(keywordOf(line)))];
  writeFileSync(join(home, 'sshd_config'), `${all.join('\n')}\n${blocks}\n`);
  const log = join(home, 'sshd.log');
  rmSync(log, { force: true });
  const args = ['-D', '-f', join(home, 'sshd_config'), '-E', log];
  // `ip netns exec` becomes what it starts: the process is that of sshd.
  const command = [
    ...before,
    ...(resolvConf === undefined ? [] : withResolvConf(resolvConf)),
    ...(account ? withAccount(account, home) : []),
    sshd,
    ...args,
  ];
  const [program, argv] =
    namespace === undefined ? [command[0] as string, command.slice(1)] : inNamespace(namespace, ...command);
  const child = spawn(program, argv, { stdio: ['ignore', 'ignore', 'ignore'] });
  await waitForListening(`sshd on ${host}:${port}`, child, () => readLog(log));
  const publicKeys = keyFiles.map((file) =>
    readFileSync(`${file}.pub`, 'utf8').split(' ').slice(0, 2).join(' '),
  );
  return { name, host, port, process: child, hostKeys: publicKeys };
}

/** What stands before a command that is to know one more user; no password opens the account. */
export function withAccount({ name, uid, home, shell }: Account, dir: string): string[] {
  const file = join(dir, 'passwd');
  const line = `${name}:*:${uid}:65534::${home}:${shell}\n`;
  writeFileSync(file, readFileSync('/etc/passwd', 'utf8') + line, { mode: 0o644 });
  return ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/passwd && exec "$@"', file];
}

const keywordOf = (line: string) => line.split(' ')[0];

function makeKey(file: string, type: KeyType): void {
  if (existsSync(file)) return;
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', 'bartizan example', '-f', file]);
}

/** By its log: a port in another namespace cannot be tried from here. */
async function waitForListening(what: string, child: ChildProcess, log: () => string): Promise<void> {
  for (const end = Date.now() + UP_WITHIN_MS; ; await sleep(20)) {
    if (child.exitCode !== null) throw new Error(`${what} ended: ${log()}`);
    if (log().includes('Server listening on')) return;
    if (Date.now() > end) throw new Error(`${what} does not listen: ${log()}`);
  }
}

function readLog(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : 'no log';
}

/** Ends the server with the sessions it has: each is a process of its own that outlives the one that listens. */
export async function stopServer({ process: child }: Server): Promise<void> {
  const ended = child.exitCode !== null || child.signalCode !== null;
  const exit = ended ? undefined : new Promise<void>((resolve) => child.once('exit', () => resolve()));
  signalServer(child, 'SIGCONT');
  signalServer(child, 'SIGKILL');
  await exit;
}

/** Sends a signal to a server and all its sessions. */
export function signalServer(child: ChildProcess, signal: NodeJS.Signals): void {
  for (const pid of child.pid === undefined ? [] : [child.pid, ...descendants(child.pid)]) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended meanwhile.
    }
  }
}

/** From `ps`: process ids of children and their children. */
function descendants(root: number): number[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  const pairs = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const found: number[] = [];
  for (const parents = [root]; parents.length > 0; ) {
    const parent = parents.pop();
    const children = pairs.flatMap(([pid, ppid]) => (ppid === parent && pid !== undefined ? [pid] : []));
    found.push(...children);
    parents.push(...children);
  }
  return found;
}
