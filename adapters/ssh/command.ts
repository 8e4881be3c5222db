import type { ClientChannel } from 'ssh2';
import { oneLine, probeError, quote, seconds } from './failure.ts';
import { pacing } from './pacing.ts';
import type { SshSession } from './session.ts';

/** A script of the catalogue. Nothing else runs on a node: no code builds commands at run time. */
export interface Script {
  /** The audit names it so, such as `usage@2`. */
  name: string;
  text: string;
  /** Of `text`, hexadecimal. */
  sha256: string;
  /** Last line of its output. The script reads the node's clock just before. */
  end: string;
}

export interface OpenCommand {
  channel: ClientChannel;
  /** Two round trips: ssh2 opens the channel, then requests the command. */
  tookMs: number;
}

export interface CommandOutput {
  text: string;
  bytes: number;
  exitCode: number | undefined;
  /** First line of stderr. */
  complaint: string;
  /** When the script's last line arrived, by our clock, less the time for which it waited to be read. */
  endedAtMs: number | undefined;
}

/**
 * Parsing happens in one turn of the event loop and takes some 10 ms for this many lines. A node with a thousand mounts
 * and as many devices sends a fifth of them.
 */
const MAX_LINES = 20_000;
const LINE_FEED = 10;
const COMPLAINT_BYTES = 1_000;

/** How long to wait for more output after the exit code: some may be on its way, or a child keeps the channel open. */
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
  if (typeof reason !== 'number')
    return probeError('command', 'exec', 'the node does not let us run a command');
  const reply = error.message.replace(/^\(SSH\) Channel open failure: /, '');
  // OpenSSH says no more than this when MaxSessions is reached.
  const why =
    reply === 'open failed' ? 'MaxSessions 0 in its sshd_config?' : quote(reply) || 'it does not say why';
  return probeError('command', 'exec', `the node opens no session: ${why}`);
}

/** What a script has printed so far, also when it then fails. */
export interface SeenOutput {
  stdout: Buffer[];
  stderr: Buffer[];
}

/** Sends the script and collects its output, anew in `seen`, within limits of time and size. @throws ProbeError */
export function runScript(
  { channel }: OpenCommand,
  script: Script,
  options: { deadlineMs: number; maxBytes: number; nowMs: () => number; seen?: SeenOutput | undefined },
): Promise<CommandOutput> {
  const { deadlineMs, maxBytes, nowMs, seen = { stdout: [], stderr: [] } } = options;
  const { promise, resolve, reject } = Promise.withResolvers<CommandOutput>();
  seen.stdout.length = 0;
  seen.stderr.length = 0;
  let bytes = 0;
  let lines = 0;
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
      const text = Buffer.concat(seen.stdout).toString('utf8');
      const [complaint = ''] = Buffer.concat(seen.stderr)
        .subarray(0, COMPLAINT_BYTES)
        .toString('utf8')
        .split('\n');
      resolve({ text, bytes, exitCode, complaint: oneLine(complaint), endedAtMs });
    });
  const timer = setTimeout(() => {
    done(() => reject(probeError('timeout', 'exec', `the script did not end within ${seconds(deadlineMs)}`)));
  }, deadlineMs);
  const take = (chunk: Buffer, into: Buffer[]) => {
    const left = maxBytes - bytes;
    bytes += chunk.length;
    if (left > 0) into.push(chunk.subarray(0, left));
    if (bytes <= maxBytes) return true;
    done(() => reject(probeError('output', 'exec', `cut off after ${maxBytes} bytes of output`)));
    return false;
  };

  channel.on('data', (chunk: Buffer) => {
    if (!take(chunk, seen.stdout)) return;
    lines += countLines(chunk);
    if (lines > MAX_LINES) {
      done(() => reject(probeError('output', 'exec', `cut off after ${MAX_LINES} lines of output`)));
      return;
    }
    if (chunk.includes(script.end)) endedAtMs = nowMs() - pacing.waitedMs();
  });
  channel.stderr.on('data', (chunk: Buffer) => take(chunk, seen.stderr));
  channel.on('error', () => {});
  channel.on('exit', (code: number | null) => {
    exited = true;
    exitCode = code ?? undefined;
    grace = setTimeout(finish, AFTER_EXIT_MS);
  });
  // A short command may end before we listen to `exit`; `close` carries the code again.
  channel.on('close', (code?: number | null) => {
    closed = true;
    exitCode ??= code ?? undefined;
    if (exited || code !== undefined) finish();
    // When a session breaks, its channels close without an error and without an exit code.
    else done(() => reject(probeError('protocol', 'exec', 'the connection ended before the script did')));
  });
  channel.end(script.text);
  return promise;
}

function countLines(chunk: Buffer): number {
  let lines = 0;
  for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, at + 1)) lines++;
  return lines;
}
