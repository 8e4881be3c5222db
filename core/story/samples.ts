// The lines of a story's samples: one a series, of a ratio one a series and metric.

import type { Path } from '../config/problem.ts';
import type { Rule } from '../model/rule.ts';
import { metricsOf } from '../rule-query.ts';
import { quoted } from '../text/suggestions.ts';
import type { StoryFields } from './schema.ts';

export interface SampleLine {
  path: Path;
  /** What `late` calls it: `node-1`, of a ratio `load1 node-1`. */
  name: string;
  /** Expectations name it like this: the series without its metric. */
  subject: string;
  /** With a ratio: which of its two metrics the series is of. */
  metric?: string;
  text: string;
}

export function sampleLines(
  samples: StoryFields['samples'],
  rule: Rule | undefined,
  issue: (path: Path, message: string) => void,
): SampleLine[] {
  if (!rule) return Object.entries(samples).flatMap(([key, value]) => ofAnyRule(key, value));
  const sides = metricsOf(rule);
  const example = sides.map((side) => `${side}: { node-1: 95x6 }`).join(', ');
  return Object.entries(samples).flatMap(([key, value]): SampleLine[] => {
    const path = ['samples', key];
    if (rule.over === undefined) {
      if (typeof value === 'string') return [{ path, name: key, subject: key, text: value }];
      issue(path, 'a rule on one metric has its samples in one line a series: `{ node-1: 95x6 _ 40x3 }`');
      return [];
    }
    if (typeof value === 'string') {
      issue(path, `a rule on a ratio has samples of both metrics: \`{ ${example} }\``);
      return [];
    }
    if (!sides.includes(key)) {
      issue(path, `the ratio is not of ${quoted(key)}; write \`{ ${example} }\``);
      return [];
    }
    return Object.entries(value).map(([subject, text]) => ({
      path: [...path, subject],
      name: `${key} ${subject}`,
      subject,
      metric: key,
      text,
    }));
  });
}

/** Lines of a rule that is wrong: by their form, one metric or the two of a ratio. */
function ofAnyRule(key: string, value: StoryFields['samples'][string]): SampleLine[] {
  if (typeof value === 'string') return [{ path: ['samples', key], name: key, subject: key, text: value }];
  return Object.entries(value).map(([subject, text]) => ({
    path: ['samples', key, subject],
    name: `${key} ${subject}`,
    subject,
    metric: key,
    text,
  }));
}
