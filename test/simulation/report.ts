import type { Outcome } from './simulate.ts';

/** The results of many schedules. */
export interface Tally {
  schedules: number;
  counts: Map<string, number>;
  /** The seeds of schedules in which an invariant failed, by invariant. */
  failed: Map<string, number[]>;
  /** Schedules that lacked a fault which each must have. */
  lacking: Map<string, number[]>;
}

/** The faults that every run must have. */
const NEEDED: Readonly<Record<string, RegExp>> = {
  'a crash': /^crash: /,
  'an edit': /^edit: /,
  'a lying answer': /^answer: lie$/,
  'an alert': /^episode: /,
};

export const emptyTally = (): Tally => ({
  schedules: 0,
  counts: new Map(),
  failed: new Map(),
  lacking: new Map(),
});

export function add(tally: Tally, { seed, violations, counts }: Outcome): void {
  const note = (map: Map<string, number[]>, what: string) => map.set(what, [...(map.get(what) ?? []), seed]);
  tally.schedules++;
  for (const [what, times] of Object.entries(counts))
    tally.counts.set(what, (tally.counts.get(what) ?? 0) + times);
  for (const what of new Set(violations.map((violation) => violation.what))) note(tally.failed, what);
  for (const [what, pattern] of Object.entries(NEEDED)) {
    if (!Object.keys(counts).some((name) => pattern.test(name))) note(tally.lacking, what);
  }
}

/** How often each kind of fault happened, and the invariants that failed, with the seeds that replay them. */
export function reportOf(tally: Tally, elapsedMs: number): string {
  const width = 8;
  const lines = [...tally.counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([what, times]) => `${String(times).padStart(width)}  ${what}`);
  const perMinute = Math.round((tally.schedules / elapsedMs) * 60_000);
  lines.push(`${tally.schedules} schedules in ${(elapsedMs / 1000).toFixed(1)} s: ${perMinute} a minute`);
  for (const [what, seeds] of tally.lacking) lines.push(`WITHOUT ${what}: ${seedsText(seeds)}`);
  for (const [what, seeds] of tally.failed) lines.push(`FAILED ${what}: ${seedsText(seeds)}`);
  const [first] = [...tally.failed.values()].flat().sort((a, b) => a - b);
  if (first !== undefined) lines.push(`replay: npm run simulate -- --schedules 1 --seed ${first} --trace`);
  else lines.push('every invariant held in every schedule');
  return lines.join('\n');
}

function seedsText(seeds: readonly number[]): string {
  const most = 10;
  const shown = seeds.slice(0, most).join(' ');
  return `${seeds.length} schedules, seeds ${shown}${seeds.length > most ? ' …' : ''}`;
}

export const isGood = ({ failed, lacking, schedules }: Tally) =>
  schedules > 0 && failed.size === 0 && lacking.size === 0;
