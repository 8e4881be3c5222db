import { hashText } from '../hash.ts';
import type { Labels } from '../model/labels.ts';
import type { Sample } from '../model/sample.ts';
import { visibleLine } from '../text/visible-line.ts';
import { namesText } from './reading.ts';

/** Default limit of new label sets of a node in an hour: more than a large node has at its first probe. */
export const MAX_NEW_LABEL_SETS = 500;
/**
 * UTF-16 units of a label's value. Two of them and the names of node and cluster stay under the 2 KB that Timestream takes
 * for a series (https://docs.aws.amazon.com/timestream/latest/developerguide/ts-limits.html), and under what others take.
 */
export const MAX_LABEL_LENGTH = 256;
/** Most label sets that are known of a node: a node that shows others at each probe does not add them up for ever. */
const MOST_KNOWN = 2_048;
const HOUR = 60;
/** A set is written down as seen once a quarter of an hour, all in the same round: what is kept of a batch rarely changes. */
const QUARTER = 15;

/** What is kept of the label sets of one node. Minutes since 1970; plain data. */
export interface KnownLabelSets {
  /** Minute of the last sight → keys of the sets. */
  seen: readonly (readonly [minute: number, keys: readonly string[]])[];
  /** Minute → new sets that were let in. */
  added: readonly (readonly [minute: number, count: number])[];
}

export interface AdmittedSamples {
  samples: Sample[];
  known: KnownLabelSets;
  /** Whether `known` differs from what was known before. */
  isChanged: boolean;
  /** New label sets that were left out. */
  dropped: number;
  notes: string[];
}

/**
 * The samples of one probe of a node without those of too many new label sets: a node's output decides how many series
 * there are, and how many alerts. Known sets stay; one is forgotten at a probe that lacks it an hour after its last
 * sight, so that an outage of ours makes nothing new. Values that are too long are shortened to ones that stay apart.
 */
export function admitLabelSets(
  samples: readonly Sample[],
  earlier: KnownLabelSets | undefined,
  options: { nowMs: number; maxNew: number; keyOf?: (text: string) => string },
): AdmittedSamples {
  const { maxNew, keyOf = (text) => text } = options;
  const now = Math.floor(options.nowMs / 60_000);
  const seen = new Map<string, number>();
  for (const [minute, keys] of earlier?.seen ?? []) for (const key of keys) seen.set(key, minute);
  // Our clock may have been set back.
  const isPast = (minute: number, minutes: number) => Math.abs(now - minute) >= minutes;
  const added = (earlier?.added ?? []).filter(([minute]) => !isPast(minute, HOUR));
  let left = Math.min(
    maxNew - added.reduce((sum, [, count]) => sum + count, 0),
    Math.max(MOST_KNOWN, 2 * maxNew) - seen.size,
  );
  let isChanged = earlier === undefined || added.length !== earlier.added.length;
  let fresh = 0;
  const dropped = new Map<string, string>();
  const shortened = new Map<string, string>();
  const passed = new Set<string>();

  /** Samples of one set share their labels where they were made together. */
  const decided = new Map<Labels, Labels | undefined>();
  const admit = (sampleLabels: Labels): Labels | undefined => {
    const own = ownLabels(sampleLabels, shortened);
    if (own === undefined) return sampleLabels;
    const { text, labels } = own;
    if (dropped.has(text)) return undefined;
    if (!passed.has(text)) {
      const key = keyOf(text);
      const minute = seen.get(key);
      if (minute === undefined) {
        if (left <= 0) {
          dropped.set(text, setText(labels));
          return undefined;
        }
        left--;
        fresh++;
      }
      if (minute === undefined || Math.floor(minute / QUARTER) !== Math.floor(now / QUARTER)) {
        seen.set(key, now);
        isChanged = true;
      }
      passed.add(text);
    }
    return labels;
  };
  const admitted: Sample[] = [];
  for (const sample of samples) {
    if (!decided.has(sample.labels)) decided.set(sample.labels, admit(sample.labels));
    const labels = decided.get(sample.labels);
    if (labels !== undefined) admitted.push(labels === sample.labels ? sample : { ...sample, labels });
  }
  for (const [key, minute] of seen) {
    if (isPast(minute, HOUR + QUARTER)) isChanged = seen.delete(key);
  }
  const notes: string[] = [];
  if (dropped.size > 0) {
    const names = namesText([...dropped.values()]);
    notes.push(
      `${dropped.size} new label sets left out, over ${maxNew} an hour (\`maxNewLabelSets\`): ${names}`,
    );
  }
  if (shortened.size > 0) {
    const names = namesText([...shortened.keys()].map(startOf));
    notes.push(`${shortened.size} names over ${MAX_LABEL_LENGTH} characters shortened: ${names}`);
  }
  const known: KnownLabelSets =
    earlier && !isChanged
      ? earlier
      : {
          seen: [...Map.groupBy(seen.keys(), (key) => seen.get(key) as number)],
          added: fresh > 0 ? [...added, [now, fresh]] : added,
        };
  return { samples: admitted, known, isChanged, dropped: dropped.size, notes };
}

/** The labels in which sets of one node differ; undefined: the set has none but the node's own. */
function ownLabels(
  labels: Labels,
  shortened: Map<string, string>,
): { text: string; labels: Labels } | undefined {
  let text = '';
  let kept = labels;
  for (const name in labels) {
    if (name === 'cluster' || name === 'node' || name === 'role') continue;
    let value = labels[name] ?? '';
    if (value.length > MAX_LABEL_LENGTH) {
      const short = shortened.get(value) ?? shorten(value);
      shortened.set(value, short);
      kept = { ...kept, [name]: short };
      value = short;
    }
    text += `${name}\n${value}\n`;
  }
  return text === '' ? undefined : { text, labels: kept };
}

/** Its start, and a hash of all of it. */
function shorten(value: string): string {
  const hash = hashText(value);
  return `${value.slice(0, MAX_LABEL_LENGTH - hash.length - 1).replace(/[\ud800-\udbff]$/, '')}…${hash}`;
}

function setText(labels: Labels): string {
  const own = Object.entries(labels).filter(([name]) => !['cluster', 'node', 'role'].includes(name));
  return own.map(([name, value]) => `${name}=${startOf(value)}`).join(' ');
}

const SHOWN = 60;

function startOf(value: string): string {
  const line = visibleLine(value.slice(0, SHOWN + 1));
  return line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line;
}

/** Whether what was kept, maybe by another release, has this shape. */
export function isKnownLabelSets(value: unknown): value is KnownLabelSets {
  const { seen, added } = (value ?? {}) as Partial<Record<keyof KnownLabelSets, unknown>>;
  const arePairs = (list: unknown, isSecond: (second: unknown) => boolean) =>
    Array.isArray(list) &&
    list.every((pair) => Array.isArray(pair) && Number.isSafeInteger(pair[0]) && isSecond(pair[1]));
  return (
    arePairs(seen, (keys) => Array.isArray(keys) && keys.every((key) => typeof key === 'string')) &&
    arePairs(added, (count) => Number.isSafeInteger(count))
  );
}
