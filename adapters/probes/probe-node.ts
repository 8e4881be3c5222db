import type { Check } from '../../core/model/check.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { Observation } from '../../core/model/observation.ts';
import type { Sample } from '../../core/model/sample.ts';
import type { Reading } from '../../core/parse/reading.ts';
import type { AdapterDescriptor } from '../../core/registry.ts';
import { isExcluded } from '../../core/selection.ts';
import { loopWatch } from '../event-loop/loop-watch.ts';
import type { ProbeError } from '../ssh/failure.ts';
import type { NodeAccess } from '../ssh/node-sessions.ts';
import { type CheckAccess, createNodeHandle, type ProbeContext } from './node-handle.ts';
import type { Probe } from './probe.ts';
import { asProbeError } from './script-probe.ts';

/** A check and the probe of its kind. */
export interface ConfiguredProbe {
  check: Check;
  probe: AdapterDescriptor & Probe;
  /** The options hold secrets, which a service may send back. */
  redact?: (text: string) => string;
  /** Why a secret of the options cannot be used. */
  unusable?: ProbeError;
}

export interface NodeProbe {
  observation: Observation;
  /** What the next round needs; absent where there is nothing. */
  kept?: unknown;
  /** The failure, also where it cost the observation some of its readings only. */
  error?: ProbeError;
  /** Something did not answer, and samples say so: they hold only if the bastion works. */
  silence?: ProbeError;
}

/** Runs one check on one node. `before` is what the check kept in an earlier round. */
export async function probeNode(
  context: ProbeContext,
  access: CheckAccess,
  configured: ConfiguredProbe,
  before: unknown,
): Promise<NodeProbe> {
  const { check, probe, redact = unchanged } = configured;
  const startMs = loopWatch.nowMs();
  const observedAtMs = context.nowMs();
  const { handle, login: loginOfVisits, signedUntil, finish } = createNodeHandle(context, access, redact);
  const observationOf = (result: Observation['result']): Observation => ({
    ...identify(context, access, configured),
    observedAtMs,
    durationMs: Math.round(loopWatch.nowMs() - startMs),
    result,
  });
  try {
    if (configured.unusable) throw configured.unusable;
    const found = await probe.observe(handle, check, before);
    const { readings, notes, login = loginOfVisits(), isPartial: hides, ...rest } = found;
    const isPartial = hides || found.error !== undefined || found.silence !== undefined;
    const until = signedUntil();
    const left = until === undefined ? [] : [expiryReading(check, until, context.roundMs)];
    const samples = toSamples([...readings, ...left], access, context.roundMs, redact).filter(
      ({ labels }) => !isExcluded(check.whereNot, labels),
    );
    const more = { ...(login && { login }), ...(isPartial && { isPartial }) } as const;
    const result = { ok: true, samples, notes: notes.map(redact), ...more } as const;
    return { observation: observationOf(result), ...rest };
  } catch (cause) {
    const error = asProbeError(cause);
    const failure = { ...error.failure, detail: redact(error.failure.detail) };
    return { observation: observationOf({ ok: false, failure }), error };
  } finally {
    finish();
  }
}

/** A check that is not tried, because `error` has shown in this round that nobody gets into the node. */
export function failedProbe(
  context: ProbeContext,
  access: NodeAccess,
  configured: ConfiguredProbe,
  error: ProbeError,
): NodeProbe {
  const result = { ok: false, failure: error.failure } as const;
  const base = identify(context, access, configured);
  return { observation: { ...base, observedAtMs: context.nowMs(), durationMs: 0, result }, error };
}

function identify({ roundMs }: ProbeContext, { target }: NodeAccess, { check, probe }: ConfiguredProbe) {
  const withoutLogin = !probe.logsIn(check.options);
  const base = { check: check.name, probe: probe.type, target, roundMs };
  return withoutLogin ? { ...base, withoutLogin } : base;
}

function expiryReading({ name: check }: Check, until: number, roundMs: number): Reading {
  return { metric: 'signature_expiry', labels: { check }, value: until - roundMs / 1000 };
}

const unchanged = (text: string) => text;

function toSamples(
  readings: readonly Reading[],
  { target }: NodeAccess,
  timeMs: number,
  redact: (text: string) => string,
): Sample[] {
  const { cluster, node, role } = target;
  // Readings of one mount or device share a label object, and so do its samples: later stages process each set once.
  const sets = new Map<Labels, Labels>();
  return readings.map(({ metric, labels: own, value }) => {
    const labels = sets.get(own) ?? { ...redactValues(own, redact), cluster, node, role };
    sets.set(own, labels);
    return { metric, labels, timeMs, value };
  });
}

function redactValues(labels: Labels, redact: (text: string) => string): Labels {
  if (redact === unchanged) return labels;
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, redact(value)]));
}
