import { formatDuration, parseDuration } from '../config/duration.ts';
import { REASONS, type Transition, type TransitionKind, type TransitionReason } from '../model.ts';
import type { Expectation } from './model.ts';

const KINDS: readonly TransitionKind[] = ['pending', 'firing', 'resolved', 'cancelled'];
const TEXT = /^([a-z]+)(?:\s*\(([^()]*)\))?$/;
const TIME = /^(cleared|since)\s+(\S+)$/;

type Told = Omit<Expectation, 'atMs' | 'series'>;

/**
 * Reads `firing`, `resolved (cleared 9m)`, `firing (no-data)`, `pending (since 2m)`: a kind and, in parentheses, a
 * reason other than the threshold and times that are to be compared. Returns the message when it cannot.
 */
export function parseExpectation(text: string): Told | string {
  const [, kind = '', details] = TEXT.exec(text.trim()) ?? [];
  if (!isKind(kind)) return `\`${text}\` is no transition: write ${KINDS.join(', ')}`;
  const told: Told = { kind, reason: 'threshold' };
  for (const detail of details?.split(',') ?? []) {
    const word = detail.trim();
    const [, what, time = ''] = TIME.exec(word) ?? [];
    const reason = word.replace(/\s+/g, '-');
    if (what) {
      const atMs = readTime(time);
      if (atMs === undefined) return `\`${time}\` is no time: write \`${what} 9m\``;
      if (what === 'cleared') told.clearedMs = atMs;
      else told.sinceMs = atMs;
    } else if (isReason(reason)) {
      told.reason = reason;
    } else {
      return `\`${word}\` is no reason: write ${REASONS.join(', ')}, or \`cleared 9m\`, \`since 2m\``;
    }
  }
  return told;
}

export function describeExpectation({ kind, reason, clearedMs, sinceMs }: Told): string {
  const details = [
    reason === 'threshold' ? '' : reason,
    clearedMs === undefined ? '' : `cleared ${formatDuration(clearedMs)}`,
    sinceMs === undefined ? '' : `since ${formatDuration(sinceMs)}`,
  ].filter((text) => text !== '');
  return details.length > 0 ? `${kind} (${details.join(', ')})` : kind;
}

/** A transition in the words of an expectation; times only where the expectation has them, or it would be noise. */
export function describeTransition(transition: Transition, expected: Told | undefined): string {
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
