// The answer of a Kubernetes component to `/readyz?verbose`: a line for each check, `[+]ping ok` or `[-]etcd failed: …`
// (https://kubernetes.io/docs/reference/using-api/health-checks/).

import { MAX_LABEL_LENGTH } from './label-sets.ts';
import { isName } from './reading.ts';

/** A real API server has about forty checks, and one for each part that an operator adds. */
export const MOST_CHECKS = 64;

export interface HealthChecks {
  /** Names of checks that fail, each once. */
  failing: readonly string[];
  /** Failing checks beyond the first `MOST_CHECKS`, and those whose name cannot be a label. */
  leftOut: number;
}

export function parseHealthChecks(body: string): HealthChecks {
  const failing = new Set<string>();
  let leftOut = 0;
  for (const line of body.split('\n')) {
    const [, name] = /^\[-\](\S+) failed/.exec(line) ?? [];
    if (name === undefined || failing.has(name)) continue;
    if (failing.size < MOST_CHECKS && isName(name, MAX_LABEL_LENGTH)) failing.add(name);
    else leftOut++;
  }
  return { failing: [...failing], leftOut };
}

/** When each check failed last; plain data. */
export type LastFailures = Readonly<Record<string, number>>;

export interface TrackedChecks {
  /** 0: it fails; 1: it failed within `recoveredForMs`, and is well again. */
  states: readonly { name: string; value: 0 | 1 }[];
  lastFailures: LastFailures;
}

/** Which checks fail, and which have recovered: only these have series, since the healthy ones of a fleet are many. */
export function trackHealthChecks(
  failing: readonly string[],
  before: LastFailures,
  { nowMs, recoveredForMs }: { nowMs: number; recoveredForMs: number },
): TrackedChecks {
  const isNew = (atMs: number) => atMs <= nowMs && nowMs - atMs < recoveredForMs;
  const recovered = Object.entries(before)
    .filter(([name, atMs]) => isNew(atMs) && !failing.includes(name))
    .sort(([, a], [, b]) => b - a)
    .slice(0, MOST_CHECKS - failing.length);
  return {
    states: [
      ...failing.map((name) => ({ name, value: 0 as const })),
      ...recovered.map(([name]) => ({ name, value: 1 as const })),
    ],
    lastFailures: Object.fromEntries([...failing.map((name) => [name, nowMs] as const), ...recovered]),
  };
}
