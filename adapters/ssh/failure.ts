import type { Failure, FailureReason, ProbePhase } from '../../core/model.ts';
import type { HostKey } from './host-keys.ts';

/** A phase ended badly. Caught where the observation is made: a failure is data. */
export class ProbeError extends Error {
  override readonly name = 'ProbeError';
  readonly failure: Failure;
  /** That was shown, if it came so far. */
  readonly hostKey: HostKey | undefined;
  constructor(failure: Failure, options: { hostKey?: HostKey | undefined; cause?: unknown } = {}) {
    super(failure.detail, { cause: options.cause });
    this.failure = failure;
    this.hostKey = options.hostKey;
  }
}

export function probeError(
  reason: FailureReason,
  phase: ProbePhase,
  detail: string,
  options: { hostKey?: HostKey | undefined; cause?: unknown } = {},
): ProbeError {
  return new ProbeError({ reason, phase, detail: oneLine(detail) }, options);
}

/** The bastion's own policy is in the way to `to`, a node or several. */
export function forbiddenBy(to: string): ProbeError {
  const remedy =
    'AllowTcpForwarding in its sshd_config and permitopen of our key must allow it (`bartizan keys`)';
  return probeError('forbidden', 'dial', `the bastion forbids forwarding to ${to}: ${remedy}`);
}

/** What the other side says may be long and hold anything: one line, printable, short enough for a message. */
export function oneLine(text: string): string {
  const clean = text
    .slice(0, 1_000)
    .replace(/[\p{Cc}\p{Cf}\uFFFD]+/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
  return clean.length > 200 ? `${clean.slice(0, 199)}…` : clean;
}

export function seconds(ms: number): string {
  return `${ms / 1000} s`;
}
