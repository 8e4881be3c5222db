// Answers of the engine to the queries of one seed, so that tests need no Go. `record.ts` writes them.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import { generateQueries } from './queries.ts';
import { type Answer, askReference, type ReferenceQuery, referenceSeries } from './reference.ts';
import { generateSamples, type Samples } from './samples.ts';

const SEED = 17;
const COUNT = 1500;
const FILE = join(import.meta.dirname, 'recorded.json.br');

export const recordedSamples = (): Samples[] => generateSamples(SEED);
export const recordedQueries = (): ReferenceQuery[] => generateQueries(SEED, COUNT);

/** Hashes samples and queries: a generator that was changed asks other questions than the recorded ones. */
function fingerprint(): string {
  const asked = JSON.stringify([recordedSamples().map(referenceSeries), recordedQueries()]);
  return createHash('sha256').update(asked).digest('hex');
}

/** @throws Error when samples or queries are no longer those that were asked */
export function readRecorded(): Answer[] {
  const text = brotliDecompressSync(readFileSync(FILE)).toString();
  const { asked, answers } = JSON.parse(text) as { asked: string; answers: Answer[] };
  if (asked !== fingerprint())
    throw new Error('samples or queries changed since the answers were recorded: node test/promql/record.ts');
  return answers;
}

/** @param times by default as often as it takes to see what the engine answers otherwise */
export function askRecorded(times?: number): Answer[] {
  return askReference({ series: recordedSamples().map(referenceSeries), queries: recordedQueries() }, times);
}

export function writeRecorded(answers: readonly Answer[]): void {
  writeFileSync(FILE, brotliCompressSync(JSON.stringify({ asked: fingerprint(), answers })));
}
