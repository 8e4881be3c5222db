// A server of a test as a process of its own: with a log file, ended by its id, and not outliving this process.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { scaledMs } from '../machine-speed.ts';
import { findProgram } from '../program-path.ts';

export interface Daemon {
  pid: number;
  /** Undefined while it runs. */
  exit(): string | undefined;
  /** Its output so far. */
  log(): string;
  /** Sends SIGKILL and waits until it is gone. */
  stop(): Promise<void>;
}

const CHECKED_EVERY_MS = 100;
const LOG_SHOWN = 2_000;

/** Starts a program; `command` is its path and arguments. */
export function startDaemon(command: readonly string[], logFile: string, cwd?: string): Daemon {
  // The kernel ends it with us, also when we are killed.
  const guarded = findProgram('setpriv') ? ['setpriv', '--pdeathsig', 'KILL', ...command] : command;
  const log = openSync(logFile, 'a');
  const child = spawn(guarded[0] as string, guarded.slice(1), { stdio: ['ignore', log, log], cwd });
  closeSync(log);
  let failure: string | undefined;
  child.once('error', (error) => {
    failure = error.message;
  });
  return {
    pid: child.pid ?? -1,
    exit: () => failure ?? exitOf(child),
    log: () => readFileSync(logFile, 'utf8'),
    stop: () => end(child),
  };
}

function exitOf({ exitCode, signalCode }: ChildProcess): string | undefined {
  return exitCode === null ? (signalCode ?? undefined) : `exit code ${exitCode}`;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || exitOf(child) !== undefined) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

/** Waits until the server answers as `isReady` wants. @throws Error with the end of its log */
export async function waitForReady(
  what: string,
  daemon: Daemon,
  withinMs: number,
  isReady: () => Promise<boolean>,
): Promise<void> {
  for (const startMs = performance.now(); ; await sleep(CHECKED_EVERY_MS)) {
    const exit = daemon.exit();
    const late = performance.now() - startMs > scaledMs(withinMs);
    if (exit === undefined && (await isReady().catch(() => false))) return;
    if (exit === undefined && !late) continue;
    const fate = exit === undefined ? `was not ready within ${withinMs / 1000} s` : `ended: ${exit}`;
    throw new Error(`${what} ${fate}\n${daemon.log().slice(-LOG_SHOWN)}`);
  }
}
