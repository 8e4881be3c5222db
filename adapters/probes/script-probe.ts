import type { Reading } from '../../core/parse/reading.ts';
import type { Script } from '../ssh/command.ts';
import { ProbeError } from '../ssh/failure.ts';
import type { CheckOptions, Finding, NodeHandle, Probe, ScriptFacts } from './probe.ts';

/** A probe that runs one script on a node and computes rates from counters of two runs. */
export interface ScriptProbe<Counters> {
  metrics: readonly string[];
  catalogue: Probe['catalogue'];
  scriptFor(options: CheckOptions): Script;
  /** Undefined: this is not the output of the script. */
  parse(output: string): ParsedOutput<Counters> | undefined;
  /** Whether rates can be computed against `before`, which comes from storage and may be anything. */
  isComparable(before: unknown, after: Counters, maxSeconds: number): before is Counters;
  computeRates(before: Counters, after: Counters): { readings: Reading[]; notes: string[] };
}

export interface ParsedOutput<Counters> extends ScriptFacts {
  levels: Reading[];
  counters: Counters | undefined;
  notes: string[];
}

/** Counters older than this many intervals are too old for rates. */
const MAX_INTERVALS = 3;

/**
 * Computes rates against the counters of an earlier round. If these are not comparable (the first round, a reboot), it
 * runs the script again after a pause.
 */
export function probeByScript<Counters>(kind: ScriptProbe<Counters>): Probe {
  return {
    metrics: kind.metrics,
    catalogue: kind.catalogue,
    scriptsFor: (options) => [kind.scriptFor(options)],
    endpointsFor: () => [],
    logsIn: () => true,
    observe: (node, check, before) => observe(kind, node, check, before),
  };
}

async function observe<Counters>(
  kind: ScriptProbe<Counters>,
  node: NodeHandle,
  { options, everyMs }: { options: CheckOptions; everyMs: number },
  before: unknown,
): Promise<Finding> {
  const script = kind.scriptFor(options);
  const { parsed, offsetSeconds, login, output } = await node.run(script, kind.parse);
  const readings = [...parsed.levels];
  const notes = [...parsed.notes];
  if (output.complaint !== '') notes.push(`stderr: ${output.complaint}`);
  if (offsetSeconds !== undefined)
    readings.push({ metric: 'clock_offset', labels: {}, value: offsetSeconds });
  let { counters } = parsed;
  let error: ProbeError | undefined;
  if (counters !== undefined) {
    const maxSeconds = (MAX_INTERVALS * everyMs) / 1000;
    let earlier: unknown = before;
    if (!kind.isComparable(earlier, counters, maxSeconds)) {
      earlier = counters;
      await node.waitToResample();
      const second = await node.run(script, kind.parse).catch(asProbeError);
      if (second instanceof ProbeError) error = second;
      else counters = second.parsed.counters ?? counters;
    }
    if (kind.isComparable(earlier, counters, maxSeconds)) {
      const rates = kind.computeRates(earlier, counters);
      readings.push(...rates.readings);
      notes.push(...rates.notes);
    } else {
      notes.push(error ? `no rates yet: ${error.message}` : 'no rates yet');
    }
  }
  return {
    readings,
    notes,
    kept: counters,
    ...(!login && { login: 'unknown' as const }),
    ...(error && { error }),
  };
}

/** @throws an error that is no ProbeError */
export function asProbeError(error: unknown): ProbeError {
  if (error instanceof ProbeError) return error;
  throw error;
}
