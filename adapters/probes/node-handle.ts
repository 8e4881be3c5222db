import { setTimeout as sleep } from 'node:timers/promises';
import type { AccessKind, AuditEntry } from '../../core/model/audit.ts';
import type { BastionConfig } from '../../core/model/config.ts';
import type { CheckDeadlines } from '../../core/plan/deadlines.ts';
import { nextTurn } from '../event-loop/turns.ts';
import type { BastionConnection, StreamingNode } from '../ssh/bastion-connection.ts';
import { type CommandOutput, runScript, type Script } from '../ssh/command.ts';
import { type ProbeError, probeError, quote } from '../ssh/failure.ts';
import { fingerprintOf } from '../ssh/host-keys.ts';
import type { NodeAccess, NodeSession } from '../ssh/node-sessions.ts';
import { explainSignatureRefusal, refusalOf } from '../ssh/script-refusal.ts';
import type { SshSession } from '../ssh/session.ts';
import { type HttpRequest, httpClientOf } from './http-client.ts';
import type { Endpoint, NodeHandle, ScriptFacts, ScriptLimits, ScriptRun } from './probe.ts';
import { inAcceptedForm, type ScriptForm, type ScriptForms } from './script-forms.ts';
import { asProbeError } from './script-probe.ts';

/** Access to a node within one check's share of the time. */
export type CheckAccess = NodeAccess & { deadlines: CheckDeadlines };

export interface ProbeContext {
  connection: BastionConnection;
  bastion: BastionConfig;
  roundMs: number;
  nowMs: () => number;
  actor: string;
  kind: AccessKind;
  audit: (entry: AuditEntry) => void;
  resampleAfterMs: number;
  forms: ScriptForms;
}

/** Requests that one audit line names; the rest are counted. */
const MOST_NAMED = 4;

