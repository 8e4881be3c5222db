import type { ClientChannel } from 'ssh2';
import { loopWatch } from '../loop-watch.ts';
import { oneLine, probeError, seconds } from './failure.ts';
import type { SshSession } from './session.ts';

/** A script of the catalogue. What runs on a node is one of these, never a text put together here. */
export interface Script {
  /** `usage@1` in the audit. */
  name: string;
  text: string;
  /** Of `text`, hexadecimal. */
  sha256: string;
  /** Last line of its own output, in front of which it has read its clock. */
  end: string;
}

export interface OpenCommand {
  channel: ClientChannel;
  /** From asking to being let: two round trips, as ssh2 opens the channel before it asks for the command. */
  tookMs: number;
}

export interface CommandOutput {
  text: string;
  bytes: number;
  exitCode: number | undefined;
  /** First line of what came on stderr. */
  complaint: string;
  /** When the script's last line arrived, by our clock; how long it lay there unseen is taken off. */
  endedAtMs: number | undefined;
}

/** After the exit code: for output that is under way, and for a child that keeps the channel open. */
const AFTER_EXIT_MS = 1_000;

/** Starts `sh` on a node. @throws ProbeError */
export function openCommand(
  session: SshSession,
  deadlineMs: number,
  nowMs: () => number,
): Promise<OpenCommand> {
  const { promise, resolve, reject } = Promise.withResolvers<OpenCommand>();
  const startMs = nowMs();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    reject(probeError('timeout', 'exec', `no command was started within ${seconds(deadlineMs)}`));
  }, deadlineMs);
  try {
    session.client.exec('sh', (error, channel) => {
      clearTimeout(timer);
      if (late) channel?.destroy();
      else if (error) reject(refused(error, session));
      else resolve({ channel, tookMs: nowMs() - startMs });
    });
  } catch {
    clearTimeout(timer);
    reject(probeError('protocol', 'exec', 'the SSH session was lost'));
  }
  return promise;
}

function refused(error: Error, session: SshSession) {
  const { reason } = error as { reason?: unknown };
  if (!session.isOpen() || error.message === 'No response from server') {
    return probeError('protocol', 'exec', 'the SSH session was lost');
  }
  const detail = typeof reason === 'number' ? error.message : 'the node does not let us run a command';
  return probeError('command', 'exec', detail);
}

/** Sends the script and collects what comes back, within bounds of time and size. @throws ProbeError */
export function runScript(
  { channel }: OpenCommand,
  script: Script,
  options: { deadlineMs: number; maxBytes: number; nowMs: () => number },
): Promise<CommandOutput> {
  const { deadlineMs, maxBytes, nowMs } = options;
  const { promise, resolve, reject } = Promise.withResolvers<CommandOutput>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  let complaint = '';
  let exitCode: number | undefined;
  let exited = false;
  let closed = false;
  let endedAtMs: number | undefined;
  let grace: NodeJS.Timeout | undefined;

  const done = (settle: () => void) => {
    clearTimeout(timer);
    clearTimeout(grace);
    settle();
    channel.removeAllListeners('data');
    channel.resume();
    if (!closed) channel.destroy();
  };
  const finish = () =>
    done(() => {
      const text = Buffer.concat(chunks).toString('utf8');
      resolve({ text, bytes, exitCode, complaint: oneLine(complaint.split('\n')[0] ?? ''), endedAtMs });
    });
  const timer = setTimeout(() => {
    done(() => reject(probeError('timeout', 'exec', `the script did not end within ${seconds(deadlineMs)}`)));
  }, deadlineMs);
  const count = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= maxBytes) return true;
    done(() => reject(probeError('output', 'exec', `cut off after ${maxBytes} bytes of output`)));
    return false;
  };

  channel.on('data', (chunk: Buffer) => {
    if (!count(chunk)) return;
    chunks.push(chunk);
    if (chunk.includes(script.end)) endedAtMs = nowMs() - loopWatch.waitedMs();
  });
  channel.stderr.on('data', (chunk: Buffer) => {
    if (count(chunk) && complaint.length < 400) complaint += chunk.toString('utf8');
  });
  channel.on('error', () => {});
  channel.on('exit', (code: number | null) => {
    exited = true;
    exitCode = code ?? undefined;
    grace = setTimeout(finish, AFTER_EXIT_MS);
  });
  // A command that ends at once can have ended before anybody listened to `exit`; `close` tells the code again.
  channel.on('close', (code?: number | null) => {
    closed = true;
    exitCode ??= code ?? undefined;
    if (exited || code !== undefined) finish();
    // A session that breaks closes its channels without an error and without an exit code.
    else done(() => reject(probeError('protocol', 'exec', 'the connection ended before the script did')));
  });
  channel.end(script.text);
  return promise;
}
