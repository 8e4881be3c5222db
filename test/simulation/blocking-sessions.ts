import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { PostgresOptions } from '../../adapters/postgres/options.ts';
import type { Result, Session, Sessions } from '../../adapters/postgres/session.ts';

type Answer = Result | { refused: { message: string; code?: string; severity?: string } };

/**
 * One session of a real server for which the whole thread waits: in virtual time nothing may happen beside it, and the same
 * seed must give the same trace. Transactions come one after another.
 */
export function openBlockingSessions(options: PostgresOptions): Sessions {
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const { port1: near, port2: far } = new MessageChannel();
  const worker = new Worker(new URL('./blocking-worker.ts', import.meta.url), {
    workerData: { options, signal, port: far },
    transferList: [far],
  });
  worker.unref();
  near.unref();
  const session: Session = {
    async query(sql, values) {
      Atomics.store(signal, 0, 0);
      near.postMessage({ sql, ...(values && { values }) });
      Atomics.wait(signal, 0, 0);
      const answer = receiveMessageOnPort(near)?.message as Answer;
      if ('refused' in answer) throw Object.assign(new Error(answer.refused.message), answer.refused);
      return answer;
    },
  };
  let last: Promise<unknown> = Promise.resolve();
  return {
    use(run) {
      const turn = last.then(() => run(session));
      last = turn.catch(() => {});
      return turn;
    },
    async close() {
      near.close();
      await worker.terminate();
    },
  };
}
