import { setTimeout as sleep } from 'node:timers/promises';
import type { BastionConfig } from '../../core/config/types.ts';
import type { Check, Observation, Sample } from '../../core/model.ts';
import type { Reading } from '../../core/parse/reading.ts';
import type { AuditEntry } from '../../core/ports.ts';
import { loopWatch } from '../loop-watch.ts';
import type { BastionLink, NodeAccess, NodeSession } from '../ssh/bastion-link.ts';
import { type CommandOutput, runScript } from '../ssh/command.ts';
import { ProbeError, probeError } from '../ssh/failure.ts';
import { fingerprintOf } from '../ssh/host-keys.ts';
import type { ParsedOutput, ScriptProbe } from './script-probe.ts';

export interface LookContext {
  link: BastionLink;
  bastion: BastionConfig;
  roundMs: number;
  nowMs: () => number;
  actor: string;
  audit: (entry: AuditEntry) => void;
  secondLookMs: number;
}

export interface Look {
  observation: Observation;
  /** For the rates of the next round; absent where there are none. */
  counters?: unknown;
  /** What went wrong, also where the observation stands without it. */
  error?: ProbeError;
}

/** Counters from longer ago than this many intervals say nothing about now. */
const MAX_INTERVALS = 3;

/**
 * One check on one node. Rates are taken against `before`, the counters of an earlier round; if those do not serve (the
 * first round, another boot), a second look is taken a moment later.
 */
export async function lookAtNode(
  context: LookContext,
  access: NodeAccess,
  { check, probe }: { check: Check; probe: ScriptProbe },
  before: unknown,
): Promise<Look> {
  const { nowMs, roundMs, secondLookMs } = context;
  const { target } = access;
  const observedAtMs = nowMs();
  const startMs = loopWatch.nowMs();
  const durationOf = () => Math.round(loopWatch.nowMs() - startMs);
  const base = { check: check.name, target, roundMs, observedAtMs };
  try {
    const { parsed, offsetSeconds } = await runOnce(context, access, probe);
    const durationMs = durationOf();
    const readings = [...parsed.levels];
    const notes = [...parsed.notes];
    if (offsetSeconds !== undefined)
      readings.push({ metric: 'clock_offset', labels: {}, value: offsetSeconds });
    let { counters } = parsed;
    let error: ProbeError | undefined;
    if (counters !== undefined) {
      const maxSeconds = (MAX_INTERVALS * check.everyMs) / 1000;
      let earlier: unknown = before;
      if (!probe.isComparable(earlier, counters, maxSeconds)) {
        earlier = counters;
        await sleep(secondLookMs);
        const second = await runOnce(context, access, probe).catch(asProbeError);
        if (second instanceof ProbeError) error = second;
        else counters = second.parsed.counters ?? counters;
      }
      if (probe.isComparable(earlier, counters, maxSeconds)) {
        const rates = probe.computeRates(earlier, counters);
        readings.push(...rates.readings);
        notes.push(...rates.notes);
      } else {
        notes.push(error ? `no rates yet: ${error.message}` : 'no rates yet');
      }
    }
    const result = { ok: true, samples: toSamples(readings, access, roundMs), notes } as const;
    return { observation: { ...base, durationMs, result }, counters, ...(error && { error }) };
  } catch (cause) {
    const error = asProbeError(cause);
    const result = { ok: false, failure: error.failure } as const;
    return { observation: { ...base, durationMs: durationOf(), result }, error };
  }
}

/** One run of the script, with its line in the audit however it ends. @throws ProbeError */
async function runOnce(context: LookContext, access: NodeAccess, { script, parse }: ScriptProbe) {
  const { link, bastion, nowMs, actor } = context;
  const { target } = access;
  const startMs = nowMs();
  let node: NodeSession | undefined;
  let output: CommandOutput | undefined;
  let fingerprint: string | undefined;
  let outcome = 'ok';
  try {
    const command = await link.openCommand(access, (opened) => {
      node = opened;
      fingerprint = opened.session.fingerprint;
    });
    const deadlineMs = Math.max(0, bastion.deadlines.execMs - command.tookMs);
    output = await runScript(command, script, { deadlineMs, maxBytes: bastion.maxOutputBytes, nowMs });
    const parsed = parse(output.text);
    if (parsed === undefined) throw notUnderstood(output);
    if (output.complaint !== '') parsed.notes.push(`stderr: ${output.complaint}`);
    return { parsed, offsetSeconds: clockOffset(parsed, output, command.tookMs / 2) };
  } catch (cause) {
    const error = node?.tunnel.isCut()
      ? probeError('output', 'exec', 'cut off: it sends without end')
      : asProbeError(cause);
    if (error.hostKey) fingerprint = fingerprintOf(error.hostKey);
    outcome = error.failure.reason;
    // What did not end as it should may still be running in this session.
    if (node !== undefined && output === undefined) link.dropNode(node);
    throw error;
  } finally {
    context.audit({
      atMs: startMs,
      actor,
      bastion: bastion.name,
      target: `${target.cluster}/${target.node}`,
      ...(fingerprint !== undefined && { hostKeyFingerprint: fingerprint }),
      ...(node !== undefined && { command: script.name, commandSha256: script.sha256 }),
      ...(output?.exitCode !== undefined && { exitCode: output.exitCode }),
      durationMs: nowMs() - startMs,
      bytes: output?.bytes ?? 0,
      outcome,
    });
  }
}

function notUnderstood({ exitCode, complaint, bytes }: CommandOutput): ProbeError {
  const said = complaint === '' ? '' : `: ${complaint}`;
  if (exitCode !== 0)
    return probeError('command', 'exec', `the script ended with code ${exitCode ?? 'none'}${said}`);
  return probeError('output', 'exec', `${bytes} bytes of output, none of them the script's${said}`);
}

/** The node read its clock when it sent the last line, half a round trip before we had it. */
function clockOffset(
  { clockMs }: ParsedOutput<unknown>,
  { endedAtMs }: CommandOutput,
  roundTripMs: number,
): number | undefined {
  if (clockMs === undefined || endedAtMs === undefined) return undefined;
  return (clockMs - (endedAtMs - roundTripMs / 2)) / 1000;
}

function toSamples(readings: readonly Reading[], { target }: NodeAccess, timeMs: number): Sample[] {
  const { cluster, node, role } = target;
  return readings.map(({ metric, labels, value }) => ({
    metric,
    labels: { ...labels, cluster, node, role },
    timeMs,
    value,
  }));
}

/** @throws what is no failure of a probe */
function asProbeError(error: unknown): ProbeError {
  if (error instanceof ProbeError) return error;
  throw error;
}
