// Adds, changes and ends silences for whoever asks, each with a line in the audit. Which silences somebody sees, and how far
// a new one may reach, is the ports' business.

import { randomUUID } from 'node:crypto';
import { auditedChange } from '../core/audit/audited-change.ts';
import { ConfigError } from '../core/errors.ts';
import type { Alert } from '../core/model/alert.ts';
import type { AuditAction } from '../core/model/audit.ts';
import type { Matcher, StoredSilence } from '../core/model/silence.ts';
import { draftSilence } from '../core/notify/silence-draft.ts';
import { describeSilence } from '../core/notify/silence-text.ts';
import { checkMatcher, compileMatcher } from '../core/notify/silences.ts';
import { ForbiddenError } from './access/forbidden.ts';
import type { HistoryPorts } from './ports.ts';
import { may, type Principal } from './principal.ts';

/** Not done. The message says why, and what to do. */
export class SilenceError extends Error {
  override readonly name = 'SilenceError';
  readonly kind: 'invalid' | 'unknown';

  constructor(kind: SilenceError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

export interface Asker {
  principal: Principal;
  ports: Pick<HistoryPorts, 'config' | 'state' | 'clock' | 'recordAction'>;
}

/** A silence as somebody asks for it. */
export interface SilenceRequest {
  matchers: readonly Matcher[];
  fromMs: number;
  untilMs: number;
  /** A name that nothing verifies; '': the principal's own. */
  createdBy: string;
  comment: string;
}

const MOST_MATCHERS = 100;
const LONGEST_COMMENT = 2_000;
const LONGEST_NAME = 100;
/** Every alert is matched against each of them at every message. */
const MOST_SILENCES = 2_000;

/** A line break and a tab are no harm in a comment. */
const CONTROLS = /(?![\n\r\t])[\p{Cc}\p{Cs}]/u;

/** @throws SilenceError | ForbiddenError */
export async function addSilence(asker: Asker, request: SilenceRequest): Promise<StoredSilence> {
  const { state, clock } = asker.ports;
  const nowMs = clock.nowMs();
  checkRequest(asker, request, nowMs);
  if ((await state.listSilences({ endedAfterMs: nowMs })).length >= MOST_SILENCES)
    throw new SilenceError('invalid', `there are ${MOST_SILENCES} silences that have not ended; end some`);
  const silence = draft(asker, request, { id: randomUUID(), createdAtMs: nowMs });
  // It withholds nothing of the past.
  return put(asker, 'silence-added', { ...silence, fromMs: Math.max(silence.fromMs, nowMs) });
}

/** Withholds further messages about one alert until it resolves, or until then. @throws SilenceError */
export async function acknowledgeAlert(
  asker: Asker,
  alert: Alert,
  { untilMs, ...asked }: Omit<SilenceRequest, 'matchers' | 'untilMs'> & { untilMs: number | undefined },
): Promise<StoredSilence> {
  const nowMs = asker.ports.clock.nowMs();
  const { fromMs } = asked;
  const forMs = untilMs === undefined ? undefined : untilMs - fromMs;
  const { alertId, breachSinceMs, ...silence } = draftSilence(
    { alert },
    { id: randomUUID(), fromMs, forMs, author: '', comment: asked.comment },
    nowMs,
  );
  const request = { ...asked, matchers: silence.matchers, untilMs: silence.untilMs };
  checkRequest(asker, request, nowMs);
  const times = { fromMs: Math.max(fromMs, nowMs), ...(breachSinceMs !== undefined && { breachSinceMs }) };
  return put(asker, 'silence-added', { ...draft(asker, request, silence), alertId, ...times });
}

/**
 * As in Alertmanager: a change that leaves alone what was withheld so far keeps the silence and its id; otherwise that one
 * ends, and another takes over. @throws SilenceError | ForbiddenError
 */
export async function changeSilence(
  asker: Asker,
  id: string,
  request: SilenceRequest,
): Promise<StoredSilence> {
  const nowMs = asker.ports.clock.nowMs();
  checkRequest(asker, request, nowMs);
  const former = await findSilence(asker, id);
  if (keepsHistory(former, request, nowMs)) {
    // An acknowledgement stays one.
    return put(asker, 'silence-changed', { ...former, ...draft(asker, request, former) });
  }
  // In this order no alert is without a silence for a moment.
  const added = await addSilence(asker, request);
  if (former.untilMs > nowMs) await endSilence(asker, id);
  return added;
}

/** One that has ended already stays as it is. @throws SilenceError | ForbiddenError */
export async function endSilence(asker: Asker, id: string): Promise<StoredSilence> {
  checkScope(asker);
  const { state, clock, config } = asker.ports;
  const silence = await findSilence(asker, id);
  const nowMs = clock.nowMs();
  if (silence.untilMs <= nowMs) return silence;
  const zone = await config();
  return audited(asker, 'silence-ended', async () => {
    await state.expireSilence(id, nowMs);
    return { result: silence, subject: id, detail: describeSilence(silence, zone, nowMs) };
  });
}

/** Also one that has ended, as long as state keeps it. @throws SilenceError */
export async function findSilence({ ports }: Pick<Asker, 'ports'>, id: string): Promise<StoredSilence> {
  const silence = (await ports.state.listSilences({ endedAfterMs: 0 })).find((one) => one.id === id);
  if (silence) return silence;
  if (/^file:\d+$/.test(id))
    throw new SilenceError(
      'invalid',
      `${id} is a silence of the configuration: it is changed and removed there`,
    );
  throw new SilenceError('unknown', `there is no silence ${JSON.stringify(id.slice(0, LONGEST_NAME))}`);
}

async function put(
  asker: Asker,
  action: AuditAction['action'],
  silence: StoredSilence,
): Promise<StoredSilence> {
  const { state, clock, config } = asker.ports;
  // Described before it is stored, so that no silence is active which cannot be described.
  const detail = describeSilence(silence, await config(), clock.nowMs());
  return audited(asker, action, async () => {
    await state.putSilence(silence);
    return { result: silence, subject: silence.id, detail };
  });
}

function audited<T>(
  { principal, ports }: Asker,
  action: AuditAction['action'],
  run: () => Promise<{ result: T; subject: string; detail: string }>,
): Promise<T> {
  const line = { action, actor: `api:${principal.name}`, atMs: ports.clock.nowMs() };
  return auditedChange(ports.recordAction, line, run);
}

function draft(
  { principal }: Asker,
  { matchers, fromMs, untilMs, createdBy, comment }: SilenceRequest,
  { id, createdAtMs }: Pick<StoredSilence, 'id' | 'createdAtMs'>,
): StoredSilence {
  const given = createdBy.trim();
  const isNamed = given === principal.name || given.endsWith(`(${principal.name})`);
  const author = given === '' ? principal.name : isNamed ? given : `${given} (${principal.name})`;
  return { id, matchers, fromMs, untilMs, createdAtMs, author, comment };
}

function keepsHistory(former: StoredSilence, request: SilenceRequest, nowMs: number): boolean {
  if (former.untilMs <= nowMs || !sameMatchers(former.matchers, request.matchers)) return false;
  const sameStart = Math.trunc(former.fromMs / 1_000) === Math.trunc(request.fromMs / 1_000);
  return former.fromMs <= nowMs ? sameStart : request.fromMs >= nowMs;
}

function sameMatchers(one: readonly Matcher[], other: readonly Matcher[]): boolean {
  const keyOf = ({ name, op, value }: Matcher) => JSON.stringify([name, op, value]);
  return one.map(keyOf).join() === other.map(keyOf).join();
}

function checkScope({ principal }: Asker): void {
  if (!may(principal, 'silence'))
    throw new ForbiddenError(`${principal.name} may read only; silences need the scope silence`);
}

function checkRequest(asker: Asker, request: SilenceRequest, nowMs: number): void {
  checkScope(asker);
  const problem = problemOf(request, nowMs);
  if (problem !== undefined) throw new SilenceError('invalid', problem);
}

function problemOf(request: SilenceRequest, nowMs: number): string | undefined {
  const { matchers, fromMs, untilMs, createdBy, comment } = request;
  if (fromMs >= untilMs) return 'the silence ends before it begins: startsAt must be earlier than endsAt';
  if (untilMs <= nowMs) return 'the silence would end in the past: endsAt must be later than now';
  if (createdBy.length > LONGEST_NAME) return `createdBy has ${LONGEST_NAME} characters at most`;
  if (/[\p{Cc}\p{Cs}]/u.test(createdBy)) return 'createdBy contains a control character';
  if (comment.length > LONGEST_COMMENT) return `the comment has ${LONGEST_COMMENT} characters at most`;
  if (CONTROLS.test(comment)) return 'the comment contains a control character';
  if (matchers.length === 0) return 'there is no matcher: say which alerts, such as node="prod-1"';
  if (matchers.length > MOST_MATCHERS) return `a silence has ${MOST_MATCHERS} matchers at most`;
  for (const matcher of matchers) {
    if (/[\p{Cc}\p{Cs}]/u.test(matcher.value))
      return `the value of ${matcher.name} contains a control character`;
    try {
      checkMatcher(matcher);
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
  }
  // As Alertmanager: who wants to silence everything must name something.
  if (matchers.every((matcher) => matcher.op !== '!=' && matcher.op !== '!~' && compileMatcher(matcher)({})))
    return 'every matcher also matches alerts without its label, so the silence covers everything; add one that does not';
  return undefined;
}
