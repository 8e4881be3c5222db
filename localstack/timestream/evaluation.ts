import { functionOf, type Type, type Value } from './functions.ts';
import type { Expression, Operator, Statement } from './parser.ts';
import { invalid } from './service-error.ts';

/** The columns of a table with their types, in the order of `SELECT *`. */
export type Columns = ReadonlyMap<string, Type>;
export type Row = ReadonlyMap<string, Value>;

export interface Result {
  columns: readonly { name: string; type: Type }[];
  rows: readonly (readonly Value[])[];
}

interface Compiled {
  type: Type;
  /** Contains an aggregate, so it belongs to a group. */
  aggregate: boolean;
  of(row: Row, group: readonly Row[]): Value;
}

type Select = Extract<Statement, { kind: 'select' }>;

/** Answers a SELECT over rows. @throws ServiceError */
export function evaluateSelect(select: Select, columns: Columns, rows: Iterable<Row>): Result {
  const where = select.where && compile(select.where, columns);
  if (where && where.type !== 'boolean') throw invalid('WHERE clause must evaluate to a boolean');
  const found = [...rows].filter((row) => !where || where.of(row, []) === true);
  const items = (select.items ?? [...columns.keys()].map(columnItem)).map((item, i) => ({
    name: item.name ?? (item.expression.kind === 'column' ? item.expression.name : `_col${i}`),
    text: textOf(item.expression),
    compiled: compile(item.expression, columns),
  }));
  const shown = items.map(({ name, compiled }) => ({ name, type: compiled.type }));
  if (select.groupBy.length === 0) {
    if (items.some(({ compiled }) => compiled.aggregate))
      throw invalid('the emulator does not know aggregates without GROUP BY');
    return { columns: shown, rows: found.map((row) => items.map(({ compiled }) => compiled.of(row, []))) };
  }
  const keys = select.groupBy.map((expression) => ({
    text: textOf(expression),
    compiled: compile(expression, columns),
  }));
  for (const { name, text, compiled } of items) {
    if (!compiled.aggregate && !keys.some((key) => key.text === text))
      throw invalid(`'${name}' must be an aggregate expression or appear in GROUP BY clause`);
  }
  const groups = Map.groupBy(found, (row) =>
    keys.map(({ compiled }) => String(compiled.of(row, []))).join('\0'),
  );
  const answers = [...groups.values()].map((group) =>
    items.map(({ compiled }) => compiled.of(group[0] as Row, group)),
  );
  return { columns: shown, rows: answers };
}

const columnItem = (name: string): { expression: Expression; name?: string } => ({
  expression: { kind: 'column', name, line: 1, column: 1 },
});

/** The same for expressions that differ only in their position. */
function textOf(expression: Expression): string {
  return JSON.stringify(expression, (key, value: unknown) =>
    key === 'line' || key === 'column' ? undefined : typeof value === 'bigint' ? `${value}n` : value,
  );
}

function compile(expression: Expression, columns: Columns): Compiled {
  switch (expression.kind) {
    case 'literal':
      return { type: expression.type, aggregate: false, of: () => expression.value };
    case 'column': {
      const { name, line, column } = expression;
      const type = columns.get(name);
      // The service's own message, as users quote it for tables without a record.
      if (type === undefined) throw invalid(`line ${line}:${column}: Column '${name}' does not exist`);
      return { type, aggregate: false, of: (row) => row.get(name) ?? null };
    }
    case 'operator':
      return operation(
        expression.operator,
        expression.args.map((one) => compile(one, columns)),
      );
    case 'call':
      return call(
        expression.name,
        expression.args.map((one) => compile(one, columns)),
      );
  }
}

function call(name: string, args: readonly Compiled[]): Compiled {
  const known = functionOf(name);
  const types = args.map(({ type }) => type);
  const type = known.type(types);
  if (type === undefined)
    throw invalid(`Unexpected parameters (${types.map(nameOf).join(', ')}) for function ${name}`);
  if (known.aggregate) {
    if (args.some(({ aggregate }) => aggregate))
      throw invalid(`Cannot nest aggregations inside aggregation ${name}`);
    return {
      type,
      aggregate: true,
      of: (_, group) => known.apply(...args.map((arg) => group.map((row) => arg.of(row, [])))),
    };
  }
  return {
    type,
    aggregate: args.some(({ aggregate }) => aggregate),
    of(row, group) {
      const values = args.map((arg) => arg.of(row, group));
      return values.includes(null) ? null : known.apply(...values);
    },
  };
}

function operation(operator: Operator, args: readonly Compiled[]): Compiled {
  const types = args.map(({ type }) => nameOf(type));
  const aggregate = args.some((arg) => arg.aggregate);
  const [first = 'nothing'] = types;
  const fits =
    operator === 'is null' ||
    operator === 'is not null' ||
    (types.every((type) => type === first) &&
      (operator === 'and' || operator === 'or'
        ? first === 'boolean'
        : !/[+*/]/.test(operator) || first === 'bigint'));
  if (!fits) throw invalid(`Cannot apply operator: ${types.join(` ${operator} `)}`);
  const type = /[+*/]/.test(operator) ? 'bigint' : 'boolean';
  return {
    type,
    aggregate,
    of: (row, group) =>
      operate(
        operator,
        args.map((arg) => arg.of(row, group)),
      ),
  };
}

/** With the NULL of SQL: unknown, unless the other side decides. */
function operate(operator: Operator, values: readonly Value[]): Value {
  const [left = null, ...rest] = values;
  const [right = null, high = null] = rest;
  if (operator === 'is null') return left === null;
  if (operator === 'is not null') return left !== null;
  if (operator === 'and') return values.includes(false) ? false : values.includes(null) ? null : true;
  if (operator === 'or') return values.includes(true) ? true : values.includes(null) ? null : false;
  if (operator === 'in' && left !== null)
    return rest.includes(left) ? true : rest.includes(null) ? null : false;
  if (values.includes(null)) return null;
  switch (operator) {
    case '=':
      return left === right;
    case '>=':
      return (left as bigint) >= (right as bigint);
    case 'between':
      return (left as bigint) >= (right as bigint) && (left as bigint) <= (high as bigint);
    case '+':
      return (left as bigint) + (right as bigint);
    case '*':
      return (left as bigint) * (right as bigint);
    default:
      return (left as bigint) / (right as bigint);
  }
}

export function nameOf(type: Type): string {
  return typeof type === 'string' ? type : `array(${type.array})`;
}
