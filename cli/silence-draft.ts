// What `silence add` is asked for, as a silence.
import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../core/config/duration.ts';
import { timeSchema } from '../core/config/field-schemas.ts';
import { ROUTED_LABELS } from '../core/config/matches.ts';
import { nearest } from '../core/config/problem.ts';
import type { Config } from '../core/config/types.ts';
import { describeError } from '../core/errors.ts';
import { type Alert, MATCHER_OPS, type Matcher, type StoredSilence } from '../core/model.ts';
import { silenceReach } from '../core/notify/silence-reach.ts';
import { checkMatcher, fromGlobs } from '../core/notify/silences.ts';

/** An acknowledgement ends with its alert; were that never to end, the silence would. */
const ACKNOWLEDGED_AT_MOST_MS = parseDuration('365d');

/** Globs of `label=glob`, and matchers of the other operators, in the order given. */
export interface Where {
  globs: Readonly<Record<string, readonly string[]>>;
  matchers: readonly Matcher[];
}

/** `node=prod-*`, `node!=prod-1`, `node=~prod-.+`, `role!~etcd|apiserver`, added to those before it. */
export function matcherArgument(text: string, before: Where = { globs: {}, matchers: [] }): Where {
  const [, name = '', op = '', value = ''] = /^\s*([^=!~\s]+)\s*(=~|!~|!=|=)(.*)$/s.exec(text) ?? [];
  if (!isOperator(op)) {
    throw new InvalidArgumentError(
      "Write label=glob such as node='prod-*', or label!=value, label=~regex, label!~regex.",
    );
  }
  if (!ROUTED_LABELS.includes(name)) {
    const near = nearest(name, ROUTED_LABELS);
    const hint = near === undefined ? `possible: ${ROUTED_LABELS.join(', ')}` : `did you mean ${near}?`;
    throw new InvalidArgumentError(`There is no label ${name}; ${hint}`);
  }
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

/** A moment with its zone. */
export function timeArgument(text: string): number {
  const { success, data, error } = timeSchema.safeParse(text);
  if (!success) throw new InvalidArgumentError(error.issues[0]?.message ?? '');
  return data;
}

export function matchersOf({ globs, matchers }: Where): Matcher[] {
  return [...fromGlobs(globs), ...matchers];
}

/** @param alert acknowledged; else the matchers say what is silenced */
export function draftSilence(
  about: { alert: Alert } | { matchers: readonly Matcher[] },
  given: { id: string; fromMs: number; forMs: number | undefined; author: string; comment: string },
  nowMs: number,
): StoredSilence {
  const { id, fromMs, forMs, author, comment } = given;
  const times = { fromMs, untilMs: fromMs + (forMs ?? ACKNOWLEDGED_AT_MOST_MS), createdAtMs: nowMs };
  if ('matchers' in about) return { id, matchers: about.matchers, ...times, author, comment };
  const { id: alertId, rule, labels } = about.alert;
  const matchers = Object.entries({ rule, ...labels }).map(
    ([name, value]): Matcher => ({ name, op: '=', value }),
  );
  return { id, matchers, alertId, ...times, author, comment };
}

/** What may be a slip: it can match nothing today. */
export function doubtsOf(
  matchers: readonly Matcher[],
  { rules, clusters, bastions }: Pick<Config, 'rules' | 'clusters' | 'bastions'>,
): string[] {
  const nodes = clusters.flatMap(({ name: cluster, nodes: own }) =>
    own.map(({ name: node, role }) => ({ cluster, node, role })),
  );
  const names = bastions.map(({ name }) => name);
  const reach = silenceReach(matchers, { rules, nodes, bastions: names });
  if (reach.rules.length > 0) return [];
  if (reach.nodes === 0) return ['it matches no node today'];
  return ["it matches no alert that today's rules and nodes can have"];
}
