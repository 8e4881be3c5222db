// Expressions of the query language that follow from a seed. Each choice takes one of the least used alternatives, so that all occur
// about equally often.
import { AGGREGATIONS, FUNCTIONS, type FunctionType } from '../../core/promql/functions.ts';
import type { Random } from '../simulation/random.ts';
import { createBinaries } from './binaries.ts';
import { createSelectors } from './selectors.ts';

/** An expression with the labels that its series differ in, as far as that can be known without an evaluation. */
export interface Expression {
  text: string;
  labels: readonly string[];
}

/** One of the alternatives that were taken least often so far, by their weights (default 1). */
export type Choose = (
  what: string,
  alternatives: readonly string[] | Readonly<Record<string, number>>,
) => string;

export interface Expressions {
  scalar(depth: number): string;
  vector(depth: number): Expression;
  /** A range vector. */
  range(depth: number): Expression;
}

export function createChoose(random: Random): Choose {
  const taken = new Map<string, number>();
  return (what, alternatives) => {
    const weights = Array.isArray(alternatives)
      ? alternatives.map((one) => [one, 1] as const)
      : Object.entries(alternatives);
    const share = ([one, weight]: readonly [string, number]) => (taken.get(`${what} ${one}`) ?? 0) / weight;
    const least = Math.min(...weights.map(share));
    const [one] = random.pick(weights.filter((alternative) => share(alternative) === least));
    taken.set(`${what} ${one}`, (taken.get(`${what} ${one}`) ?? 0) + 1);
    return one;
  };
}

const NUMBERS = [
  '0',
  '1',
  '2',
  '-1',
  '0.5',
  '1e3',
  '0x1F',
  '100',
  '1_000',
  '.5',
  'Inf',
  '-Inf',
  'NaN',
  '5m',
  '3.7',
] as const;
const QUANTILES = ['0', '0.5', '0.9', '0.99', '1', '-0.5', '1.5', 'NaN'] as const;
const COUNTS = ['0', '1', '2', '3', '-1', '1.7', '100'] as const;
const LABELS_OF_AGGREGATES = ['cluster', 'node', 'mount', 'device', 'missing'] as const;
/** Go converts floats to times only within these; beyond, the result depends on the processor. */
const DATE_FUNCTIONS = new Set([
  'minute',
  'hour',
  'day_of_week',
  'day_of_month',
  'day_of_year',
  'days_in_month',
  'month',
  'year',
]);
const DATES = { from: '-6e10', to: '2e11' } as const;
/** Arguments of `label_replace`: destination, replacement, source, expression. */
const REPLACEMENTS = [
  ['zone', '$1', 'node', '(.*)-.*'],
  ['node', 'x-${2}-$1', 'node', '(\\\\w+)-(?P<n>.*)'],
  ['cluster', '', 'node', '.*'],
  ['copy', '$n!', 'node', '(?P<n>[a-z]+)-\\\\d'],
  ['copy', '$0', 'missing', '.*'],
  ['none', 'a$$b$3', 'cluster', 'blue|red'],
  ['__name__', 'renamed', 'cluster', 'no match'],
  ['__name__', 'renamed_$1', 'node', '.*(\\\\d)'],
] as const;

