// Silences in Alertmanager's form, and back.

import { z } from 'zod';
import type { Matcher } from '../../core/model/silence.ts';
import { type ListedSilence, listedSilences } from '../../core/notify/listed-silences.ts';
import type { HistoryPorts } from '../ports.ts';
import type { SilenceRequest } from '../silences.ts';
import { BadRequestError } from './bad-request.ts';
import { ourMatcher, ourName, type ShownMatcher, shownMatcher } from './matcher-text.ts';

/** https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml, gettableSilence */
export interface ShownSilence {
  id: string;
  status: { state: 'expired' | 'active' | 'pending' };
  updatedAt: string;
  comment: string;
  createdBy: string;
  endsAt: string;
  matchers: ShownMatcher[];
  startsAt: string;
}

/** Alertmanager keeps silences that have ended for five days (`--data.retention`). */
const ENDED_SHOWN_MS = 5 * 24 * 3_600_000;
/** Of silences of the configuration nobody is the author. */
const OF_FILE = 'configuration';

/** Those of state, and those of the configuration, which cannot be changed here. In Alertmanager's order. */
export async function shownSilences({
  config,
  state,
  clock,
}: Pick<HistoryPorts, 'config' | 'state' | 'clock'>): Promise<ShownSilence[]> {
  const nowMs = clock.nowMs();
  const stored = await state.listSilences({ endedAfterMs: nowMs - ENDED_SHOWN_MS });
  // Whether an acknowledgement is over depends on its alert.
  const alerts = (await state.listAlerts()).map(({ value }) => value);
  return listedSilences({ stored, file: (await config()).silences, alerts, nowMs })
    .map(shownSilence)
    .sort(activeFirst);
}

function shownSilence(silence: ListedSilence): ShownSilence {
  const { id, state, fromMs, untilMs, createdAtMs, author, comment, matchers, source } = silence;
  return {
    id,
    status: { state },
    // State has the time at which it was added; one that has ended was changed last when it ended.
    updatedAt: isoTime(state === 'expired' ? untilMs : (createdAtMs ?? fromMs)),
    comment,
    createdBy: source === 'file' ? OF_FILE : author,
    endsAt: isoTime(untilMs),
    matchers: matchers.map(shownMatcher),
    startsAt: isoTime(fromMs),
  };
}

const STATES = ['active', 'pending', 'expired'];

/** Active ones by their end, pending ones by their beginning, and the last that ended. */
function activeFirst(a: ShownSilence, b: ShownSilence): number {
  const [state, other] = [STATES.indexOf(a.status.state), STATES.indexOf(b.status.state)];
  if (state !== other) return state - other;
  if (a.status.state === 'pending') return earlierFirst(a.startsAt, b.startsAt);
  return earlierFirst(a.endsAt, b.endsAt) * (a.status.state === 'active' ? 1 : -1);
}

function earlierFirst(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether a silence has each of these matchers among its own: a filter of silences is no selection of alerts. */
export function hasMatchers({ matchers }: ShownSilence, filter: readonly Matcher[]): boolean {
  return filter
    .map((matcher) => shownMatcher({ ...matcher, name: ourName(matcher.name) }))
    .every((wanted) =>
      matchers.some(
        ({ name, value, isRegex, isEqual }) =>
          name === wanted.name &&
          value === wanted.value &&
          isRegex === wanted.isRegex &&
          isEqual === wanted.isEqual,
      ),
    );
}

const time = z.iso.datetime({ offset: true, error: 'write a time such as 2026-12-01T12:00:00Z' });

/** postableSilence; as in Alertmanager, unknown fields are left alone. */
const postedSchema = z.object({
  id: z.string().default(''),
  matchers: z.array(
    z.object({
      name: z.string(),
      value: z.string(),
      isRegex: z.boolean(),
      isEqual: z.boolean().default(true),
    }),
  ),
  startsAt: time,
  endsAt: time,
  createdBy: z.string(),
  comment: z.string(),
});

/** Reads a posted silence; `id` names the one that it replaces. @throws BadRequestError */
export function parseSilence(body: string): { id: string | undefined; request: SilenceRequest } {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (error) {
    throw new BadRequestError(`the body is not JSON: ${(error as Error).message.slice(0, 200)}`);
  }
  const { data, error } = postedSchema.safeParse(json);
  if (!data) {
    const [issue] = error.issues;
    const path = issue?.path.join('.');
    throw new BadRequestError(`${path ? `${path}: ` : ''}${issue?.message ?? 'not a silence'}`);
  }
  const { id, matchers, startsAt, endsAt, createdBy, comment } = data;
  return {
    id: id === '' ? undefined : id,
    request: {
      matchers: matchers.map(ourMatcher),
      fromMs: Date.parse(startsAt),
      untilMs: Date.parse(endsAt),
      createdBy,
      comment,
    },
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
