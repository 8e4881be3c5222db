// Makes a silence from the arguments of `silence add`.

import { InvalidArgumentError } from 'commander';
import { targetsOf } from '../adapters/inventory/file.ts';
import { timeSchema } from '../core/config/field-schemas.ts';
import { silenceReach } from '../core/config/silence-reach.ts';
import { parseDuration } from '../core/duration.ts';
import { describeError } from '../core/errors.ts';
import type { Alert } from '../core/model/alert.ts';
import type { Config } from '../core/model/config.ts';
import { MATCHER_OPS, type Matcher, type StoredSilence } from '../core/model/silence.ts';
import { checkMatcher, fromGlobs } from '../core/notify/silences.ts';
import { checkAlertLabel } from './arguments.ts';

/** An acknowledgement ends with its alert, and at this time at the latest, in case the alert never ends. */
const ACKNOWLEDGED_AT_MOST_MS = parseDuration('365d');

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

/** @param about the alert to acknowledge, or matchers of the alerts to silence */
export function draftSilence(
  about: { alert: Alert } | { matchers: readonly Matcher[] },
  given: { id: string; fromMs: number; forMs: number | undefined; author: string; comment: string },
  nowMs: number,
): StoredSilence {
  const { id, fromMs, forMs, author, comment } = given;
  const times = { fromMs, untilMs: fromMs + (forMs ?? ACKNOWLEDGED_AT_MOST_MS), createdAtMs: nowMs };
  if ('matchers' in about) return { id, matchers: about.matchers, ...times, author, comment };
  const { id: alertId, rule, labels, sinceMs } = about.alert;
  const matchers = Object.entries({ rule, ...labels }).map(
    ([name, value]): Matcher => ({ name, op: '=', value }),
  );
  const breach = sinceMs > nowMs ? { breachSinceMs: sinceMs } : {};
  return { id, matchers, alertId, ...breach, ...times, author, comment };
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
