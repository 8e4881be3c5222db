import { open, readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { describeError } from '../../core/errors.ts';
import type { Anchor } from './chain.ts';
import type { AuditReport } from './data-folder.ts';
import { bytesOf, linesOf } from './raw-lines.ts';
import { createChainVerifier } from './verify.ts';

/** `DAY/WRITER/SEQUENCE.jsonl.gz`; a number behind the sequence counts writes whose answer was lost (objects.ts). */
const OBJECT = /^(\d{4}-\d\d-\d\d)\/(.+)\/(\d{9})(?:-(\d+))?\.jsonl\.gz$/;

interface StoredObject {
  path: string;
  day: string;
  sequence: number;
  tries: number;
}

/**
 * Verifies a copy of the objects that functions wrote, one chain for each process of a function, against the anchors in the table of
 * state. The first objects of a chain may have been removed after their retention. @throws errors of the folder
 */
export async function verifyObjectFolder(
  folder: string,
  anchors: readonly (Anchor & { writer: string })[],
): Promise<AuditReport[]> {
  const writers = new Map<string, StoredObject[]>();
  let oldestDay = '9999';
  for (const name of await readdir(folder, { recursive: true })) {
    const [, day = '', writer, sequence, tries = '1'] = OBJECT.exec(name.split(sep).join('/')) ?? [];
    if (writer === undefined) continue;
    if (day < oldestDay) oldestDay = day;
    const object = { path: join(folder, name), day, sequence: Number(sequence), tries: Number(tries) };
    writers.set(writer, [...(writers.get(writer) ?? []), object]);
  }
  const byFolder = new Map(anchors.map((anchor) => [folderOf(anchor.writer), anchor]));
  const reports: AuditReport[] = [];
  for (const [writer, objects] of writers)
    reports.push(await verifyWriter(folder, writer, objects, byFolder.get(writer)));
  for (const [writer, anchor] of byFolder) {
    // Older objects may be gone after their retention.
    if (writers.has(writer) || new Date(anchor.atMs).toISOString().slice(0, oldestDay.length) < oldestDay)
      continue;
    reports.push(await verifyWriter(folder, writer, [], anchor));
  }
  return reports;
}

async function verifyWriter(
  folder: string,
  writer: string,
  objects: readonly StoredObject[],
  anchor: Anchor | undefined,
): Promise<AuditReport> {
  const verifier = createChainVerifier({ ...(anchor && { anchor }), isPartial: true });
  for (const { path } of lastTries(objects)) {
    const file = relative(folder, path);
    try {
      for await (const lines of linesOf(bytesOf(await open(path, 'r'), true))) verifier.add(lines, file);
    } catch (error) {
      verifier.unreadable(file, describeError(error));
    }
    verifier.endFile({ isNewest: false });
  }
  const verdict = verifier.finish(writer);
  const state = verdict.ok ? (anchor ? 'fine' : 'unanchored') : 'broken';
  return { writer, file: join(folder, writer), state, verdict, ...(anchor && { anchor }), starts: [] };
}

/** In the order of their lines. The last try of a write has all lines of the ones before. */
function lastTries(objects: readonly StoredObject[]): StoredObject[] {
  const bySequence = new Map<number, StoredObject>();
  for (const object of objects.toSorted((a, b) => a.sequence - b.sequence || a.tries - b.tries))
    bySequence.set(object.sequence, object);
  return [...bySequence.values()];
}

/** As in the names of objects. */
function folderOf(writer: string): string {
  return writer.replace(/[^A-Za-z0-9._/-]+/g, '-');
}
