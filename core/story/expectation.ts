import { formatDuration, parseDuration } from '../duration.ts';
import { REASONS, type Transition, type TransitionKind, type TransitionReason } from '../model/transition.ts';
import { quoted } from '../text/suggestions.ts';
import type { Expectation } from './model.ts';

const KINDS: readonly TransitionKind[] = ['pending', 'firing', 'resolved', 'cancelled'];
const TEXT = /^([a-z]+)(?:\s*\(([^()]*)\))?$/;

type ExpectedTransition = Omit<Expectation, 'atMs' | 'series'>;

/**
 * Reads `firing`, `resolved (cleared 9m)`, `firing (no-data since 2m)`: a kind and, in parentheses, a reason other than
 * the threshold and times that are to be compared. Commas between them are for the eye. Returns the message when it
 * cannot.
 */
export function parseExpectation(text: string): ExpectedTransition | string {
  const [, kind = '', details = ''] = TEXT.exec(text.trim()) ?? [];
  if (!isKind(kind)) {
    const cut =
      text.includes('(') && !text.includes(')') ? '; within { } leave out the comma, or quote the text' : '';
    return `${quoted(text)} is no transition: write ${KINDS.join(', ')}${cut}`;
  }
  const expected: ExpectedTransition = { kind, reason: 'threshold' };
  const tokens = details.split(/[\s,]+/).filter((token) => token !== '');
  for (let token = tokens.shift(); token !== undefined; token = tokens.shift()) {
    if (isReason(token)) {
      expected.reason = token;
    } else if (token === 'cleared' || token === 'since') {
      const time = tokens.shift() ?? '';
      const atMs = readTime(time);
      if (atMs === undefined) return `${quoted(time)} is no time: write \`${token} 9m\``;
      expected[token === 'cleared' ? 'clearedMs' : 'sinceMs'] = atMs;
    } else {
      return `${quoted(token)} is no reason: write ${REASONS.join(', ')}, or \`cleared 9m\`, \`since 2m\``;
    }
  }
  return expected;
}

export function describeExpectation({ kind, reason, clearedMs, sinceMs }: ExpectedTransition): string {
  const details = [
    reason === 'threshold' ? '' : reason,
    clearedMs === undefined ? '' : `cleared ${formatDuration(clearedMs)}`,
    sinceMs === undefined ? '' : `since ${formatDuration(sinceMs)}`,
  ].filter((text) => text !== '');
  return details.length > 0 ? `${kind} (${details.join(' ')})` : kind;
}

/** A transition in the tokens of an expectation; times only where the expectation has them, or it would be noise. */
export function describeTransition(transition: Transition, expected: ExpectedTransition | undefined): string {
  const { kind, reason, clearedAtMs, sinceMs } = transition;
  return describeExpectation({
    kind,
    reason,
    clearedMs: expected && expected.clearedMs === undefined ? undefined : clearedAtMs,
    sinceMs: expected?.sinceMs === undefined ? undefined : sinceMs,
  });
}

function readTime(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined;
  }
}

function isKind(text: string): text is TransitionKind {
  return KINDS.some((kind) => kind === text);
}

function isReason(text: string): text is TransitionReason {
  return REASONS.some((reason) => reason === text);
}
