import type { Client, ClientChannel } from 'ssh2';
import { type Endpoint, MAX_SIGNED_BYTES } from './authorized-keys.ts';
import {
  allowSocketRequests,
  onDebugMessage,
  openBareSession,
  requestInSession,
  requestTunnel,
  type SessionRequest,
} from './raw-requests.ts';
import type { SshSession } from './session.ts';

/** What sshd may permit our key beyond what probing needs. */
export const CAPABILITIES = [
  'command',
  'shell',
  'sftp',
  'terminal',
  'agent',
  'x11',
  'environment',
  'connect',
  'listen',
  'tunnel',
  'socket-connect',
  'socket-listen',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

export interface Attempt {
  capability: Capability;
  /** `unanswered`: no answer before the deadline, or the connection was lost. */
  outcome: 'open' | 'refused' | 'unanswered';
  atMs: number;
  durationMs: number;
}

/** SSH_OPEN_ADMINISTRATIVELY_PROHIBITED and SSH_OPEN_UNKNOWN_CHANNEL_TYPE, RFC 4254, 5.1 */
const REFUSALS: readonly unknown[] = [1, 3];
/** An exit code that neither our forced commands nor a shell return by themselves. */
const OUR_EXIT = 73;
/** Sent as the command, and on stdin. */
export const OUR_COMMAND = `exit ${OUR_EXIT}`;
/**
 * SSH_FXP_INIT of version 3, then SSH_FXP_STAT with a name too long for any file (draft-ietf-secsh-filexfer-02). The
 * name fills what a node's line reads, so that it ends while stdin stays open: an sftp server would not answer otherwise.
 */
const SFTP_GREETING = Buffer.concat([
  Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 3]),
  Buffer.from([0, 1, 0, 9, 17, 0, 0, 0, 1, 0, 1, 0, 0]),
  Buffer.alloc(MAX_SIGNED_BYTES, 'x'),
]);
/** SSH_FXP_VERSION, the answer. */
const SFTP_VERSION = 2;
/** A port where nobody listens. */
const QUIET_PORT = 1;
const LOOPBACK = '127.0.0.1';

/**
 * Unix sockets that most servers with systemd have and everybody may connect to, and those that make a user root; we send
 * nothing there.
 */
export const COMMON_SOCKETS: readonly string[] = [
  '/run/systemd/journal/stdout',
  '/run/dbus/system_bus_socket',
  '/run/containerd/containerd.sock',
  '/run/docker.sock',
  '/run/crio/crio.sock',
  '/run/k3s/containerd/containerd.sock',
];

export interface ConfinementOptions {
  /** The nodes' ports: a line may permit them on any host. */
  ports: readonly number[];
  /** Where our key may connect to, so that these are no finding. */
  permitted: readonly Endpoint[];
  sockets?: readonly string[];
  /** Limit of each attempt. */
  deadlineMs: number;
  nowMs: () => number;
}

/**
 * Tries what a session of our key may do, and does no harm where something is open: the command is `exit`, connections go
 * to the server's own loopback address and send nothing, listeners end at once, no file or device is created.
 */
export async function tryCapabilities(session: SshSession, options: ConfinementOptions): Promise<Attempt[]> {
  const { client } = session;
  const { deadlineMs, nowMs } = options;
  const debugMessages: string[] = [];
  onDebugMessage(client, (text) => debugMessages.push(text));
  allowSocketRequests(client);
  const attempts: Attempt[] = [];
  for (const capability of CAPABILITIES) {
    const atMs = nowMs();
    const open = session.isOpen()
      ? await within(deadlineMs, () => tryCapability(capability, client, debugMessages, options))
      : undefined;
    const outcome = open === undefined ? 'unanswered' : open ? 'open' : 'refused';
    attempts.push({ capability, outcome, atMs, durationMs: nowMs() - atMs });
  }
  return attempts;
}

