import { type FileHandle, stat } from 'node:fs/promises';
import { type ChainHead, parseChainLine } from './chain.ts';
import { bytesOf, linesOf } from './raw-lines.ts';
import { openIfThere } from './read-chain.ts';
import { listRotatedFiles, type RotatedFile } from './rotated-files.ts';

export interface FollowedLine {
  line: string;
  fields: Readonly<Record<string, unknown>>;
  head: ChainHead;
}

export interface Follower {
  /**
   * Yields the lines after the last one that it yielded, in batches, up to the newest; call it again for later ones. `lost`:
   * lines that were removed before anybody read them. @throws errors of a file
   */
  next(): AsyncGenerator<{ lines: FollowedLine[]; lost: number }>;
}

/** Follows an audit from the line after `after`, over rotated and compressed files, and where the chain began anew. */
export function createFollower(file: string, after: ChainHead): Follower {
  let last = after;
  /** How far the newest file was read, so that it is not read from its beginning each time. */
  let newest: { ino: number; offset: number } | undefined;

  async function* readOne(
    handle: FileHandle,
    rotated: RotatedFile | undefined,
  ): AsyncGenerator<{ lines: FollowedLine[]; lost: number }> {
    const { ino, size } = await handle.stat();
    const isPacked = rotated?.packed === true;
    const start = newest?.ino === ino && newest.offset <= size && !isPacked ? newest.offset : 0;
    let offset = start;
    let isFirst = start > 0;
    // A chain that began anew has other lines under the numbers that were read.
    let isKnown = start > 0;
    for await (const raws of linesOf(bytesOf(handle, isPacked, start))) {
      const lines: FollowedLine[] = [];
      let lost = 0;
      for (const raw of raws) {
        if (!raw.isEnded) continue;
        offset += raw.length + 1;
        const line = raw.bytes.toString('utf8');
        const fields = raw.isCut ? undefined : parseChainLine(line);
        // Another file may have got the number of one that was removed.
        if (isFirst && fields?.sequence !== last.sequence + 1) {
          newest = undefined;
          const again = await openIfThere(rotated?.path ?? file);
          if (again) yield* readOne(again, rotated);
          return;
        }
        isFirst = false;
        if (!fields) continue;
        const { sequence, hash } = fields;
        if (!isKnown && sequence <= last.sequence) {
          if (fields.event === 'chain-started' && !(await hasLine(file, last))) last = headBefore(fields);
          else continue;
        }
        isKnown = true;
        if (sequence <= last.sequence) continue;
        lost += sequence - last.sequence - 1;
        last = { sequence, hash };
        lines.push({ line, fields, head: last });
      }
      if (!isPacked) newest = { ino, offset };
      if (lines.length > 0) yield { lines, lost };
    }
  }

  return {
    async *next() {
      let through = last.sequence;
      for (;;) {
        const active = await openIfThere(file);
        const rotated = (await listRotatedFiles(file)).find((one) => one.last > through);
        if (rotated) await active?.close();
        const handle = rotated ? await openIfThere(rotated.path) : active;
        if (!handle) {
          // It was compressed or removed just now, or there is no audit yet.
          if (!rotated) return;
          continue;
        }
        yield* readOne(handle, rotated);
        if (!rotated) return;
        through = Math.max(rotated.last, last.sequence);
      }
    },
  };
}

function headBefore({ sequence, previous }: ChainHead & { previous: string }): ChainHead {
  return { sequence: sequence - 1, hash: previous };
}

/** Whether the newest file, which begins with a new chain, has the line that was read last. */
async function hasLine(file: string, { sequence, hash }: ChainHead): Promise<boolean> {
  const handle = await openIfThere(file);
  if (!handle || (await stat(file)).size === 0) return false;
  for await (const raws of linesOf(bytesOf(handle, false))) {
    for (const raw of raws) {
      const fields = parseChainLine(raw.bytes.toString('utf8'));
      if (fields?.sequence === sequence) return fields.hash === hash;
    }
  }
  return false;
}
