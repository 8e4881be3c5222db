import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChartStore } from '../core/ports.ts';

export interface ChartFiles extends ChartStore {
  /** The picture of that name, or undefined when there is none or it has expired. */
  get(name: string): Promise<Uint8Array | undefined>;
  /** Removes expired pictures; returns how many. */
  prune(nowMs: number): Promise<number>;
}

/** 128 random bits: nobody guesses the address of a picture. */
const NAME = /^[A-Za-z0-9_-]{22}\.png$/;

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
      const name = `${randomBytes(16).toString('base64url')}.png`;
      const part = join(dir, `.${name}.part`);
      await writeFile(part, png);
      await rename(part, join(dir, name));
      return new URL(`charts/${name}`, `${options.publicUrl.replace(/\/+$/, '')}/`).href;
    },
    async get(name) {
      if (!NAME.test(name)) return undefined;
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
