import type { Mood } from './answers.ts';
import { type ConfigDocument, firstDocument } from './document.ts';
import { EDIT_NAMES, type EditName } from './edits.ts';
import { createFleet, type Fleet } from './fleet.ts';
import type { Fate } from './guard.ts';
import { createRandom, type Random } from './random.ts';
import type { MoodWindow } from './services.ts';
import { type Storm, stormOf, stormRoute } from './storm.ts';
import { HOUR, MINUTE, SECOND, START } from './timeline.ts';

export const KINDS_OF_STATE = ['sqlite', 'dynamodb'] as const;
export type KindOfState = (typeof KINDS_OF_STATE)[number];

/** Faults happen only before this time … */
export const CALM_FROM = START + 5 * HOUR;
/**
 * … and everything must be settled at this time: a refused message is offered again within an hour, then come a round
 * and groupInterval.
 */
export const END = CALM_FROM + 80 * MINUTE;

export interface PlannedCrash {
  atMs: number;
  /** The crash happens at that time, or at the nth write after it. */
  write?: { nth: number; fate: Fate };
  downMs: number;
}

export interface PlannedEdit {
  atMs: number;
  edits: readonly EditName[];
  how: 'stop' | 'kill';
  downMs: number;
}

/** Everything that a seed decides before the first round. `random` decides the rest during the schedule. */
export interface Plan {
  seed: number;
  kind: KindOfState;
  random: Random;
  fleet: Fleet;
  storm: Storm | undefined;
  document: ConfigDocument;
  crashes: PlannedCrash[];
  edits: readonly PlannedEdit[];
  clockSteps: readonly { atMs: number; byMs: number }[];
  windows: readonly MoodWindow[];
  glitchShare: number;
  /** The times in which writes to state or samples fail. */
  failures: readonly {
    of: 'state' | 'samples';
    /** Only these writes fail. */
    what?: string;
    fromMs: number;
    toMs: number;
    share: number;
  }[];
  /** The times when an older round is evaluated again, beside other work. */
  repeats: readonly { atMs: number; roundsAgo: number }[];
  /** Silences that people add to state at run time. */
  silences: readonly {
    atMs: number;
    lastsMs: number;
    expireAfterMs?: number;
    acknowledges: boolean;
    match: Record<string, string>;
  }[];
  /** The number of shards of functions. */
  shards: number;
}

export function planOf(seed: number): Plan {
  const random = createRandom(seed);
  const kind = KINDS_OF_STATE[seed % 2] as KindOfState;
  const storm = stormOf(seed, START + 20 * MINUTE, CALM_FROM - 10 * MINUTE);
  const fleet = createFleet(random.fork(), {
    storm,
    fromMs: START,
    calmFromMs: CALM_FROM - 10 * MINUTE,
    untilMs: END,
  });
  const document = firstDocument(random.fork(), fleet);
  if (storm) document.routes.unshift(stormRoute(storm, document));
  const when = () => random.int(START + 5 * MINUTE, CALM_FROM - MINUTE);
  const several = <T>(most: number, make: () => T): T[] => Array.from({ length: random.int(1, most) }, make);
  const perhaps = <T>(most: number, make: () => T): T[] => Array.from({ length: random.int(0, most) }, make);
  const byTime = <T extends { atMs: number }>(list: T[]) => list.sort((a, b) => a.atMs - b.atMs);
  return {
    seed,
    kind,
    random: random.fork(),
    fleet,
    storm,
    document,
    crashes: byTime([
      writeCrash(random, random.int(START + 5 * MINUTE, START + 4 * HOUR)),
      ...perhaps(4, () => crash(random, when())),
    ]),
    edits: byTime(
      several(4, () => ({
        atMs: when(),
        edits: several(2, () => random.pick(EDIT_NAMES)),
        how: random.pick(['stop', 'kill']),
        downMs: random.pick([SECOND, 5 * SECOND, MINUTE, 8 * MINUTE]),
      })),
    ),
    clockSteps: random.chance(0.3) ? clockSteps(random, when()) : [],
    windows: document.channels.flatMap((_, i) => perhaps(2, () => moodWindow(random, `s${i + 1}`))),
    glitchShare: random.pick([0, 0.03, 0.1]),
    failures: perhaps(2, () => {
      const fromMs = when();
      const toMs = Math.min(CALM_FROM, fromMs + random.pick([1, 5, 15]) * MINUTE);
      const only = random.chance(0.3) && kind === 'sqlite';
      // Evaluate works, and notify takes nothing from the outbox.
      if (only)
        return {
          of: 'state',
          what: 'commitIncidents',
          fromMs,
          toMs: Math.min(CALM_FROM, fromMs + 25 * MINUTE),
          share: 1,
        };
      return { of: random.pick(['state', 'samples']), fromMs, toMs, share: random.pick([0.2, 1]) };
    }),
    repeats: byTime(
      perhaps(6, () => ({
        atMs: when(),
        roundsAgo: random.int(0, 6),
      })),
    ),
    silences: perhaps(2, () => ({
      atMs: when(),
      lastsMs: random.pick([10 * MINUTE, HOUR, 24 * HOUR]),
      ...(random.chance(0.6) && { expireAfterMs: random.pick([5 * MINUTE, 40 * MINUTE, 2 * HOUR]) }),
      acknowledges: random.chance(0.4),
      match: random.pick([
        { rule: random.pick(document.rules).name },
        { cluster: random.pick(fleet.clusters).name },
        { node: random.pick(random.pick(fleet.clusters).nodes) },
      ] as Record<string, string>[]),
    })),
    shards: random.pick([1, 1, 2, 3]),
  };
}

function writeCrash(random: Random, atMs: number): PlannedCrash {
  const fate = random.pick<Fate>(['dies before', 'dies after']);
  return { atMs, downMs: downFor(random), write: { nth: random.int(1, 12), fate } };
}

function crash(random: Random, atMs: number): PlannedCrash {
  return random.chance(0.2) ? { atMs, downMs: downFor(random) } : writeCrash(random, atMs);
}

export const downFor = (random: Random) =>
  random.pick([SECOND, 10 * SECOND, MINUTE, 5 * MINUTE, 20 * MINUTE]);

const WINDOW_MOODS: readonly Mood[] = [
  'refuse',
  'refuse',
  'auth',
  'redirect',
  'fail',
  'fail',
  'limit',
  'limit',
  'lie',
  'unclear',
  'hang',
  'break off',
  'unreachable',
];

function moodWindow(random: Random, service: string): MoodWindow {
  const fromMs = random.int(START, CALM_FROM - MINUTE);
  const lasts = random.pick([MINUTE, 5 * MINUTE, 20 * MINUTE, HOUR, 3 * HOUR]);
  return { service, mood: random.pick(WINDOW_MOODS), fromMs, toMs: Math.min(CALM_FROM, fromMs + lasts) };
}

/** A clock that is corrected, and one that is wrong for a while. */
function clockSteps(random: Random, atMs: number): { atMs: number; byMs: number }[] {
  const byMs = random.pick([-10 * MINUTE, -2 * MINUTE, -20 * SECOND, 20 * SECOND, 3 * MINUTE, 25 * MINUTE]);
  const step = { atMs, byMs };
  // A clock that was wrong for longer than the lateness has left samples with future times.
  if (random.chance(0.5) || byMs > 5 * MINUTE) return [step];
  return [step, { atMs: Math.min(CALM_FROM - MINUTE, atMs + random.pick([2, 30]) * MINUTE), byMs: -byMs }];
}
