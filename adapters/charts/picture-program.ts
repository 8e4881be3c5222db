// The program of the drawing thread: a request in, a picture out.
import { flushCompileCache } from 'node:module';
import { parentPort } from 'node:worker_threads';
import { pictureSpec, readPictureSeries } from '../../core/chart/series.ts';
import { describeError } from '../../core/errors.ts';
import type { SampleStore } from '../../core/ports.ts';
import { openSqliteStore } from '../stores/sqlite/store.ts';
import { unpackSeries } from './packed-series.ts';
import { createChartRenderer } from './renderer.ts';
import type { WorkerAnswer, WorkerRequest } from './worker-thread.ts';

/** Draws each requested picture; `path` is the folder of the embedded store, when samples come from there. */
export async function serve(path: string | undefined): Promise<void> {
  const renderer = createChartRenderer();
  let store: SampleStore | undefined;

  async function draw({ order, series }: WorkerRequest): Promise<WorkerAnswer> {
    try {
      const known = series ? unpackSeries(series) : await readPictureSeries(order, openedStore());
      return { picture: await renderer.render(pictureSpec(order, known)) };
    } catch (error) {
      return { error: describeError(error) };
    }
  }

  /** Opened with the first picture: at the start there may be no samples yet. */
  function openedStore(): SampleStore {
    if (path === undefined) throw new Error('the drawing thread got no samples');
    store ??= openSqliteStore({ path, readOnly: true });
    return store;
  }

  parentPort?.on('message', async (request: WorkerRequest) => {
    const answer = await draw(request);
    if ('error' in answer) return parentPort?.postMessage(answer);
    // The bytes are in the library's memory, which cannot be transferred.
    const png = new Uint8Array(answer.picture.png);
    parentPort?.postMessage({ picture: { ...answer.picture, png } }, [png.buffer]);
  });
  // Loads what the first picture needs while nobody waits for it.
  await renderer.prepare();
  // A terminated thread would lose what it has compiled.
  flushCompileCache();
}
