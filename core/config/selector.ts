// Selectors of tokens and logins, as people write them.

import { ConfigError } from '../errors.ts';
import type { Matcher } from '../model/silence.ts';
import { parseMatcher } from '../notify/matcher-text.ts';
import { mayBeInventoryLabel } from './inventory-labels.ts';

const NODE_LABELS = ['cluster', 'node', 'role'];
const MOST_MATCHERS = 20;

/**
 * One matcher. A selector is about nodes, so that each series, alert and incident is inside it or outside: it has their
 * labels, and those that the inventory gives them. @throws ConfigError that says what is wrong
 */
export function parseSelectorMatcher(text: string): Matcher {
  const matcher = parseMatcher(text);
  if (NODE_LABELS.includes(matcher.name) || mayBeInventoryLabel(matcher.name)) return matcher;
  throw new ConfigError(
    `a selector chooses nodes, by ${NODE_LABELS.join(', ')} or labels that your inventory gives them; nodes have no label ${matcher.name}`,
  );
}

/** @throws ConfigError that says what is wrong */
export function checkSelector(selector: readonly Matcher[]): void {
  if (selector.length > MOST_MATCHERS)
    throw new ConfigError(`a selector has ${MOST_MATCHERS} matchers at most`);
}
