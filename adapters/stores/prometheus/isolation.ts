// A server refuses a whole request for one series: this finds such series, and writes the others without them.

import { labelKey } from '../../../core/labels.ts';
import { appendAll } from '../../../core/numbers/extremes.ts';
import type { Refusal } from './refusals.ts';
import type { WrittenSeries } from './remote-write.ts';

/** Series that the server refused, with its reason. */
export interface Refused extends Refusal {
  series: WrittenSeries;
}

/** Series in one write request: about 200 KB, under the limits of hosted servers. */
const SERIES_A_REQUEST = 2_000;
/**
 * How often pieces of several nodes are cut in two while the refused nodes are looked for: enough for nineteen of 300. Each cut
 * is two requests, a write with all cuts at 50 ms a request takes 15 s, and `store` has 37 s for a message.
 */
const MOST_CUTS_OF_NODES = 96;
/** How often pieces of one node are. What is unclear then is that node's alone. */
const MOST_CUTS_IN_NODES = 48;

/** Series of whole nodes, or some series of one node. */
type Piece = readonly (readonly WrittenSeries[])[];

/**
 * Writes series, and finds those that the server refuses: first their nodes, then the series of these, `up` apart. Pieces
 * wait in one line, so that all that is refused is narrowed down alike. What is unclear when the cuts are used up is refused
 * with its node; where its nodes are not known, it may be good, and counts as too late: rules see it all the same. It is
 * never a duplicate. A server that has taken nothing at all refuses all of it. @throws as `write`
 */
export async function writeIsolating(
  series: readonly WrittenSeries[],
  write: (series: readonly WrittenSeries[]) => Promise<Refusal | undefined>,
): Promise<Refused[]> {
  const waiting = requestsOf(series);
  const refused: Refused[] = [];
  const unclear: { piece: Piece; refusal: Refusal }[] = [];
  const cuts = { nodes: MOST_CUTS_OF_NODES, series: MOST_CUTS_IN_NODES };
  let isAnyTaken = false;

  for (let piece = waiting.shift(); piece; piece = waiting.shift()) {
    const refusal = await write(piece.flat());
    if (!refusal) {
      isAnyTaken = true;
      continue;
    }
    const parts = cut(piece);
    const kind = piece.length > 1 ? 'nodes' : 'series';
    if (!parts) appendAll(refused, refusedOf(piece, refusal));
    else if (cuts[kind]-- <= 0) unclear.push({ piece, refusal });
    // Older samples of a series go first: after newer ones the server may refuse them.
    else if (parts.order === 'now') waiting.unshift(...parts.pieces);
    else waiting.push(...parts.pieces);
  }
  for (const { piece, refusal } of unclear) {
    const isKnown = refusal.cause !== 'duplicate' && (piece.length === 1 || !isAnyTaken);
    const reason = `${refusal.reason} (of ${piece.length} nodes together: the cuts were used up)`;
    appendAll(refused, refusedOf(piece, isKnown ? refusal : { cause: 'too-late', reason }));
  }
  return refused;
}

function refusedOf(piece: Piece, refusal: Refusal): Refused[] {
  return piece.flat().map((one) => ({ series: one, ...refusal }));
}

/** Nodes stay together where they fit; what is of no node, as `bastion_up`, is one of its own. */
function requestsOf(series: readonly WrittenSeries[]): Piece[] {
  const requests: Piece[] = [];
  let current: WrittenSeries[][] = [];
  let count = 0;
  for (const node of Map.groupBy(series, nodeOf).values()) {
    for (let at = 0; at < node.length; at += SERIES_A_REQUEST) {
      const part = node.slice(at, at + SERIES_A_REQUEST);
      if (count > 0 && count + part.length > SERIES_A_REQUEST) {
        requests.push(current);
        [current, count] = [[], 0];
      }
      current.push(part);
      count += part.length;
    }
  }
  return count > 0 ? [...requests, current] : requests;
}

function nodeOf({ source: [sample] }: WrittenSeries): string {
  const { cluster, node } = sample?.labels ?? {};
  return node === undefined ? labelKey(sample?.labels ?? {}) : JSON.stringify([cluster, node]);
}

/** What is of no node first, then by node, within one by series, and one series by time. Undefined for one sample. */
function cut(piece: Piece): { pieces: Piece[]; order: 'now' | 'later' } | undefined {
  if (piece.length > 1) {
    const [ofNone, ofNodes] = partition(piece, ([one]) => one?.source[0]?.labels.node === undefined);
    const isMixed = ofNone.length > 0 && ofNodes.length > 0;
    return { pieces: isMixed ? [ofNone, ofNodes] : halves(piece), order: 'later' };
  }
  const [node = []] = piece;
  const [first] = node;
  if (node.length > 1) {
    const [up, rest] = partition(node, ({ source }) => source[0]?.metric === 'up');
    const parts = up.length > 0 && rest.length > 0 ? [up, rest] : halves(node);
    return { pieces: parts.map((part) => [part]), order: 'later' };
  }
  if (!first || first.samples.length === 1) return undefined;
  const [samples, source] = [halves(first.samples), halves(first.source)];
  const part = (i: 0 | 1): Piece => [[{ ...first, samples: samples[i], source: source[i] }]];
  return { pieces: [part(0), part(1)], order: 'now' };
}

function halves<T>(list: readonly T[]): [T[], T[]] {
  const middle = list.length >> 1;
  return [list.slice(0, middle), list.slice(middle)];
}

function partition<T>(list: readonly T[], isFirst: (one: T) => boolean): [T[], T[]] {
  return [list.filter(isFirst), list.filter((one) => !isFirst(one))];
}
