import { labelKey } from '../labels.ts';
import type { Labels } from '../model/labels.ts';
import type { Transition } from '../model/transition.ts';
import { describeExpectation, describeTransition } from './expectation.ts';
import type { Expectation, Story } from './model.ts';
import { parseSeriesName } from './series-name.ts';

/** One line of a story's outcome: what was expected there, and what came. */
export interface Row {
  atMs: number;
  series: string;
  expected?: string;
  got?: string;
  ok: boolean;
}

/** Lays transitions beside expectations, in order of time. A time that an expectation does not name is not compared. */
export function compare(story: Story, transitions: readonly Transition[]): Row[] {
  const names = seriesNames(story);
  const left = transitions.map((transition) => ({ transition, series: nameOf(names, transition.labels) }));
  const rows = story.expect.map((expected): Row => {
    const { atMs, series } = expected;
    const i = left.findIndex(({ transition, series: name }) => transition.atMs === atMs && name === series);
    const got = i >= 0 ? left.splice(i, 1)[0]?.transition : undefined;
    return {
      atMs,
      series,
      expected: describeExpectation(expected),
      got: got && describeTransition(got, expected),
      ok: got !== undefined && matches(expected, got),
    };
  });
  for (const { transition, series } of left) {
    rows.push({ atMs: transition.atMs, series, got: describeTransition(transition, undefined), ok: false });
  }
  return rows.sort((a, b) => a.atMs - b.atMs);
}

function matches(expected: Expectation, got: Transition): boolean {
  return (
    expected.kind === got.kind &&
    expected.reason === got.reason &&
    (expected.clearedMs === undefined || expected.clearedMs === got.clearedAtMs) &&
    (expected.sinceMs === undefined || expected.sinceMs === got.sinceMs)
  );
}

/** Label sets under the names that the story gives them. */
export function seriesNames(story: Story): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { series } of story.expect) {
    const parsed = parseSeriesName(series);
    if (typeof parsed !== 'string') names.set(labelKey(parsed.labels), series);
  }
  for (const { subject, labels } of story.series) names.set(labelKey(labels), subject);
  return names;
}

export function nameOf(names: ReadonlyMap<string, string>, labels: Labels): string {
  const written = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
  return names.get(labelKey(labels)) ?? written.join(' ');
}
