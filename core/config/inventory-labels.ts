// Labels of the owner's choice, which clusters and nodes have beside those of their series.

import { z } from 'zod';
import { GROUP_LABELS } from '../catalogue.ts';
import { SUMMARY_FIELDS } from '../notify/summary.ts';
import { quoted } from '../text/suggestions.ts';

/**
 * They are stored with each alert and each message about it: these limits keep a thousand alerts of one incident within
 * what a state store takes.
 */
const MOST_LABELS = 10;
const LONGEST_NAME = 50;
const LONGEST_VALUE = 100;
/** Of names and values together, as UTF-8: a hundred characters may be four hundred bytes. */
const MOST_BYTES = 500;

/** https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels */
const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Names that mean something else: labels of series, what routes and messages know of an alert, and labels that Prometheus sets. */
const RESERVED: ReadonlySet<string> = new Set([
  ...Object.values(GROUP_LABELS).flat(),
  ...['rule', 'severity', ...SUMMARY_FIELDS, 'since', 'cleared'],
  ...['alertname', 'instance', 'job', 'le', 'quantile'],
]);

const utf8 = new TextEncoder();

/** Control and format characters could forge lines of messages, or reverse them. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

export const inventoryLabelsSchema = z
  .record(z.string(), z.string({ error: 'the value of a label is text; put it in quotes' }))
  .superRefine((labels, context) => {
    const names = Object.keys(labels);
    const issue = (path: string[], message: string, at?: 'key') =>
      context.addIssue({ code: 'custom', path, message, input: labels, params: { at } });
    if (names.length > MOST_LABELS)
      issue([], `there are ${names.length} labels; write ${MOST_LABELS} at most`);
    for (const name of names.slice(0, MOST_LABELS)) {
      const [badName, badValue] = [nameProblem(name), valueProblem(labels[name] ?? '')];
      if (badName !== undefined) issue([name], badName, 'key');
      else if (badValue !== undefined) issue([name], badValue);
    }
    const bytes = utf8.encode(Object.entries(labels).flat().join('')).length;
    if (names.length <= MOST_LABELS && bytes > MOST_BYTES)
      issue([], `the labels have ${bytes} bytes with their names; shorten them to ${MOST_BYTES}`);
  })
  .meta({
    maxProperties: MOST_LABELS,
    propertyNames: { pattern: NAME.source, maxLength: LONGEST_NAME },
    examples: [{ zone: 'kr-1a', customer: 'acme' }],
  });

function nameProblem(name: string): string | undefined {
  if (RESERVED.has(name)) return `the name ${quoted(name)} is taken; choose another, like \`my_${name}\``;
  // A name that every object of JavaScript has could be found where no label is.
  if (!NAME.test(name) || name.startsWith('__') || name in {})
    return `${quoted(name)} is not a label name; write letters, digits and \`_\`, and begin with a letter`;
  if (name.length > LONGEST_NAME) return `a label name has ${LONGEST_NAME} characters at most`;
  return undefined;
}

function valueProblem(value: string): string | undefined {
  if (value.trim() === '') return 'the value of a label is empty; take the label out, or write a value';
  if ([...value].length > LONGEST_VALUE)
    return `the value of a label has ${LONGEST_VALUE} characters at most`;
  if (INVISIBLE.test(value)) return 'the value of a label is one line of visible characters';
  return undefined;
}

/** What a source takes labels from: names as above, and where in its answer the value is. */
export function labelPathsSchema<T extends z.ZodType<string>>(path: T) {
  return z
    .record(z.string(), path)
    .superRefine((paths, context) => {
      const names = Object.keys(paths);
      const issue = (at: string[], message: string) =>
        context.addIssue({ code: 'custom', path: at, message, input: paths });
      if (names.length > MOST_LABELS)
        issue([], `there are ${names.length} labels; write ${MOST_LABELS} at most`);
      for (const name of names) {
        const problem = nameProblem(name);
        if (problem !== undefined) issue([name], problem);
      }
    })
    .meta({
      maxProperties: MOST_LABELS,
      propertyNames: { pattern: NAME.source, maxLength: LONGEST_NAME },
      examples: [{ customer: 'tenant.name' }],
    });
}

/** Whether clusters and nodes may have a label of that name. */
export function mayBeInventoryLabel(name: string): boolean {
  return nameProblem(name) === undefined;
}
