// `label_replace`, `label_join`, and the labels of `absent`.

import type { RE2JS } from 're2js';
import type { Labels } from '../model/labels.ts';
import type { QueryNode, StringNode } from './ast.ts';
import type { Evaluation } from './evaluation.ts';
import { mergeSameLabels, type SteppedSeries } from './grid.ts';
import { labelValue, METRIC_NAME, withLabel } from './label-sets.ts';
import { compileExpression } from './matchers.ts';
import { QueryError } from './source.ts';

export async function replaceLabel(
  series: readonly SteppedSeries[],
  [target, template, source, pattern]: readonly StringNode[],
  evaluation: Evaluation,
): Promise<SteppedSeries[]> {
  checkLabelName('label_replace', target!.value);
  const compiled = compile(pattern!.value);
  const replaced: SteppedSeries[] = [];
  for (const one of series) {
    const value = labelValue(one.labels, source!.value);
    const matcher = compiled.matcher(value);
    if (matcher.matches()) {
      const group = (name: string) => groupOf(compiled, matcher, name);
      const labels = withLabel(one.labels, target!.value, expand(template!.value, group));
      replaced.push({ ...one, labels });
    } else replaced.push(one);
    if (evaluation.isPauseDue(compiled.programSize() * (value.length + 1))) await evaluation.pause();
  }
  return mergeSameLabels(replaced);
}

export function joinLabels(
  series: readonly SteppedSeries[],
  [target, separator, ...sources]: readonly StringNode[],
): SteppedSeries[] {
  for (const { value } of [target!, ...sources]) checkLabelName('label_join', value);
  return mergeSameLabels(
    series.map((one) => {
      const values = sources.map(({ value }) => labelValue(one.labels, value));
      return { ...one, labels: withLabel(one.labels, target!.value, values.join(separator!.value)) };
    }),
  );
}

function checkLabelName(call: string, name: string): void {
  if (name === '') throw new QueryError('execution', `${call}() needs the name of a label; "" is none`);
}

function compile(pattern: string): RE2JS {
  try {
    return compileExpression(pattern);
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    throw new QueryError('execution', `label_replace(): ${error.message}`);
  }
}

type GroupMatcher = ReturnType<RE2JS['matcher']>;

/** What a group matched; '' where it did not, or does not exist. */
function groupOf(compiled: RE2JS, matcher: GroupMatcher, name: string): string {
  const named = compiled.namedGroups();
  const number = /^(0|[1-9]\d{0,7})$/.test(name)
    ? Number(name)
    : Object.hasOwn(named, name)
      ? named[name]
      : undefined;
  if (number === undefined || number > compiled.groupCount()) return '';
  return matcher.group(number) ?? '';
}

/** Replaces `$name` (as many letters, digits and `_` as there are), `${name}`, and `$$`. Any other `$` stays. */
function expand(template: string, group: (name: string) => string): string {
  return template.replace(
    /\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu,
    (all, braced?: string, bare?: string) => (all === '$$' ? '$' : group(braced ?? bare ?? '')),
  );
}

/** The labels that a selector matches with one value; none for other expressions. */
export function absentLabels(node: QueryNode): Labels {
  if (node.kind !== 'selector') return {};
  const labels = new Map<string, string>();
  const seen = new Set<string>();
  for (const { name, op, value } of node.matchers) {
    if (name === METRIC_NAME) continue;
    if (op === '=' && !seen.has(name)) labels.set(name, value);
    else labels.delete(name);
    if (op === '=') seen.add(name);
  }
  return Object.fromEntries([...labels].filter(([, value]) => value !== ''));
}
