// Matchers as Alertmanager and its clients write and send them. Its `alertname` is our `rule`.

import type { Labels } from '../../core/model/labels.ts';
import type { Matcher } from '../../core/model/silence.ts';
import { parseMatcher as readMatcher } from '../../core/notify/matcher-text.ts';
import { BadRequestError } from './bad-request.ts';

/** Reads `node="prod-1"`, `node=~prod-.*`, in braces or not; the name is Alertmanager's. @throws BadRequestError */
export function parseMatcher(text: string): Matcher {
  try {
    return readMatcher(text);
  } catch (error) {
    throw new BadRequestError((error as Error).message);
  }
}

/** The label of ours that a client means by that name. */
export function ourName(name: string): string {
  return name === 'alertname' ? 'rule' : name;
}

/** Labels of ours under Alertmanager's names. */
export function shownLabels({ rule, ...labels }: Labels): Record<string, string> {
  return rule === undefined ? labels : { alertname: rule, ...labels };
}

export interface ShownMatcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual: boolean;
}

export function shownMatcher({ name, op, value }: Matcher): ShownMatcher {
  return {
    name: name === 'rule' ? 'alertname' : name,
    value,
    isRegex: op === '=~' || op === '!~',
    isEqual: op === '=' || op === '=~',
  };
}

export function ourMatcher({ name, value, isRegex, isEqual }: ShownMatcher): Matcher {
  const op = isRegex ? (isEqual ? '=~' : '!~') : isEqual ? '=' : '!=';
  return { name: ourName(name), op, value };
}
