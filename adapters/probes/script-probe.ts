import type { Reading } from '../../core/parse/reading.ts';
import type { Script } from '../ssh/command.ts';

/** A probe that runs a script of the catalogue on a node and parses its output. */
export interface ScriptProbe<Counters = unknown> {
  /** Names of the metrics, from the catalogue. */
  metrics: readonly string[];
  /** The script of a check without options. */
  script: Script;
  /** All scripts that a node must allow: those of all options, and those of the previous release. */
  catalogue: readonly Pick<Script, 'name' | 'sha256'>[];
  /** The script of a check with these validated options. */
  scriptFor(options: Readonly<Record<string, unknown>>): Script;
  /** Undefined: this is not the output of the script. */
  parse(output: string): ParsedOutput<Counters> | undefined;
  /** Whether rates can be computed against `before`, which comes from storage and may be anything. */
  isComparable(before: unknown, after: Counters, maxSeconds: number): before is Counters;
  computeRates(before: Counters, after: Counters): { readings: Reading[]; notes: string[] };
}

export interface ParsedOutput<Counters> {
  levels: Reading[];
  counters: Counters | undefined;
  /** Whether a process listens on the port of this session; undefined: unknown. */
  listens?: boolean | undefined;
  clockMs: number | undefined;
  notes: string[];
}
