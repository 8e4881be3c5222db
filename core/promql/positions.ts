// Where an error lies in a query.

import { QueryError } from './source.ts';

/** `bad_data` with line and column, as Prometheus writes them: `2:7: unexpected …`. */
export function errorAt(query: string, offset: number, message: string): QueryError {
  const before = query.slice(0, offset).split('\n');
  const column = [...(before.at(-1) ?? '')].length + 1;
  return new QueryError('bad_data', `${before.length}:${column}: ${message}`);
}
