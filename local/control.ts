// How commands reach the running `up`: a Unix socket in its data folder, for its own user alone. A connection carries one
// line of JSON, the request, and one line back, the answer.

import { chmodSync, closeSync, constants, lstatSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError, describeError } from '../core/errors.ts';
import type { Logger } from '../core/ports.ts';

const answerSchema = z.object({
  ok: z.boolean(),
  /** A sentence for people. */
  message: z.string(),
  /** What the command found, for its own client. */
  detail: z.unknown().optional(),
});
export type ControlAnswer = z.output<typeof answerSchema>;

/** Each validates its arguments itself, and answers `ok: false` instead of throwing when it refuses. */
export type ControlCommands = Readonly<Record<string, (args: unknown) => Promise<ControlAnswer>>>;

const requestSchema = z.object({ command: z.string().max(64), args: z.unknown().optional() });

/** It has mode 0700, because a socket gets its own mode only after it listens. */
const FOLDER = 'control';
const SOCKET = 'up.sock';
/** Linux takes 107 bytes, macOS 103. */
const LONGEST_PATH = 100;
const REQUEST_BYTES = 64 * 1024;
const ANSWER_BYTES = 8 * 1024 * 1024;
const REQUEST_MS = 5_000;
const CLOSE_MS = 500;
const CONNECTIONS = 16;
const STOPPED = 'this process stops, and answers no more';

/**
 * Answers commands. The caller has the lock of the folder, so a socket that exists belongs to a process that was killed.
 * @throws ConfigError when the socket cannot be made
 */
export async function listenForCommands(options: {
  dir: string;
  commands: ControlCommands;
  logger: Logger;
}): Promise<{ close(): Promise<void> }> {
  const { dir, commands, logger } = options;
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    // A client that goes away ends nothing: its command goes on.
    socket.on('error', () => socket.destroy());
    void readLine(socket, REQUEST_BYTES, REQUEST_MS)
      .then((line) => answerTo(line, commands))
      .catch((error: unknown): ControlAnswer => ({ ok: false, message: describeError(error) }))
      .then((answer) => {
        if (!answer.ok) logger.warn('a command was refused', { why: answer.message });
        // A client that reads no answer, or sends more than a line, does not keep its connection.
        socket.setTimeout(REQUEST_MS, () => socket.destroy());
        socket.resume();
        socket.write(`${JSON.stringify(answer)}\n`);
        socket.destroySoon();
      });
  });
  server.maxConnections = CONNECTIONS;
  const folder = join(dir, FOLDER);
  let release = () => {};
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!lstatSync(folder).isDirectory()) throw new Error(`${folder} is no folder`);
    chmodSync(folder, 0o700);
    const path = shortPath(folder);
    release = path.release;
    rmSync(join(folder, SOCKET), { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path.socket, resolve);
    });
    chmodSync(join(folder, SOCKET), 0o600);
  } catch (cause) {
    release();
    server.close();
    throw new ConfigError(`${join(folder, SOCKET)}: commands cannot reach this process there`, { cause });
  }
  return {
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open) {
        socket.write(`${JSON.stringify({ ok: false, message: STOPPED })}\n`);
        socket.destroySoon();
      }
      const cut = setTimeout(() => {
        for (const socket of open) socket.destroy();
      }, CLOSE_MS);
      await closed;
      clearTimeout(cut);
      release();
    },
  };
}

async function answerTo(line: string, commands: ControlCommands): Promise<ControlAnswer> {
  const request = requestSchema.safeParse(parseJson(line, 'the request'));
  if (!request.success) return { ok: false, message: 'the request has no `command`' };
  const { command, args } = request.data;
  const run = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (!run)
    return {
      ok: false,
      message: `the running \`up\` knows no command ${command}: is it of another release?`,
    };
  return await run(args);
}

/**
 * Sends a command to the `up` that runs on a data folder, and waits for its answer. @throws ConfigError when none runs
 * there, when this user may not reach it, or without an answer in time
 */
export async function sendCommand(
  dir: string,
  request: { command: string; args?: unknown },
  { timeoutMs }: { timeoutMs: number },
): Promise<ControlAnswer> {
  const folder = join(dir, FOLDER);
  let path: ReturnType<typeof shortPath>;
  try {
    path = shortPath(folder);
  } catch (error) {
    throw explainConnection(error, dir);
  }
  const socket = connect({ path: path.socket, allowHalfOpen: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (error) => reject(explainConnection(error, dir)));
    });
    socket.write(`${JSON.stringify(request)}\n`);
    const line = await readLine(socket, ANSWER_BYTES, timeoutMs);
    return answerSchema.parse(parseJson(line, 'the answer'));
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`the \`up\` on ${dir} did not answer; its log says how the command ends`, {
      cause,
    });
  } finally {
    socket.destroy();
    path.release();
  }
}

function explainConnection(cause: unknown, dir: string): ConfigError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR')
    return new ConfigError(`no \`bartizan up\` runs on ${dir}`, { cause });
  if (code === 'EACCES' || code === 'EPERM')
    return new ConfigError(
      `${dir} belongs to another user: run this as the user of \`bartizan up\`, or as root`,
      { cause },
    );
  return new ConfigError(`the \`up\` on ${dir} cannot be reached`, { cause });
}

/** The socket under a path that a system takes, however long that of the folder is. @throws errors of the file system */
function shortPath(folder: string): { socket: string; release(): void } {
  const socket = join(folder, SOCKET);
  if (Buffer.byteLength(socket) <= LONGEST_PATH || process.platform !== 'linux')
    return { socket, release() {} };
  const handle = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  return { socket: `/proc/self/fd/${handle}/${SOCKET}`, release: () => closeSync(handle) };
}

/** The first line that arrives. @throws Error when it is too long, too late, or does not end */
async function readLine(socket: Socket, bytes: number, timeoutMs: number): Promise<string> {
  const timer = setTimeout(
    () => socket.destroy(new Error(`no line within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  let text = Buffer.alloc(0);
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      text = Buffer.concat([text, chunk as Buffer]);
      const end = text.indexOf('\n');
      if (end >= 0) return text.subarray(0, end).toString('utf8');
      if (text.length > bytes) throw new Error(`a line has at most ${bytes} bytes`);
    }
    throw new Error('the connection ended before its line did');
  } finally {
    clearTimeout(timer);
  }
}

function parseJson(line: string, what: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new Error(`${what} is no JSON`, { cause });
  }
}
