// Binary operators between expressions that follow from a seed, with clauses that mostly find a match.
import type { Random } from '../simulation/random.ts';
import type { Choose, Expression, Expressions } from './expressions.ts';

export interface Binaries {
  scalars(depth: number): string;
  vectors(depth: number): Expression;
}

const ARITHMETIC = ['+', '-', '*', '/', '%', '^', 'atan2'] as const;
const COMPARISONS = ['==', '!=', '>', '<', '>=', '<='] as const;
const SETS = ['and', 'or', 'unless'] as const;

export function createBinaries(of: Expressions, random: Random, choose: Choose): Binaries {
  function operator(withSets: boolean, boolNeeded: boolean): string {
    const op = choose('operator', [...ARITHMETIC, ...COMPARISONS, ...(withSets ? SETS : [])]);
    const compares = (COMPARISONS as readonly string[]).includes(op);
    if (!compares) return op;
    return boolNeeded || choose('bool', ['', 'bool']) === 'bool' ? `${op} bool` : op;
  }

  const paren = (text: string) => `(${text})`;

  function vectors(depth: number): Expression {
    const kind = choose('operands', { vectors: 3, info: 1, 'vector scalar': 1, 'scalar vector': 1 });
    const one = of.vector(depth - 1);
    if (kind === 'vector scalar')
      return {
        text: `${paren(one.text)} ${operator(false, false)} ${of.scalar(depth - 1)}`,
        labels: one.labels,
      };
    if (kind === 'scalar vector')
      return {
        text: `${of.scalar(depth - 1)} ${operator(false, false)} ${paren(one.text)}`,
        labels: one.labels,
      };
    if (kind === 'info' && one.labels.includes('node')) {
      const on = one.labels.includes('cluster') ? 'on (cluster, node)' : 'on (node)';
      return {
        text: `${paren(one.text)} * ${on} group_left (version) node_info`,
        labels: [...one.labels, 'version'],
      };
    }
    return matched(one, choose('other', { same: 1, another: 2 }) === 'same' ? one : of.vector(depth - 1));
  }

  function matched(left: Expression, right: Expression): Expression {
    const op = operator(true, false);
    if ((SETS as readonly string[]).includes(op)) {
      const clause = setClause(left, right);
      return { text: `${paren(left.text)} ${op}${clause} ${paren(right.text)}`, labels: left.labels };
    }
    const common = left.labels.filter((label) => right.labels.includes(label));
    const wild = random.chance(0.1);
    if (!wild && left.labels.length === right.labels.length && common.length === left.labels.length) {
      const clause = choose('same', ['', 'ignoring', 'on', 'group_left', 'group_right']);
      return {
        text: `${paren(left.text)} ${op}${clauseOf(clause, left.labels)} ${paren(right.text)}`,
        labels: left.labels,
      };
    }
    // The side with fewer labels is made unique by the labels that both have: the other one is the many side.
    const [many, one] = left.labels.length >= right.labels.length ? [left, right] : [right, left];
    const side = many === left ? 'group_left' : 'group_right';
    const only = wild
      ? one.text
      : `${random.pick(['sum', 'max', 'min'])} by (${common.join(', ')}) (${one.text})`;
    const mode = choose('matching', ['on', 'ignoring']);
    const named = mode === 'on' ? common : many.labels.filter((label) => !common.includes(label));
    const include = random.chance(0.4)
      ? random.pick([[], ['version'], ['cluster'], ['mount', 'missing']])
      : [];
    const group = wild && random.chance(0.5) ? '' : ` ${side} (${include.join(', ')})`;
    const clause = ` ${mode} (${named.join(', ')})${group}`;
    const sides = many === left ? [many.text, only] : [only, many.text];
    return {
      text: `${paren(sides[0] as string)} ${op}${clause} ${paren(sides[1] as string)}`,
      labels: many.labels,
    };
  }

  function clauseOf(kind: string, labels: readonly string[]): string {
    if (kind === '') return '';
    if (kind === 'ignoring') return ' ignoring (missing)';
    const on = ` on (${labels.join(', ')})`;
    return kind === 'on' ? on : `${on} ${kind} ()`;
  }

  function setClause(left: Expression, right: Expression): string {
    const kind = choose('set matching', ['', 'on', 'ignoring']);
    if (kind === '') return '';
    const named = [...new Set([...left.labels, ...right.labels])].filter(() => random.chance(0.5));
    return ` ${kind} (${named.join(', ')})`;
  }

  return {
    scalars(depth) {
      return `${of.scalar(depth - 1)} ${operator(false, true)} ${of.scalar(depth - 1)}`;
    },
    vectors,
  };
}
