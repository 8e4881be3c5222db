import type { Failure, FailureReason, ProbePhase } from '../../core/model.ts';

/** A phase ended badly. Caught where the observation is made: a failure is data. */
export class ProbeError extends Error {
  override readonly name = 'ProbeError';
  readonly failure: Failure;
  /** Of the host key that was shown, if it came so far. */
  readonly fingerprint: string | undefined;
  /** The bastion's policy forbids the way to the node: nothing was learned about the node. */
  readonly forbidden: boolean;
  constructor(failure: Failure, options: { fingerprint?: string; forbidden?: boolean } = {}) {
    super(failure.detail);
    this.failure = failure;
    this.fingerprint = options.fingerprint;
    this.forbidden = options.forbidden ?? false;
  }
}

export function probeError(
  reason: FailureReason,
  phase: ProbePhase,
  detail: string,
  options: { fingerprint?: string; forbidden?: boolean } = {},
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
