// A child process that keeps running and answers each line on stdin with one line of JSON.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Resident<Answer> {
  /** @throws when the process ends without an answer */
  ask(line?: string): Promise<Answer>;
  /** Ends its stdin; some processes answer that. @throws as `ask` does */
  finish(): Promise<Answer>;
  /** Ends the process, and resolves when it has ended. */
  stop(): Promise<void>;
}

export function startResident<Answer>(argv: readonly string[]): Resident<Answer> {
  const [command = '', ...args] = argv;
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  child.stdin.on('error', () => {});
  async function nextAnswer(): Promise<Answer> {
    const { value, done } = await answers.next();
    if (done) throw new Error(`${argv.join(' ')} ended without an answer`);
    return JSON.parse(value) as Answer;
  }
  return {
    async ask(line = '') {
      child.stdin.write(`${line}\n`);
      return await nextAnswer();
    },
    async finish() {
      child.stdin.end();
      return await nextAnswer();
    },
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
