import type { Failure, FailureReason, ProbePhase } from '../../core/model.ts';
import type { HostKey } from './host-keys.ts';

/** A phase ended badly. Caught where the observation is made: a failure is data. */
export class ProbeError extends Error {
  override readonly name = 'ProbeError';
  readonly failure: Failure;
  /** That was shown, if it came so far. */
  readonly hostKey: HostKey | undefined;
  /** The bastion's policy forbids the way to the node: nothing was learned about the node. */
  readonly forbidden: boolean;
  constructor(failure: Failure, options: { hostKey?: HostKey | undefined; forbidden?: boolean } = {}) {
    super(failure.detail);
    this.failure = failure;
    this.hostKey = options.hostKey;
    this.forbidden = options.forbidden ?? false;
  }
}

export function probeError(
  reason: FailureReason,
  phase: ProbePhase,
  detail: string,
  options: { hostKey?: HostKey | undefined; forbidden?: boolean } = {},
): ProbeError {
  return new ProbeError({ reason, phase, detail: oneLine(detail) }, options);
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