/** The handle of one node for one check, what its visits to services showed of the login, and the audit line of them. */
export function createNodeHandle(
  context: ProbeContext,
  access: CheckAccess,
  redact: NodeHandle['redact'] = (text) => text,
): {
  handle: NodeHandle;
  login: () => 'unknown' | undefined;
  /** When the first of the signatures expires with which scripts of the check ran, as Unix time; undefined: none had one. */
  signedUntil: () => number | undefined;
  finish: () => void;
} {
  const { connection, nowMs, roundMs, resampleAfterMs } = context;
  const startMs = nowMs();
  const visits: string[] = [];
  let bytes = 0;
  let outcome = 'ok';
  let fingerprint: string | undefined;
  let loginIsUnknown = false;
  let signedUntil: number | undefined;
  let node: Promise<StreamingNode> | undefined;
  const hostOf = ({ via, host }: Endpoint) => host ?? (via === 'bastion' ? access.target.host : '127.0.0.1');

  /** The session that streams from the node go over: one for all of the check. @throws ProbeError */
  const openNode = async () => {
    node ??= connection.openNode(access);
    const opened = await node;
    fingerprint = opened.session.fingerprint;
    return opened;
  };
  /** Visits a service, and proves meanwhile that the node would let us log in. @throws ProbeError */
  const visit = async <T>(
    name: string,
    { via }: Endpoint,
    connect: (through: StreamingNode | undefined) => Promise<T>,
  ): Promise<T> => {
    visits.push(name);
    try {
      const through = via === 'node' ? await openNode() : undefined;
      const visited = await connect(through).then(
        (result) => ({ result }),
        (cause: unknown) => ({ error: visitError(cause, through) }),
      );
      // A kept session may still work although no new login would: then the node is not up.
      if ((await through?.login) === false) loginIsUnknown = true;
      if ('error' in visited) throw visited.error;
      return visited.result;
    } catch (cause) {
      const error = asProbeError(cause);
      if (error.hostKey) fingerprint = fingerprintOf(error.hostKey);
      outcome = error.failure.reason;
      throw error;
    }
  };
  const open = (endpoint: Endpoint, through: StreamingNode | undefined) => {
    const to = { host: hostOf(endpoint), port: endpoint.port };
    return (through ?? connection).dial(to, access.deadlines.dialMs);
  };
  const handle: NodeHandle = {
    target: access.target,
    roundMs,
    deadlines: access.deadlines,
    nowMs,
    redact,
    waitToResample: () => sleep(resampleAfterMs),
    run: async (script, parse, limits) => {
      const { target, deadlines } = access;
      const limit = { execMs: deadlines.execMs, nowMs };
      const { result, form } = await inAcceptedForm(context.forms, target, script, limit, (tried, execMs) => {
        const timed = { ...access, deadlines: { ...deadlines, execMs } };
        return runOnce(context, timed, { script, form: tried, parse, limits });
      });
      const { notAfter = Number.POSITIVE_INFINITY } = form.signature ?? {};
      if (notAfter < (signedUntil ?? Number.POSITIVE_INFINITY)) signedUntil = notAfter;
      return result;
    },
    dial: (endpoint) =>
      visit(`${endpoint.via} → ${hostOf(endpoint)}:${endpoint.port}`, endpoint, async (through) => {
        const dialledMs = performance.now();
        const tunnel = await open(endpoint, through);
        return { ...tunnel, dialMs: performance.now() - dialledMs };
      }),
    exchangeKeys: () => {
      const { host, port } = access.target;
      return visit(`key exchange with ${host}:${port}`, { via: 'bastion', port }, async () => {
        const startedMs = performance.now();
        const key = await connection.exchangeKeys(access);
        fingerprint = fingerprintOf(key);
        return { type: key.type, fingerprint, tookMs: performance.now() - startedMs };
      });
    },
    request: (endpoint, request) => {
      const { via, port } = endpoint;
      const host = hostOf(endpoint);
      const scheme = request.tls ? 'https' : 'http';
      // The query may have what a configuration means as a secret; the path is what an operator looks for.
      const path = request.path.split('?')[0];
      const name = `${request.method ?? 'GET'} ${scheme}://${host}:${port}${path} via ${via}`;
      return visit(name, endpoint, async (through) => {
        through?.allow(request.maxBytes);
        const key = JSON.stringify([access.target.cluster, access.target.node, via, host, port]);
        const peer = { key, host, port, open: () => open(endpoint, through) };
        // The streams of a session that broke do not end, so the next session has a client of its own.
        const client = httpClientOf(through?.session ?? connection);
        const answer = await client.request(
          peer,
          named(request, endpoint.host ?? access.target.host),
          access.deadlines,
        );
        bytes += answer.bytes;
        return answer;
      });
    },
  };
  return {
    handle,
    login: () => (loginIsUnknown ? 'unknown' : undefined),
    signedUntil: () => signedUntil,
    finish() {
      if (visits.length === 0) return;
      const more = visits.length - MOST_NAMED;
      const names = visits.slice(0, MOST_NAMED).join(', ');
      context.audit({
        ...entryOf(context, access, startMs),
        ...(fingerprint !== undefined && { hostKeyFingerprint: fingerprint }),
        command: more > 0 ? `${names} and ${more} more` : names,
        durationMs: nowMs() - startMs,
        bytes,
        outcome,
      });
    },
  };
}

/** Why a visit failed, if its session with the node did not end beneath it. */
function visitError(cause: unknown, through: StreamingNode | undefined): ProbeError {
  const error = cutReason(through) ?? asProbeError(cause);
  if (through === undefined || through.session.isOpen()) return error;
  return probeError('protocol', 'dial', 'the connection to the node was lost', { cause });
}

/** The request with the name that the server's certificate must have. */
function named(request: HttpRequest, host: string): HttpRequest {
  const { tls } = request;
  return tls ? { ...request, tls: { ...tls, name: tls.name ?? tls.servername ?? host } } : request;
}

function entryOf({ kind, actor, bastion }: ProbeContext, { target }: NodeAccess, atMs: number) {
  return { atMs, kind, actor, bastion: bastion.name, target: `${target.cluster}/${target.node}` };
}

interface ScriptCall<T> {
  script: Script;
  form: ScriptForm;
  parse: (text: string) => T | undefined;
  limits: ScriptLimits | undefined;
}

