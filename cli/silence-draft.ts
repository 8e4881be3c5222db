// Makes a silence from the arguments of `silence add`.

import { InvalidArgumentError } from 'commander';
import { targetsOf } from '../adapters/inventory/file.ts';
import { timeSchema } from '../core/config/field-schemas.ts';
import { silenceReach } from '../core/config/silence-reach.ts';
import { describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import { MATCHER_OPS, type Matcher } from '../core/model/silence.ts';
import { checkMatcher, fromGlobs } from '../core/notify/silences.ts';
import { checkAlertLabel } from './arguments.ts';

/** Globs of `label=glob`, and matchers with other operators, in the given order. */
export interface Where {
  globs: Readonly<Record<string, readonly string[]>>;
  matchers: readonly Matcher[];
}

/** `node=prod-*`, `node!=prod-1`, `node=~prod-.+`, `role!~etcd|apiserver`; the option may be repeated. */
export function matcherArgument(text: string, before: Where = { globs: {}, matchers: [] }): Where {
  const [, name = '', op = '', value = ''] = /^\s*([^=!~\s]+)\s*(=~|!~|!=|=)(.*)$/s.exec(text) ?? [];
  if (!isOperator(op)) {
    throw new InvalidArgumentError(
      "Write label=glob such as node='prod-*', or label!=value, label=~regex, label!~regex.",
    );
  }
  checkAlertLabel(name);
  if (op === '=' && value !== '') {
    return { ...before, globs: { ...before.globs, [name]: [...(before.globs[name] ?? []), value] } };
  }
  const matcher: Matcher = { name, op, value };
  try {
    checkMatcher(matcher);
  } catch (error) {
    throw new InvalidArgumentError(describeError(error));
  }
  return { ...before, matchers: [...before.matchers, matcher] };
}

function isOperator(op: string): op is Matcher['op'] {
  return (MATCHER_OPS as readonly string[]).includes(op);
}

/** A time with its zone. */
export function timeArgument(text: string): number {
  const { success, data, error } = timeSchema.safeParse(text);
  if (!success) throw new InvalidArgumentError(error.issues[0]?.message ?? '');
  return data;
}

export function matchersOf({ globs, matchers }: Where): Matcher[] {
  return [...fromGlobs(globs), ...matchers];
}

/** Warns of a possible mistake: the silence matches nothing today. */
export function silenceWarnings(
  matchers: readonly Matcher[],
  { rules, clusters, bastions }: Pick<Config, 'rules' | 'clusters' | 'bastions'>,
): string[] {
  const nodes = targetsOf(clusters).map(({ cluster, node, role, labels }) => ({
    ...labels,
    cluster,
    node,
    role,
  }));
  const names = bastions.map(({ name }) => name);
  const matched = silenceReach(matchers, { rules, nodes, bastions: names });
  if (matched.rules.length > 0) return [];
  if (matched.nodes === 0) return ['it matches no node today'];
  return ["it matches no alert that today's rules and nodes can have"];
}