export function createExpressions(random: Random, choose: Choose): Expressions {
  const selectors = createSelectors(random, choose);
  const number = () => choose('number', NUMBERS);
  /** One text of several that mean the same. */
  const write = (...texts: readonly string[]) => random.pick(texts);

  function scalar(depth: number): string {
    const kind =
      depth <= 0 ? 'number' : choose('scalar', { number: 2, time: 1, pi: 1, scalar: 1, binary: 1, unary: 1 });
    if (kind === 'time' || kind === 'pi') return `${kind}()`;
    if (kind === 'scalar') return `scalar(${vector(depth - 1).text})`;
    if (kind === 'unary') return `-(${scalar(depth - 1)})`;
    return kind === 'binary' ? `(${binaries.scalars(depth)})` : number();
  }

  function vector(depth: number): Expression {
    if (depth <= 0) return selectors.instant();
    const kind = choose('vector', { call: 6, aggregate: 2, binary: 3, selector: 1, unary: 1 });
    if (kind === 'aggregate') return aggregate(depth);
    if (kind === 'binary') return binaries.vectors(depth);
    if (kind === 'selector') return selectors.instant();
    if (kind === 'call') return call(depth);
    const { text, labels } = vector(depth - 1);
    return { text: write(`-(${text})`, `+(${text})`, `- (${text})`), labels };
  }

  function range(depth: number): Expression {
    if (depth <= 0 || choose('range', { selector: 2, subquery: 1 }) === 'selector') return selectors.range();
    return selectors.subquery(vector(depth - 1));
  }

  function call(depth: number): Expression {
    const names = Object.entries<FunctionType>(FUNCTIONS).filter(([, type]) => type.returns === 'vector');
    const name = choose(
      'function',
      names.map(([one]) => one),
    );
    if (name === 'label_replace') return replaced(vector(depth - 1));
    if (name === 'label_join') return joined(vector(depth - 1));
    if (name === 'vector') return { text: `vector(${scalar(depth - 1)})`, labels: [] };
    const { args, optional = 0 } = FUNCTIONS[name as keyof typeof FUNCTIONS] as FunctionType;
    const given = args.slice(0, args.length - random.int(0, optional));
    let labels: readonly string[] = [];
    const texts = given.map((type) => {
      if (type === 'scalar')
        return name === 'quantile_over_time' ? choose('quantile', QUANTILES) : scalar(depth - 2);
      const argument = type === 'matrix' ? range(depth - 1) : vector(depth - 1);
      labels = name.startsWith('absent') ? [] : argument.labels;
      return DATE_FUNCTIONS.has(name) ? `(${argument.text}) > ${DATES.from} < ${DATES.to}` : argument.text;
    });
    return { text: `${name}(${texts.join(', ')})`, labels };
  }

  function replaced({ text, labels }: Expression): Expression {
    const [to, replacement, from, expression] = random.pick(REPLACEMENTS);
    const more = labels.includes(to) || to === '__name__' ? labels : [...labels, to];
    return {
      text: `label_replace(${text}, "${to}", "${replacement}", '${from}', "${expression}")`,
      labels: more,
    };
  }

  function joined({ text, labels }: Expression): Expression {
    const from = labels.slice(0, random.int(0, 3)).map((label) => `, "${label}"`);
    return { text: `label_join(${text}, "joined", "-"${from.join('')})`, labels: [...labels, 'joined'] };
  }

  function aggregate(depth: number): Expression {
    const op = choose('aggregation', Object.keys(AGGREGATIONS));
    const { text, labels } = vector(depth - 1);
    const { clause, kept } = grouping(labels);
    const parameter = parameterOf(op, depth);
    const argument = parameter === undefined ? text : `${parameter}, ${text}`;
    const written = write(
      `${op}${clause} (${argument})`,
      `${op}(${argument})${clause}`,
      `${op} ${clause}(${argument})`,
    );
    if (op === 'count_values') return { text: written, labels: [...kept, 'value'] };
    return { text: written, labels: op === 'topk' || op === 'bottomk' ? labels : kept };
  }

  function parameterOf(op: string, depth: number): string | undefined {
    if (op === 'count_values') return random.chance(0.8) ? '"value"' : '"node"';
    if (op === 'quantile') return choose('quantile', QUANTILES);
    if (op !== 'topk' && op !== 'bottomk') return undefined;
    return random.chance(0.9) ? choose('count', COUNTS) : scalar(depth - 2);
  }

  function grouping(labels: readonly string[]): { clause: string; kept: readonly string[] } {
    const mode = choose('grouping', { none: 1, by: 2, without: 2 });
    if (mode === 'none') return { clause: '', kept: [] };
    const candidates = [...new Set([...labels, ...LABELS_OF_AGGREGATES])];
    const named = candidates.filter(() => random.chance(0.35));
    const kept = labels.filter((label) => named.includes(label) === (mode === 'by'));
    return { clause: ` ${write(mode, mode.toUpperCase())} (${named.join(', ')})`, kept };
  }

  const binaries = createBinaries({ scalar, vector, range }, random, choose);
  return { scalar, vector, range };
}
