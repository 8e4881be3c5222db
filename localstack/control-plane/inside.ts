// Requests from inside a network namespace: a program that runs there, and its other end here. One JSON a line.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { inNamespace } from '../../examples/openssh/network.ts';
import { type Answer, type AskOptions, ask } from '../../test/kube/ask.ts';

interface Request {
  id: number;
  url: string;
  options: AskOptions;
}

type Reply = { id: number } & ({ answer: Answer } | { error: string });

export interface Inside {
  /** @throws Error when no answer comes */
  ask(url: string, options?: AskOptions): Promise<Answer>;
  stop(): void;
}

export function openInside(namespace: string): Inside {
  const program = fileURLToPath(import.meta.url);
  const child: ChildProcess = spawn(...inNamespace(namespace, process.execPath, program), {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting = new Map<number, (reply: Reply) => void>();
  const stop = (error: string) => {
    for (const [id, settle] of waiting) settle({ id, error });
    waiting.clear();
  };
  child.once('exit', () => stop('the program in the namespace ended'));
  child.once('error', ({ message }) => stop(message));
  child.stdin?.on('error', () => {});
  if (child.stdout)
    createInterface({ input: child.stdout }).on('line', (line) => {
      const reply = JSON.parse(line) as Reply;
      waiting.get(reply.id)?.(reply);
      waiting.delete(reply.id);
    });
  let sent = 0;
  return {
    async ask(url, options = {}) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error('the program ended');
      const request: Request = { id: sent++, url, options };
      const reply = await new Promise<Reply>((settle) => {
        waiting.set(request.id, settle);
        child.stdin?.write(`${JSON.stringify(request)}\n`);
      });
      if ('error' in reply) throw new Error(reply.error);
      return reply.answer;
    },
    stop: () => void child.kill('SIGKILL'),
  };
}

async function answer({ id, url, options }: Request): Promise<Reply> {
  try {
    return { id, answer: await ask(url, options) };
  } catch (error) {
    return { id, error: String(error) };
  }
}

if (import.meta.main)
  for await (const line of createInterface({ input: process.stdin }))
    void answer(JSON.parse(line) as Request).then((reply) =>
      process.stdout.write(`${JSON.stringify(reply)}\n`),
    );
