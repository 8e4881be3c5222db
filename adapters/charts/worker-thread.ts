import { getCompileCacheDir } from 'node:module';
import { Worker } from 'node:worker_threads';
import { type PictureOrder, readPictureSeries } from '../../core/chart/series.ts';
import type { SampleStore } from '../../core/ports.ts';
import { type PackedSeries, packSeries } from './packed-series.ts';
import type { Drawn, PictureThread } from './picture-thread.ts';

/** The source of samples: the worker reads the embedded store in this folder, or this thread reads a remote store. */
export type SampleSource = { path: string } | { store: Pick<SampleStore, 'query' | 'latest'> };

export interface WorkerSetting {
  path: string | undefined;
  compileCache: string | undefined;
}

export interface WorkerRequest {
  order: PictureOrder;
  /** Absent: the worker reads them. */
  series?: PackedSeries;
}

export type WorkerAnswer = { picture: Drawn } | { error: string };

/** In a package the worker is a bundle beside that of the program. */
const NAME = import.meta.url.endsWith('.ts') ? 'picture-worker.ts' : 'picture-worker.mjs';
const PROGRAM = new URL(NAME, import.meta.url);
/** A picture that needs more has gone wrong; only the worker ends then. */
const MOST_HEAP_MB = 512;

/**
 * A worker thread that reads, reduces and draws. It starts at once, so that the first picture need not wait for it, and
 * holds the process only while it draws.
 */
export function startWorkerThread(source: SampleSource, program = PROGRAM): PictureThread {
  const setting: WorkerSetting = {
    path: 'path' in source ? source.path : undefined,
    compileCache: getCompileCacheDir(),
  };
  const worker = new Worker(program, {
    workerData: setting,
    resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP_MB },
    // Not all options of the process are valid for threads.
    execArgv: [],
  });
  let waiting: PromiseWithResolvers<WorkerAnswer> | undefined;
  let over: Error | undefined;
  const die = (error: Error) => {
    over ??= error;
    waiting?.reject(over);
  };
  worker.on('message', (answer: WorkerAnswer) => waiting?.resolve(answer));
  worker.on('error', (cause) => die(new Error('the thread that draws failed', { cause })));
  worker.on('exit', (code) => die(new Error(`the thread that draws ended with code ${code}`)));
  worker.unref();
  return {
    async draw(order) {
      if (over) throw over;
      worker.ref();
      const answered = Promise.withResolvers<WorkerAnswer>();
      waiting = answered;
      // Where the thread ends while samples are read, nobody waits yet.
      answered.promise.catch(() => {});
      try {
        const request: WorkerRequest =
          'path' in source
            ? { order }
            : { order, series: packSeries(await readPictureSeries(order, source.store)) };
        const numbers = request.series?.series.flatMap(({ times, values }) => [times.buffer, values.buffer]);
        worker.postMessage(request, numbers ?? []);
        const answer = await answered.promise;
        if ('error' in answer) throw new Error(answer.error);
        return answer.picture;
      } finally {
        waiting = undefined;
        worker.unref();
      }
    },
    isAlive: () => over === undefined,
    end() {
      die(new Error('the thread that draws was ended'));
      void worker.terminate();
    },
  };
}
