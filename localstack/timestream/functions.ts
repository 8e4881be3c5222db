import { invalid } from './service-error.ts';

export type Scalar = 'varchar' | 'bigint' | 'double' | 'boolean' | 'timestamp' | 'interval';
export type Type = Scalar | { array: Scalar };

/** A bigint for the types bigint, timestamp (nanoseconds since the epoch) and interval. NULL is null. */
export type Value = string | number | bigint | boolean | null | readonly Value[];

export interface KnownFunction {
  aggregate: boolean;
  /** Its type for arguments of these types; undefined when it does not take them. */
  type(args: readonly Type[]): Type | undefined;
  /**
   * For an aggregate each argument is the list of its values, with NULLs. Otherwise the arguments are the values, none
   * of them NULL.
   */
  apply(...args: Value[]): Value;
}

const only =
  (...wanted: readonly Type[]) =>
  (args: readonly Type[]) =>
    JSON.stringify(args) === JSON.stringify(wanted);
const scalarOf = (type: Type | undefined) => (typeof type === 'string' ? type : undefined);
const listOf = (value: Value) => value as readonly Value[];
const notNull = (value: Value) => listOf(value).filter((one) => one !== null);
const order = (a: Value, b: Value) =>
  (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;

/** The functions that our store uses, each under the page that defines it. */
const FUNCTIONS: Readonly<Record<string, KnownFunction>> = {
  // https://docs.aws.amazon.com/timestream/latest/developerguide/date-time-functions.html
  from_milliseconds: {
    aggregate: false,
    type: (args) => (only('bigint')(args) ? 'timestamp' : undefined),
    apply: (ms) => (ms as bigint) * 1_000_000n,
  },
  bin: {
    aggregate: false,
    type: (args) => (only('timestamp', 'interval')(args) ? 'timestamp' : undefined),
    apply: (time, step) => (time as bigint) - ((time as bigint) % (step as bigint)),
  },
  // https://docs.aws.amazon.com/timestream/latest/developerguide/regex-functions.html
  regexp_like: {
    aggregate: false,
    type: (args) => (only('varchar', 'varchar')(args) ? 'boolean' : undefined),
    apply: (text, pattern) => fromJava(String(pattern)).test(String(text)),
  },
  // https://docs.aws.amazon.com/timestream/latest/developerguide/array-functions.html
  array_sort: {
    aggregate: false,
    type: ([array]) => (typeof array === 'object' ? array : undefined),
    apply: (array) => [...listOf(array)].sort(order),
  },
  element_at: {
    aggregate: false,
    type: ([array, index]) => (typeof array === 'object' && index === 'bigint' ? array.array : undefined),
    apply: (array, index) => listOf(array)[Number(index) - 1] ?? null,
  },
  // https://docs.aws.amazon.com/timestream/latest/developerguide/aggregate-functions.html
  avg: {
    aggregate: true,
    type: (args) => (only('double')(args) ? 'double' : undefined),
    apply(values) {
      const numbers = notNull(values) as number[];
      return numbers.length === 0 ? null : numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
    },
  },
  min: {
    aggregate: true,
    type: (args) => (args.length === 1 ? scalarOf(args[0]) : undefined),
    apply: (values) => notNull(values).sort(order).at(0) ?? null,
  },
  max: {
    aggregate: true,
    type: (args) => (args.length === 1 ? scalarOf(args[0]) : undefined),
    apply: (values) => notNull(values).sort(order).at(-1) ?? null,
  },
  max_by: {
    aggregate: true,
    type: (args) => (args.length === 2 ? scalarOf(args[0]) : undefined),
    apply(values, keys) {
      const indexes = listOf(keys).flatMap((key, i) => (key === null ? [] : [i]));
      const newest = indexes.sort((a, b) => order(listOf(keys)[a] ?? null, listOf(keys)[b] ?? null)).at(-1);
      return newest === undefined ? null : (listOf(values)[newest] ?? null);
    },
  },
  count: {
    aggregate: true,
    type: (args) => (args.length === 1 ? 'bigint' : undefined),
    apply: (values) => BigInt(notNull(values).length),
  },
  array_agg: {
    aggregate: true,
    type([type]) {
      const array = scalarOf(type);
      return array && { array };
    },
    apply: (values) => listOf(values),
  },
};

/** @throws ServiceError for an unknown function */
export function functionOf(name: string): KnownFunction {
  const found = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (!found) throw invalid(`the emulator does not know the function ${name}`);
  return found;
}

/** The part of Java's patterns that our store writes: (?s) at the start, \A and \z, and common syntax. */
function fromJava(pattern: string): RegExp {
  const flags = pattern.startsWith('(?s)') ? 'su' : 'u';
  const source = pattern.replace(/^\(\?s\)/, '').replace(/\\(.)/gsu, (whole, letter: string) => {
    if (letter === 'A') return '^';
    if (letter === 'z') return '$';
    if (/[a-z0-9]/i.test(letter)) throw invalid(`the emulator does not know ${whole} in a pattern`);
    return whole;
  });
  try {
    return new RegExp(source, flags);
  } catch (cause) {
    throw invalid(`the emulator cannot read the pattern ${pattern}: ${String(cause)}`);
  }
}
