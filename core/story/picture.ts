import { formatDuration } from '../duration.ts';
import { breachTest, firingTest } from '../evaluate/condition.ts';
import { ratioSeries } from '../evaluate/ratio.ts';
import { labelKey } from '../labels.ts';
import type { Alert } from '../model/alert.ts';
import { nameOf, seriesNames } from './comparison.ts';
import type { Story } from './model.ts';
import type { Mark } from './notation.ts';
import type { StoryResult } from './run.ts';

/** Signs of the picture; docs/rules.md explains them. */
const SIGNS = { breach: '▲', kept: '△', fine: '▽', lacking: '_', down: 'D', untried: ' ' } as const;
const STATES = { ok: '·', pending: '░', firing: '█' } as const;
const LABEL_ROUNDS = 5;

/** A story as lines of text: each series' samples, and the state of its alert after each round. */
export function drawStory({ story, states }: StoryResult): string {
  const names = seriesNames(story);
  const rounds = Math.max(...story.series.map(({ marks }) => marks.length));
  const drawn = marksOf(story, rounds);
  const alerts = new Map<string, Map<number, Alert>>();
  for (const name of drawn.keys()) alerts.set(name, new Map());
  for (const { atMs, alerts: open } of states) {
    for (const alert of open) {
      const name = nameOf(names, alert.labels);
      alerts.set(name, (alerts.get(name) ?? new Map()).set(atMs, alert));
    }
  }
  const breaches = breachTest(story.rule.condition);
  const staysFiring = firingTest(story.rule);
  const sign = (mark: Mark) =>
    mark.kind !== 'sample'
      ? SIGNS[mark.kind]
      : breaches(mark.value)
        ? SIGNS.breach
        : SIGNS[staysFiring(mark.value) ? 'kept' : 'fine'];
  const width = Math.max(5, ...[...alerts.keys()].map((name) => name.length));
  const line = (head: string, body: string) => `${head.padEnd(width)}  ${body}`.trimEnd();

  const lines = [line('', axis(rounds, story.everyMs))];
  for (const [name, byTime] of alerts) {
    const marks = drawn.get(name) ?? [];
    lines.push(line(name, marks.map(sign).join('')));
    const evaluatedAt = states.map(({ atMs }) => atMs);
    const state = Array.from({ length: rounds }, (_, round) => {
      const atMs = round * story.everyMs;
      return evaluatedAt.includes(atMs) ? STATES[byTime.get(atMs)?.status ?? 'ok'] : ' ';
    });
    lines.push(line('', state.join('')));
  }
  return lines.join('\n');
}

/** What rounds brought, by name; of a ratio the quotients, and where there is none what the dividend had. */
function marksOf(
  { rule, series, everyMs, measuredEveryMs }: Story,
  rounds: number,
): Map<string, readonly Mark[]> {
  if (rule.over === undefined) return new Map(series.map(({ name, marks }) => [name, marks]));
  const sides = series.map(({ metric = rule.metric, labels, marks }) => ({
    metric,
    labels,
    points: marks.flatMap((mark, i) =>
      mark.kind === 'sample' ? [{ timeMs: i * everyMs, value: mark.value }] : [],
    ),
  }));
  const quotients = new Map(
    ratioSeries(rule, sides, () => measuredEveryMs, -Infinity).map(({ labels, points }) => [
      labelKey(labels),
      new Map(points.map(({ timeMs, value }) => [timeMs, value])),
    ]),
  );
  const dividends = series.filter(({ metric }) => metric === rule.metric);
  return new Map(
    dividends.map(({ subject, labels, marks }) => {
      const values = quotients.get(labelKey(labels));
      const drawn = Array.from({ length: rounds }, (_, i): Mark => {
        const value = values?.get(i * everyMs);
        if (value !== undefined) return { kind: 'sample', value };
        const mark = marks[i] ?? { kind: 'untried' };
        return mark.kind === 'sample' ? { kind: 'lacking' } : mark;
      });
      return [subject, drawn];
    }),
  );
}

/** Times above every fifth round, where there is room. */
function axis(rounds: number, everyMs: number): string {
  let text = '';
  for (let round = 0; round < rounds; round += LABEL_ROUNDS) {
    if (round === 0 || text.length < round)
      text = text.padEnd(round) + (round === 0 ? '0' : formatDuration(round * everyMs));
  }
  return text;
}
