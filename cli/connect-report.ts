import type { ConnectRow } from './connect-row.ts';
import { type Paint, plural } from './problem-report.ts';
import { renderTable } from './table.ts';

const HUES = { ok: 'green', warning: 'yellow', failed: 'red', unknown: 'dim' } as const;
/** An advice lists this many names, and the number of the others. */
const MOST_NAMES = 5;

/** One row for each host, channel and so on; then each advice once, with all rows that need it. */
export function connectReport(rows: readonly ConnectRow[], paint: Paint): string {
  const table = renderTable(
    ['', 'KIND', 'NAME', ''],
    rows.map(({ kind, name, state, detail }) => [paint(HUES[state], state), kind, name, detail]),
    [],
    { wrap: 3 },
  );
  const advice = Map.groupBy(
    rows.filter((row) => row.advice !== undefined),
    (row) => row.advice,
  );
  const todo = [...advice].map(([text = '', needing]) => {
    const names = needing
      .slice(0, MOST_NAMES)
      .map(({ kind, name }) => (kind === 'node' ? name : `${kind} ${name}`));
    const more = needing.length > MOST_NAMES ? ` and ${needing.length - MOST_NAMES} more` : '';
    // A line to copy is not indented and not wrapped.
    return `${paint('bold', `${names.join(', ')}${more}`)}\n  ${text}\n`;
  });
  return [table, ...todo, `${summary(rows)}\n`].join('\n');
}

/** Whether nothing failed. A row is unknown because another one failed, or because nobody can know. */
export function isConnected(rows: readonly ConnectRow[]): boolean {
  return rows.every(({ state }) => state !== 'failed');
}

function summary(rows: readonly ConnectRow[]): string {
  const count = (state: ConnectRow['state']) => rows.filter((row) => row.state === state).length;
  const parts = [
    `${count('ok')} ok`,
    count('warning') > 0 ? plural(count('warning'), 'warning') : '',
    count('failed') > 0 ? `${count('failed')} failed` : '',
    count('unknown') > 0 ? `${count('unknown')} unknown` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}
