import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditEntry } from '../../core/model/audit.ts';
import type { Check } from '../../core/model/check.ts';
import type { BastionConfig } from '../../core/model/config.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { Observation } from '../../core/model/observation.ts';
import type { Sample } from '../../core/model/sample.ts';
import type { Reading } from '../../core/parse/reading.ts';
import { isExcluded } from '../../core/selection.ts';
import { loopWatch } from '../event-loop/loop-watch.ts';
import { nextTurn } from '../event-loop/turns.ts';
import type { BastionConnection } from '../ssh/bastion-connection.ts';
import { type CommandOutput, runScript } from '../ssh/command.ts';
import { ProbeError, probeError, quote } from '../ssh/failure.ts';
import { fingerprintOf } from '../ssh/host-keys.ts';
import type { NodeAccess, NodeSession } from '../ssh/node-sessions.ts';
import type { SshSession } from '../ssh/session.ts';
import type { ParsedOutput, ScriptProbe } from './script-probe.ts';

export interface ProbeContext {
  connection: BastionConnection;
  bastion: BastionConfig;
  roundMs: number;
  nowMs: () => number;
  actor: string;
  audit: (entry: AuditEntry) => void;
  resampleAfterMs: number;
}

export interface NodeProbe {
  observation: Observation;
  /** For the rates of the next round; absent where there are none. */
  counters?: unknown;
  /** The failure, also where it cost the observation its rates only. */
  error?: ProbeError;
}

/** Exit code of the forced command in authorized_keys for a script that it does not know. */
const REFUSED = 126;
const OTHER_VERSION =
  'its authorized_keys line knows another version of our script (print it again: `bartizan keys`)';

/** Counters older than this many intervals are too old for rates. */
const MAX_INTERVALS = 3;

/**
 * Runs one check on one node. Computes rates against `before`, the counters of an earlier round. If these are not
 * comparable (the first round, a reboot), it runs the script again after `resampleAfterMs`.
 */
export async function probeNode(
  context: ProbeContext,
  access: NodeAccess,
  { check, probe }: { check: Check; probe: ScriptProbe },
  before: unknown,
): Promise<NodeProbe> {
  const { nowMs, roundMs, resampleAfterMs } = context;
  const { target } = access;
  const observedAtMs = nowMs();
  const startMs = loopWatch.nowMs();
  const durationOf = () => Math.round(loopWatch.nowMs() - startMs);
  const base = { check: check.name, target, roundMs, observedAtMs };
  try {
    const { parsed, offsetSeconds, login } = await runOnce(context, access, check, probe);
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
        await sleep(resampleAfterMs);
        const second = await runOnce(context, access, check, probe).catch(asProbeError);
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
    const samples = toSamples(readings, access, roundMs).filter(
      ({ labels }) => !isExcluded(check.whereNot, labels),
    );
    const result = { ok: true, samples, notes, ...(!login && { login: 'unknown' as const }) } as const;
    return { observation: { ...base, durationMs, result }, counters, ...(error && { error }) };
  } catch (cause) {
    const error = asProbeError(cause);
    const result = { ok: false, failure: error.failure } as const;
    return { observation: { ...base, durationMs: durationOf(), result }, error };
  }
}

/** Runs the script once, and writes one audit line however it ends. @throws ProbeError */
async function runOnce(
  context: ProbeContext,
  access: NodeAccess,
  check: Check,
  { scriptFor, parse }: ScriptProbe,
) {
  const script = scriptFor(check.options);
  const { connection, bastion, nowMs, actor } = context;
  const { target } = access;
  const startMs = nowMs();
  let node: NodeSession | undefined;
  let output: CommandOutput | undefined;
  let fingerprint: string | undefined;
  let outcome = 'ok';
  try {
    const command = await connection.openCommand(access, (opened) => {
      node = opened;
      fingerprint = opened.session.fingerprint;
    });
    const deadlineMs = Math.max(0, access.deadlines.execMs - command.tookMs);
    output = await runScript(command, script, { deadlineMs, maxBytes: bastion.maxOutputBytes, nowMs });
    // Parsing a megabyte may take tens of milliseconds: nodes that end together each get a turn of their own.
    await nextTurn();
    const parsed = parse(output.text);
    if (parsed === undefined) throw notUnderstood(output);
    if (output.complaint !== '') parsed.notes.push(`stderr: ${output.complaint}`);
    const offsetSeconds = clockOffset(parsed, output, command.tookMs / 2);
    checkListener(command.session, parsed.listens, target.port);
    // A kept session may still work although no new login would: then the node is not up.
    return { parsed, offsetSeconds, login: await command.login };
  } catch (cause) {
    const error = cutReason(node) ?? asProbeError(cause);
    if (error.hostKey) fingerprint = fingerprintOf(error.hostKey);
    outcome = error.failure.reason;
    // The command may still be running in this session.
    if (node !== undefined && output === undefined) connection.dropNode(node);
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

/** Sessions in which the script has once seen a listener on their port. Elsewhere it may be unable to see any. */
const sawListener = new WeakSet<SshSession>();

/** A kept session outlives the sshd that listened. @throws ProbeError */
function checkListener(session: SshSession, listens: boolean | undefined, port: number): void {
  if (listens) sawListener.add(session);
  if (listens === false && sawListener.has(session)) {
    const detail = `nobody listens on its SSH port (${port}) any more; only earlier sessions still work`;
    throw probeError('unreachable', 'dial', detail);
  }
}

/** The reason why we ended a session ourselves, which would otherwise look like a lost connection. */
function cutReason(node: NodeSession | undefined): ProbeError | undefined {
  const flood = node?.session.flood();
  if (flood !== undefined) return probeError('output', 'exec', `cut off: it ${flood}`);
  return node?.tunnel.isCut() ? probeError('output', 'exec', 'cut off: it sends without end') : undefined;
}

function notUnderstood({ exitCode, complaint, bytes, text }: CommandOutput): ProbeError {
  // A login shell or ForceCommand explains itself on stdout or stderr. The script's own output would explain nothing.
  const quoted = quote(complaint) || quote(text.split('@bartizan ')[0] ?? '');
  const explanation = quoted === '' ? '' : `: ${quoted}`;
  // Our forced command prints nothing. A program that must not be executed has the same code, and the shell says why.
  const why = exitCode === REFUSED && explanation === '' ? `: ${OTHER_VERSION}` : explanation;
  if (exitCode !== 0)
    return probeError('command', 'exec', `the script ended with code ${exitCode ?? 'none'}${why}`);
  return probeError('output', 'exec', `${bytes} bytes of output, none of them the script's${explanation}`);
}

/** The node read its clock when it sent the last line, half a round trip before the line arrived. */
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
  // Readings of one mount or device share a label object, and so do its samples: later stages process each set once.
  const sets = new Map<Labels, Labels>();
  return readings.map(({ metric, labels: own, value }) => {
    const labels = sets.get(own) ?? { ...own, cluster, node, role };
    sets.set(own, labels);
    return { metric, labels, timeMs, value };
  });
}

/** @throws an error that is no ProbeError */
function asProbeError(error: unknown): ProbeError {
  if (error instanceof ProbeError) return error;
  throw error;
}