/** Undefined: no answer in time, or the connection was lost. */
async function within(deadlineMs: number, run: () => Promise<boolean>): Promise<boolean | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), deadlineMs);
  try {
    return await Promise.race([run(), promise]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** Whether the server permits it. @throws Error when the connection is lost; stays pending when nobody answers */
async function tryCapability(
  capability: Capability,
  client: Client,
  debugMessages: readonly string[],
  options: ConfinementOptions,
): Promise<boolean> {
  switch (capability) {
    case 'command':
      return runsOurCommand((done) => client.exec(OUR_COMMAND, done));
    case 'shell':
      return runsOurCommand((done) => client.shell(false, done));
    case 'sftp':
      return answersSftp(client, options.deadlineMs);
    case 'terminal':
    case 'agent':
    case 'x11':
    case 'environment':
      return grantsRequest(client, capability);
    case 'connect':
      return connectsElsewhere(client, options);
    case 'listen':
      return (await listens(client, LOOPBACK, 0)) || listens(client, 'localhost', QUIET_PORT);
    case 'socket-connect':
      for (const path of options.sockets ?? COMMON_SOCKETS)
        if (await connectsToSocket(client, path)) return true;
      return false;
    case 'socket-listen':
      return listensOnSocket(client, debugMessages);
    case 'tunnel':
      // Where tunnel devices are allowed, OpenSSH tries to open this one and reports that it failed.
      return requestTunnel(client).catch(
        (error: Error) =>
          error.message === 'granted' ||
          debugMessages.some((text) => /^Failed to open the tunnel/.test(text)),
      );
  }
}

type Opened = (error: Error | undefined, channel: ClientChannel) => void;

/** Whether our command runs, as requested or from stdin: a forced command ends with another code. */
function runsOurCommand(start: (opened: Opened) => void): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  start((error, channel) => {
    if (error) {
      resolve(false);
      return;
    }
    let exitCode: number | null | undefined;
    channel.on('error', () => {});
    channel.on('exit', (code: number | null) => {
      exitCode = code;
    });
    channel.on('close', () => resolve(exitCode === OUR_EXIT));
    channel.resume();
    channel.stderr.resume();
    channel.end(`${OUR_COMMAND}\n`);
  });
  return promise;
}

function answersSftp(client: Client, deadlineMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  client.subsys('sftp', (error, channel) => {
    if (error) {
      resolve(false);
      return;
    }
    let reply = Buffer.alloc(0);
    channel.on('error', () => {});
    channel.on('close', () => resolve(false));
    channel.stderr.resume();
    channel.on('data', (chunk: Buffer) => {
      reply = Buffer.concat([reply, chunk]);
      if (reply.length < 5) return;
      resolve(reply[4] === SFTP_VERSION);
      channel.destroy();
    });
    channel.write(SFTP_GREETING);
    // Another command may wait for the end of stdin.
    const end = setTimeout(() => channel.end(), deadlineMs / 2);
    channel.on('close', () => clearTimeout(end));
  });
  return promise;
}

async function grantsRequest(client: Client, request: SessionRequest): Promise<boolean> {
  const channel = await openBareSession(client).catch(() => undefined);
  if (!channel) return false;
  channel.on('error', () => {});
  try {
    return await requestInSession(client, channel, request);
  } finally {
    channel.close();
  }
}

/** Tries a port where nobody listens, and the nodes' ports, which a line may permit on any host. */
async function connectsElsewhere(client: Client, options: ConfinementOptions): Promise<boolean> {
  const permitted = new Set(options.permitted.map(({ host, port }) => `${host}:${port}`));
  for (const port of [QUIET_PORT, ...options.ports]) {
    if (!permitted.has(`${LOOPBACK}:${port}`) && (await connects(client, port))) return true;
  }
  return false;
}

function connects(client: Client, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  client.forwardOut(LOOPBACK, 0, LOOPBACK, port, (error, channel) => {
    if (error) {
      const { reason } = error as { reason?: unknown };
      // The loopback address is always reachable, unless a firewall confines the user.
      resolve(
        !REFUSALS.includes(reason) &&
          !/Protocol not available|No route to host|not permitted|denied/.test(error.message),
      );
      return;
    }
    channel.on('error', () => {});
    // An sshd there counts clients that close without an identification.
    channel.end('SSH-2.0-bartizan\r\n');
    channel.destroy();
    resolve(true);
  });
  return promise;
}

function listens(client: Client, address: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  client.forwardIn(address, port, (error, bound) => {
    if (error) resolve(false);
    else client.unforwardIn(address, port === 0 ? bound : port, () => resolve(true));
  });
  return promise;
}

function connectsToSocket(client: Client, path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  // OpenSSH gives the same reason for a forbidden socket and for a missing one.
  client.openssh_forwardOutStreamLocal(path, (error, channel) => {
    channel?.on('error', () => {});
    channel?.destroy();
    resolve(error === undefined);
  });
  return promise;
}

/**
 * An empty name lies in Linux' abstract name space: OpenSSH leaves files of sockets behind, but not these. Where the
 * server explains its refusals, as it did with the tunnel, an unexplained refusal means that the name is taken.
 */
function listensOnSocket(client: Client, debugMessages: readonly string[]): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const before = debugMessages.length;
  client.openssh_forwardInStreamLocal('', (error) => {
    if (error) resolve(before > 0 && debugMessages.length === before);
    else client.openssh_unforwardInStreamLocal('', () => resolve(true));
  });
  return promise;
}
