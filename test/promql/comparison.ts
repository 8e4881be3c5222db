// How an answer of ours differs from the engine's.
import type { Answer, AnswerSeries, ReferenceQuery } from './reference.ts';
import { parseGoFloat } from './samples.ts';

/** Where last bits differ: a later operator may subtract near values. */
const TOLERANCE = 1e-9;

export interface Leniency {
  /** Last bits may differ. */
  approximate?: boolean;
  /** 0 is -0. */
  signlessZero?: boolean;
}

/** Describes the difference in words; undefined: they are equal. */
export function differenceOf(
  query: ReferenceQuery,
  expected: Answer,
  got: Answer,
  leniency: Leniency = {},
): string | undefined {
  if (expected.error !== undefined || got.error !== undefined) return differenceOfErrors(expected, got);
  if (expected.type !== got.type) return `type ${got.type} instead of ${expected.type}`;
  const [wanted, given] = [expected.series ?? [], got.series ?? []];
  const isOrdered = query.stepMs === 0 && /^(sort|sort_desc|topk|bottomk)\b/.test(query.text);
  if (isOrdered && expected.type === 'vector') {
    const keys = [wanted, given].map((all) => all.map(keyOf).join(' '));
    if (keys[0] !== keys[1]) return `series ${keys[1]} instead of ${keys[0]}`;
  }
  const ours = new Map(given.map((one) => [keyOf(one), one]));
  if (ours.size !== given.length) return 'a label set comes twice';
  for (const one of wanted) {
    const mine = ours.get(keyOf(one));
    if (mine === undefined) return `no series ${keyOf(one)}`;
    ours.delete(keyOf(one));
    if (String(one.times) !== String(mine.times))
      return `${keyOf(one)}: times ${mine.times} instead of ${one.times}`;
    if (!areEqual(one.values, mine.values, leniency))
      return `${keyOf(one)}: ${mine.values} instead of ${one.values}`;
  }
  const [more] = ours.keys();
  return more === undefined ? undefined : `series ${more} is too many`;
}

function differenceOfErrors(expected: Answer, got: Answer): string | undefined {
  if (got.error === undefined) return `an answer instead of the error: ${expected.error}`;
  if (expected.error === undefined) return `the error: ${got.error}`;
  if (expected.errorType === got.errorType) return undefined;
  return `${got.errorType} (${got.error}) instead of ${expected.errorType} (${expected.error})`;
}

const keyOf = ({ labels }: AnswerSeries) =>
  `{${Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${JSON.stringify(value.replace(LONG_NUMBER, shortened))}`)
    .join(',')}}`;

/** `count_values` makes labels of values, also of approximate ones. */
const LONG_NUMBER = /^-?\d+\.\d{10,}(e[+-]\d+)?$/;
const shortened = (text: string) => Number(text).toPrecision(10);

function areEqual(wanted: string, given: string, leniency: Leniency): boolean {
  if (wanted === given) return true;
  const [a, b] = [wanted.split(' '), given.split(' ')];
  return a.length === b.length && a.every((one, i) => isEqual(one, b[i] as string, leniency));
}

function isEqual(wanted: string, given: string, { approximate, signlessZero }: Leniency): boolean {
  if (wanted === given) return true;
  if (wanted === '_' || given === '_') return false;
  const [a, b] = [parseGoFloat(wanted), parseGoFloat(given)];
  // Texts of the same number may differ: 1e+21 and 1000000000000000000000.
  if (Object.is(a, b) || (signlessZero && a === b)) return true;
  return approximate === true && Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(a), Math.abs(b));
}