/** Runs the script once, and writes one audit line however it ends. @throws ProbeError */
async function runOnce<T extends ScriptFacts | object>(
  context: ProbeContext,
  access: NodeAccess,
  { script, form, parse, limits }: ScriptCall<T>,
): Promise<ScriptRun<T>> {
  const { connection, bastion, nowMs } = context;
  const startMs = nowMs();
  let node: NodeSession | undefined;
  let output: CommandOutput | undefined;
  let bytesSent = 0;
  let fingerprint: string | undefined;
  let outcome = 'ok';
  try {
    const command = await connection.openCommand(access, (opened) => {
      node = opened;
      fingerprint = opened.session.fingerprint;
    });
    const { timeoutMs = Number.POSITIVE_INFINITY, maxBytes = bastion.maxOutputBytes } = limits ?? {};
    const deadlineMs = Math.min(timeoutMs, Math.max(0, access.deadlines.execMs - command.tookMs));
    const bytes = Math.min(maxBytes, bastion.maxOutputBytes);
    bytesSent = Buffer.byteLength(form.text);
    const sent = { ...script, text: form.text };
    output = await runScript(command, sent, { deadlineMs, maxBytes: bytes, nowMs, seen: limits?.seen });
    // Parsing a megabyte may take tens of milliseconds: nodes that end together each get a turn of their own.
    await nextTurn();
    const parsed = parse(output.text);
    if (parsed === undefined) throw notUnderstood(output, script, { sent: form.signature, nowMs: nowMs() });
    const facts: ScriptFacts = parsed;
    const offsetSeconds = clockOffset(facts, output, command.tookMs / 2);
    checkListener(command.session, facts.listens, access.target.port);
    // A kept session may still work although no new login would: then the node is not up.
    return { parsed, offsetSeconds, login: await command.login, output };
  } catch (cause) {
    const error = cutReason(node) ?? asProbeError(cause);
    if (error.hostKey) fingerprint = fingerprintOf(error.hostKey);
    outcome = error.failure.reason;
    // The command may still be running in this session.
    if (node !== undefined && output === undefined) connection.dropNode(node);
    throw error;
  } finally {
    context.audit({
      ...entryOf(context, access, startMs),
      ...(fingerprint !== undefined && { hostKeyFingerprint: fingerprint }),
      ...(node !== undefined && { command: script.name, commandSha256: script.sha256 }),
      ...(output?.exitCode !== undefined && { exitCode: output.exitCode }),
      durationMs: nowMs() - startMs,
      bytes: output?.bytes ?? 0,
      bytesSent,
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

function notUnderstood(
  { exitCode, complaint, bytes, text }: CommandOutput,
  { name }: Script,
  signature: Parameters<typeof explainSignatureRefusal>[2],
): ProbeError {
  // A login shell or ForceCommand explains itself on stdout or stderr. The script's own output would explain nothing.
  const quoted = quote(complaint) || quote(text.split('@bartizan ')[0] ?? '');
  const explanation = quoted === '' ? '' : `: ${quoted}`;
  const refusal = refusalOf(exitCode, complaint || quoted);
  if (refusal === 'signature')
    return probeError('command', 'exec', explainSignatureRefusal(complaint, name, signature), { refusal });
  // A line that compares hashes prints nothing. A program that must not be executed has the same code, and the shell says why.
  const unknown = `: its authorized_keys line does not allow our script ${name} (print it again: \`bartizan keys\`)`;
  const why = refusal === 'hash' ? unknown : explanation;
  if (exitCode !== 0) {
    const detail = `the script ended with code ${exitCode ?? 'none'}${why}`;
    return probeError('command', 'exec', detail, { refusal });
  }
  return probeError('output', 'exec', `${bytes} bytes of output, none of them the script's${explanation}`);
}

/** The node read its clock when it sent the last line, half a round trip before the line arrived. */
function clockOffset(
  { clockMs }: ScriptFacts,
  { endedAtMs }: CommandOutput,
  roundTripMs: number,
): number | undefined {
  if (clockMs === undefined || endedAtMs === undefined) return undefined;
  return (clockMs - (endedAtMs - roundTripMs / 2)) / 1000;
}
