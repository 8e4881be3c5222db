import type { Answer } from './answers.ts';
import type { ChannelType, ConfigDocument, RouteDocument } from './document.ts';
import { createRandom, type Random } from './random.ts';
import { MINUTE, SECOND } from './timeline.ts';

/** Many nodes that breach at once, each with its own group, while services enforce their rate limits. */
export interface Storm {
  cluster: string;
  nodes: readonly string[];
  /** When they breach, and when they are well again. */
  spells: readonly { fromMs: number; toMs: number }[];
  rate: Rate;
}

/** The service accepts one message each `everyMs`, and `burst` more at once after a pause. */
interface Rate {
  everyMs: number;
  burst: number;
  /** The service always asks for this wait, instead of the time until it accepts the next message. */
  alwaysAskedMs?: number;
}

const SHARE = 0.2;
const NODES = 12;

/**
 * The storm of a seed, if it has one. It has its own random numbers, so that it does not change the rest of the
 * schedule.
 */
export function stormOf(seed: number, fromMs: number, untilMs: number): Storm | undefined {
  const random = createRandom(seed * 7_919 + 17);
  if (!random.chance(SHARE)) return undefined;
  const spells = Array.from({ length: random.int(1, 2) }, () => {
    const startMs = random.int(fromMs, untilMs - 30 * MINUTE);
    return { fromMs: startMs, toMs: startMs + random.int(10, 30) * MINUTE };
  });
  const always = random.chance(0.3) && { alwaysAskedMs: random.pick([30 * SECOND, 90 * SECOND]) };
  const rate = {
    everyMs: random.pick([SECOND, 2 * SECOND, 5 * SECOND]),
    burst: random.pick([0, 0, 3]),
    ...always,
  };
  return { cluster: 'storm', nodes: Array.from({ length: NODES }, (_, n) => `x${n + 1}`), spells, rate };
}

/** The route of the nodes of the storm: one message for each node. */
export function stormRoute(
  { cluster }: Storm,
  { channels }: Pick<ConfigDocument, 'channels'>,
): RouteDocument {
  return {
    name: 'storm',
    match: { cluster },
    channels: channels.slice(0, 2).map(({ name }) => name),
    continue: false,
    groupBy: ['rule', 'cluster', 'node'],
    groupWait: '0s',
    groupInterval: '5m',
    repeatInterval: '4h',
  };
}

/**
 * How long a service asks to wait when a request comes too soon; undefined when it accepts the request. Refused
 * requests do not count towards the rate.
 */
export function createRateLimits(rate: Rate): (service: string, nowMs: number) => number | undefined {
  const freeAtMs = new Map<string, number>();
  const refusesUntilMs = new Map<string, number>();
  return (service, nowMs) => {
    const freeMs = freeAtMs.get(service) ?? 0;
    const earliestMs = Math.max(freeMs - rate.burst * rate.everyMs, refusesUntilMs.get(service) ?? 0);
    if (nowMs < earliestMs) {
      const untilMs = Math.max(earliestMs, nowMs + (rate.alwaysAskedMs ?? 0));
      refusesUntilMs.set(service, untilMs);
      return untilMs - nowMs;
    }
    freeAtMs.set(service, Math.max(freeMs, nowMs) + rate.everyMs);
    return undefined;
  };
}

/** A 429 of a service that limits the rate, in whole seconds. */
export function overItsRate(type: ChannelType, waitMs: number, random: Random): Answer {
  const seconds = Math.ceil(waitMs / SECOND);
  const parameters = { retry_after: seconds };
  const answer = { mood: 'limit', shown: false, afterMs: random.int(20, 300), status: 429 } as const;
  const asked = { ...answer, askedMs: seconds * SECOND };
  if (type !== 'telegram') return { ...asked, headers: { 'retry-after': `${seconds}` }, body: 'slow down' };
  const description = 'Too Many Requests';
  return { ...asked, body: JSON.stringify({ ok: false, error_code: 429, description, parameters }) };
}
