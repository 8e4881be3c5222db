import type { Reading } from '../../core/parse/reading.ts';
import type { Script } from '../ssh/command.ts';

/** A probe that runs one script of the catalogue on a node and reads its output. */
export interface ScriptProbe<Counters = unknown> {
  /** Names from the catalogue of metrics. */
  metrics: readonly string[];
  script: Script;
  /** Undefined: nothing that can be understood. */
  parse(output: string): ParsedOutput<Counters> | undefined;
  /** Whether rates can be taken from what was kept of an earlier look, which may be anything. */
  isComparable(before: unknown, after: Counters, maxSeconds: number): before is Counters;
  computeRates(before: Counters, after: Counters): { readings: Reading[]; notes: string[] };
}

export interface ParsedOutput<Counters> {
  levels: Reading[];
  counters: Counters | undefined;
  clockMs: number | undefined;
  notes: string[];
}
