import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chartUrl, isChartName, newChartName } from '../adapters/charts/chart-name.ts';
import type { ChartStore } from '../core/ports.ts';

export interface ChartFiles extends ChartStore {
  /** The picture with that name, or undefined when there is none or it has expired. */
  get(name: string): Promise<Uint8Array | undefined>;
  /** Removes expired pictures; returns how many. */
  prune(nowMs: number): Promise<number>;
}

export async function createChartFiles(options: {
  dir: string;
  publicUrl: string;
  retentionMs: number;
  nowMs: () => number;
}): Promise<ChartFiles> {
  const { dir, retentionMs, nowMs } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  return {
    async put(png) {
      const name = newChartName();
      const part = join(dir, `.${name}.part`);
      await writeFile(part, png);
      await rename(part, join(dir, name));
      return chartUrl(options.publicUrl, name);
    },
    async get(name) {
      if (!isChartName(name)) return undefined;
      const file = join(dir, name);
      const found = await stat(file).catch(() => undefined);
      if (!found || nowMs() - found.mtimeMs > retentionMs) return undefined;
      return await readFile(file).catch(() => undefined);
    },
    async prune(atMs) {
      let removed = 0;
      for (const name of await readdir(dir)) {
        const file = join(dir, name);
        const found = await stat(file).catch(() => undefined);
        if (!found || atMs - found.mtimeMs <= retentionMs) continue;
        await rm(file, { force: true });
        removed++;
      }
      return removed;
    },
  };
}
