import { formatDuration } from '../duration.ts';
import { drawStory } from './picture.ts';
import type { StoryResult } from './run.ts';

/** What happened in a story, as a diff: `-` was expected and did not come, `+` came and was not expected. */
export function storyDiff({ rows }: Pick<StoryResult, 'rows'>): string[] {
  const lines = rows.flatMap((row) => {
    const head = [formatDuration(row.atMs), row.series] as const;
    if (row.ok) return [[' ', ...head, row.expected ?? '']];
    const expected = row.expected === undefined ? [] : [['-', ...head, row.expected]];
    const got = row.got === undefined ? [] : [['+', ...head, row.got]];
    return [...expected, ...got];
  });
  const width = (column: number) => Math.max(0, ...lines.map((line) => line[column]?.length ?? 0));
  const [time, series] = [width(1), width(2)];
  return lines.map(
    ([sign = '', at = '', name = '', text = '']) =>
      `${sign} ${at.padStart(time)}  ${name.padEnd(series)}  ${text}`,
  );
}

/** A failed story for people: how it was evaluated, the diff, the picture. */
export function describeFailure(result: StoryResult): string {
  const lines = storyDiff(result);
  const nothing = 'nothing was expected and nothing came';
  const more = result.chunking === 'every round' ? '' : ' (every round by itself gives what is expected)';
  return [
    `evaluated ${result.chunking}${more}; - expected, + came`,
    '',
    ...(lines.length > 0 ? lines : [nothing]),
    '',
    drawStory(result),
  ].join('\n');
}
