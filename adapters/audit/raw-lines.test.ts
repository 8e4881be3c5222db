import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesOf } from './raw-lines.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-raw-lines-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('the bytes of a file', () => {
  it('are those that it has at the beginning, however fast it grows', async () => {
    const file = join(dir, 'audit.jsonl');
    writeFileSync(file, 'a'.repeat(300_000));
    let bytes = 0;
    for await (const chunk of bytesOf(await open(file, 'r'), false)) {
      bytes += chunk.length;
      // A reader of all that comes would never end.
      if (bytes > 1_000_000) break;
      appendFileSync(file, 'b'.repeat(300_000));
    }
    expect(bytes).toBe(300_000);
  });

  it('begin where they are asked for, and are none after the end', async () => {
    const file = join(dir, 'audit.jsonl');
    writeFileSync(file, 'abc');
    const read = async (start: number) => {
      const chunks: Buffer[] = [];
      for await (const chunk of bytesOf(await open(file, 'r'), false, start)) chunks.push(chunk);
      return Buffer.concat(chunks).toString();
    };
    expect(await Promise.all([read(0), read(2), read(3), read(9)])).toEqual(['abc', 'c', '', '']);
  });

  it('are none of a device that has no end', async () => {
    let chunks = 0;
    for await (const _ of bytesOf(await open('/dev/full', 'r'), false)) {
      chunks++;
      // A reader of all that comes would never end.
      break;
    }
    expect(chunks).toBe(0);
  });
});
