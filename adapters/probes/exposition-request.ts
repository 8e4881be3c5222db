import { type Exposition, readExposition } from '../../core/parse/exposition.ts';
import { doInTurns } from '../event-loop/turns.ts';
import { freeContent } from './http-body.ts';
import type { HttpAnswer, HttpRequest } from './http-client.ts';
import type { Endpoint, NodeHandle } from './probe.ts';

/** What a service answered where it shows its metrics. */
export interface ShownMetrics {
  answer: Omit<HttpAnswer, 'content' | 'body'>;
  /** Undefined: the status is not 200. */
  exposition: Exposition | undefined;
  /** What is odd about the metrics, for people. */
  notes: string[];
}

const MEGABYTE = 1024 * 1024;

/** Asks a service for metrics and reads those of the wanted names, a part in each turn of the event loop. @throws ProbeError */
export async function requestExposition(
  node: NodeHandle,
  endpoint: Endpoint,
  request: HttpRequest,
  wanted: ReadonlySet<string>,
): Promise<ShownMetrics> {
  const answer = await node.request(endpoint, { ...request, gzip: true });
  if (answer.status !== 200) return { answer, exposition: undefined, notes: [] };
  const exposition = await doInTurns(readExposition(answer.content, wanted, answer.isCut));
  freeContent(answer);
  return { answer, exposition, notes: notesOf(exposition, answer, request.maxBytes) };
}

function notesOf(
  { invalid, duplicates, dropped }: Exposition,
  { isCut }: ShownMetrics['answer'],
  maxBytes: number,
): string[] {
  return [
    ...(isCut ? [`more than ${maxBytes / MEGABYTE} MB of metrics: the rest is unknown`] : []),
    ...(invalid > 0 ? [`${invalid} lines of its metrics cannot be understood`] : []),
    ...(duplicates > 0 ? [`${duplicates} of its series come twice: the first value counts`] : []),
    ...(dropped > 0 ? [`${dropped} of its series left out: there are too many`] : []),
  ];
}
