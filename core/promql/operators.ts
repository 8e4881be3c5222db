import type { BinaryNode } from './ast.ts';

type Operator = BinaryNode['op'];

const ARITHMETIC: Readonly<Partial<Record<Operator, (left: number, right: number) => number>>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '%': (left, right) => left % right,
  '^': power,
  atan2: Math.atan2,
};

const COMPARISONS: Readonly<Partial<Record<Operator, (left: number, right: number) => boolean>>> = {
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '>': (left, right) => left > right,
  '<': (left, right) => left < right,
  '>=': (left, right) => left >= right,
  '<=': (left, right) => left <= right,
};

/** By IEEE 754, where ECMAScript answers NaN: 1 to the power of anything is 1, and so is -1 to that of infinity. */
function power(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && Math.abs(exponent) === Infinity)) return 1;
  return base ** exponent;
}

export type Operation =
  | { kind: 'arithmetic'; compute: (left: number, right: number) => number }
  | { kind: 'comparison'; holds: (left: number, right: number) => boolean };

/** What an operator does with two numbers. A set operator does nothing with them: it must not come here. */
export function operationOf(op: Operator): Operation {
  const compute = ARITHMETIC[op];
  if (compute) return { kind: 'arithmetic', compute };
  const holds = COMPARISONS[op];
  if (holds) return { kind: 'comparison', holds };
  throw new Error(`${op} has no operation on numbers`);
}
