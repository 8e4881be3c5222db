import type { Failure, FailureReason, ProbePhase } from '../../core/model/observation.ts';
import { cutText, visibleLine } from '../../core/text/visible-line.ts';
import type { HostKey } from './host-keys.ts';

/**
 * Why a server dropped a connection that may succeed in a moment. `startups`: too many clients are about to log in
 * (MaxStartups, or the server says so). `unexplained`: it closed the connection before it presented a host key.
 */
export type TurnedAway = 'startups' | 'unexplained';

/**
 * Why the line of our key refused a script. `hash`: it compares hashes, or may, and the hash is not in it. `signature`: it wants
 * a valid signature.
 */
export type Refusal = 'hash' | 'signature';

export interface ProbeErrorOptions {
  hostKey?: HostKey | undefined;
  turnedAway?: TurnedAway | undefined;
  /** The line of our key on the node refused the script. */
  refusal?: Refusal | undefined;
  cause?: unknown;
}

/** A phase of a probe failed. `probeNode` catches it and records it in the observation: a failure is data. */
export class ProbeError extends Error {
  override readonly name = 'ProbeError';
  readonly failure: Failure;
  /** The key that the server presented, if it came that far. */
  readonly hostKey: HostKey | undefined;
  readonly turnedAway: TurnedAway | undefined;
  readonly refusal: Refusal | undefined;
  constructor(failure: Failure, options: ProbeErrorOptions = {}) {
    super(failure.detail, { cause: options.cause });
    this.failure = failure;
    this.hostKey = options.hostKey;
    this.turnedAway = options.turnedAway;
    this.refusal = options.refusal;
  }
}

export function probeError(
  reason: FailureReason,
  phase: ProbePhase,
  detail: string,
  options: ProbeErrorOptions = {},
): ProbeError {
  return new ProbeError({ reason, phase, detail: oneLine(detail) }, options);
}

/**
 * The server said "Not allowed at this time": it refuses all connections from our address (behind a bastion: from the
 * bastion's) until a penalty ends. Whether a login from elsewhere would succeed is unknown.
 */
export function isPenalty(error: unknown): error is ProbeError {
  return error instanceof ProbeError && error.failure.reason === 'penalty';
}

/** The sshd of the bastion, or of the node itself, forbids connections to `to`. */
export function forwardingDenied(
  to: string,
  hop: 'bastion' | 'node' = 'bastion',
  phase: ProbePhase = 'dial',
): ProbeError {
  const remedy =
    'AllowTcpForwarding in its sshd_config and permitopen of our key must allow it (`bartizan keys`)';
  return probeError('forbidden', phase, `the ${hop} forbids forwarding to ${to}: ${remedy}`);
}

/** The rules of `bartizan keys --nft` on the bastion forbid connections to `to`. */
export function firewallDenied(to: string, phase: ProbePhase = 'dial'): ProbeError {
  const remedy = 'load there what `bartizan keys --nft` prints now';
  return probeError('forbidden', phase, `the bastion's firewall forbids connections to ${to}: ${remedy}`);
}

/**
 * The sshd of the bastion connects no more to `to`, which it did in this session: it has no file left, most likely, so whether anybody
 * answers there is unknown. If the route is gone, the next session shows it. sshd keeps one for
 * each open connection, and for two minutes one for each address that stays silent: a channel that is being opened cannot be taken back.
 */
export function outOfFiles(to: string): ProbeError {
  const remedy = 'too many open files? Raise its limit (LimitNOFILE of its service)';
  return probeError(
    'unreachable',
    'bastion',
    `sshd of the bastion opens no more connections to ${to}: ${remedy}`,
  );
}

const LINE_CHARACTERS = 240;
const QUOTE_CHARACTERS = 120;

/** Makes text of the other side fit for a message: one line, visible characters, bounded. */
export function oneLine(text: string): string {
  return cutText(visibleLine(text.slice(0, 1_000).replaceAll('\uFFFD', ' ')), LINE_CHARACTERS);
}

/** The first line that is not blank, in quotation marks; empty where there is none. */
export function quote(text: string): string {
  for (const line of text.slice(0, 4_000).split(/[\r\n]+/)) {
    const visible = cutText(oneLine(line), QUOTE_CHARACTERS);
    if (visible !== '') return `"${visible}"`;
  }
  return '';
}

export function seconds(ms: number): string {
  return `${ms / 1000} s`;
}
