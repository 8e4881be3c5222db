import { pictureSpec, readPictureSeries } from '../../core/chart/series.ts';
import type { SampleStore } from '../../core/ports.ts';
import type { PictureThread } from './picture-thread.ts';
import { type ChartRenderer, createChartRenderer } from './renderer.ts';

/** Draws in the calling thread. For callers that nothing else waits for: a function on AWS, or a worker. */
export function createOwnThread(
  store: Pick<SampleStore, 'query' | 'latest'>,
  renderer: ChartRenderer = createChartRenderer(),
): PictureThread {
  return {
    async draw(order) {
      const series = await readPictureSeries(order, store);
      return await renderer.render(pictureSpec(order, series));
    },
    isAlive: () => true,
    end: () => {},
  };
}
