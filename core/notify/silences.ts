import { RE2JS } from 're2js';
import { ConfigError } from '../errors.ts';
import type { AlertStatus } from '../model/alert.ts';
import type { IncidentAlert } from '../model/incident.ts';
import type { LabelGlobs, Labels } from '../model/labels.ts';
import type { Matcher, Silence, StoredSilence } from '../model/silence.ts';

/** What a silence is asked about. `labels` as routes see them: rule and severity are among them. */
export interface SilenceSubject {
  alertId: string;
  labels: Labels;
  /** When the breach began. */
  sinceMs: number;
  status: AlertStatus | IncidentAlert['status'];
}

/** One of the configuration file, or one that was added at run time. */
export type AnySilence = Silence | StoredSilence;

export interface CompiledSilence {
  silence: AnySilence;
  fromMs: number;
  untilMs: number;
  /** Whether it is about this alert, whatever the time. */
  covers(alert: SilenceSubject): boolean;
}

/**
 * A silence ready to be asked. A stored one whose regular expression is invalid covers nothing: it must not stop
 * other messages. Whoever stores silences checks them first, see `checkMatcher`.
 */
export function compileSilence(silence: AnySilence): CompiledSilence {
  const { fromMs, untilMs } = silence;
  const stored = 'matchers' in silence ? silence : undefined;
  const matchers = stored ? stored.matchers : fromGlobs((silence as Silence).match);
  const tests = matchers.map(compileMatcher);
  // A silence of nothing would silence everything.
  const isAboutSomething = !stored || stored.alertId !== undefined || tests.length > 0;
  const matches = (labels: Labels) => tests.every((test) => test(labels));
  return {
    silence,
    fromMs,
    untilMs,
    covers: (alert) =>
      isAboutSomething && (stored === undefined || isAcknowledged(stored, alert)) && matches(alert.labels),
  };
}

/** Whether a silence is about this alert, whatever the time. */
export function silenceCovers(silence: AnySilence, alert: SilenceSubject): boolean {
  return compileSilence(silence).covers(alert);
}

/**
 * An acknowledgement covers the breach that it was given for: it began before, and has not resolved. The next breach of
 * the same alert is news again.
 */
function isAcknowledged(
  { alertId, createdAtMs, breachSinceMs = createdAtMs }: StoredSilence,
  alert: SilenceSubject,
): boolean {
  if (alertId === undefined) return true;
  const lasts = alert.status === 'firing' || alert.status === 'pending';
  return alert.alertId === alertId && alert.sinceMs <= Math.max(createdAtMs, breachSinceMs) && lasts;
}

/** The silence when it is ended at that time, before its own end. */
export function endedAt(silence: StoredSilence, atMs: number): StoredSilence {
  return { ...silence, fromMs: Math.min(silence.fromMs, atMs), untilMs: atMs };
}

/**
 * Globs as matchers that mean the same: all labels must match, each one of its globs. A glob never matches a label that
 * is missing, so that `*` asks for a value.
 */
export function fromGlobs(globs: LabelGlobs): Matcher[] {
  return Object.entries(globs).map(([name, list]): Matcher => {
    const [only] = list;
    if (list.length === 1 && only !== undefined && !/[*?]/.test(only)) {
      return { name, op: '=', value: only };
    }
    return { name, op: '=~', value: list.map(globSource).join('|') };
  });
}

function globSource(glob: string): string {
  if (/^\*+$/.test(glob)) return '(?s:.+)';
  return glob
    .split(/(\*+|\?)/)
    .map((part, i) => (i % 2 === 0 ? RE2JS.quote(part) : part === '?' ? '(?s:.)' : '(?s:.*)'))
    .join('');
}

/** @throws ConfigError that describes what is wrong with the matcher */
export function checkMatcher({ name, op, value }: Matcher): void {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new ConfigError(`'${name}' is not a label name; write letters, digits and _ as in node=prod-1`);
  }
  if (op !== '=~' && op !== '!~') return;
  // Every alert is matched against it, at every message.
  if (value.length > LONGEST_EXPRESSION || compileExpression(value).programSize() > LARGEST_PROGRAM)
    throw new ConfigError(
      `the regular expression of ${name} is too large; it has ${LONGEST_EXPRESSION} characters at most, and few counted repetitions`,
    );
}

/** As text: `node=~"prod-.*"`. */
export function describeMatcher({ name, op, value }: Matcher): string {
  return `${name}${op}${JSON.stringify(value)}`;
}

const LONGEST_EXPRESSION = 10_000;
/** Instructions, each of which may cost a step for each letter of a value. */
const LARGEST_PROGRAM = 20_000;

type Test = (labels: Labels) => boolean;

/** Whether labels match; a regular expression that does not compile matches nothing. */
export function compileMatcher({ name, op, value }: Matcher): Test {
  const read = (labels: Labels) => (Object.hasOwn(labels, name) ? (labels[name] ?? '') : '');
  switch (op) {
    case '=':
      return (labels) => read(labels) === value;
    case '!=':
      return (labels) => read(labels) !== value;
    case '=~':
    case '!~': {
      const expression = compileQuietly(value);
      if (!expression) return () => false;
      return (labels) => expression.testExact(read(labels)) === (op === '=~');
    }
  }
}

/** Undefined: it does not compile. Bounded, because values come from people. */
const compiled = new Map<string, RE2JS | undefined>();
const COMPILED_AT_MOST = 2_000;

function compileQuietly(source: string): RE2JS | undefined {
  if (compiled.has(source)) return compiled.get(source);
  let expression: RE2JS | undefined;
  try {
    expression = compileExpression(source);
  } catch {
    expression = undefined;
  }
  if (compiled.size >= COMPILED_AT_MOST) compiled.clear();
  compiled.set(source, expression);
  return expression;
}

/** Linear in the length of the value, whatever the expression: these are written over a network one day. */
function compileExpression(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`'${source}' is not a regular expression (RE2 syntax): ${why}`, { cause });
  }
}
