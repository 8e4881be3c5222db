import { spawn } from 'node:child_process';

/** A process that never prints its first line is ended too. */
const SILENT_MS = 60_000;

/**
 * Starts `script` again and again, and ends each process by SIGKILL at a random moment, also while it opens. `onKilled`
 * gets the lines that the process had printed: it prints a line only after the work.
 */
export async function killRepeatedly(options: {
  script: string;
  args: readonly string[];
  times: number;
  /** The longest time after the first line. */
  maxLifeMs: number;
  onKilled: (lines: readonly string[]) => Promise<void>;
}): Promise<void> {
  for (let i = 0; i < options.times; i++) await options.onKilled(await runAndKill(options));
}

function runAndKill(options: {
  script: string;
  args: readonly string[];
  maxLifeMs: number;
}): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [options.script, ...options.args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    let timer = setTimeout(() => child.kill('SIGKILL'), SILENT_MS);
    child.stdout.once('data', () => {
      clearTimeout(timer);
      timer = setTimeout(() => child.kill('SIGKILL'), Math.random() * options.maxLifeMs);
    });
    child.stdout.on('data', (chunk) => {
      output += String(chunk);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (signal === 'SIGKILL') resolve(output.split('\n').slice(0, -1));
      else reject(new Error(`${options.script} ended by itself with ${code ?? signal}`));
    });
  });
}
