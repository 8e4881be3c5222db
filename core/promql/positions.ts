// Where an error lies in a query.

import { QueryError } from './source.ts';

/** `bad_data` with line and column, as Prometheus writes them: `2:7: unexpected …`. */
export function errorAt(query: string, offset: number, message: string): QueryError {
  return new QueryError('bad_data', `${positionOf(query, offset)}: ${message}`);
}

/** Line and column, both from 1. */
export function positionOf(query: string, offset: number): string {
  const before = query.slice(0, offset).split('\n');
  return `${before.length}:${[...(before.at(-1) ?? '')].length + 1}`;
}
