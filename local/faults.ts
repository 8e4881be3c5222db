import type { Finding, Findings, HealthCode } from '../core/health.ts';

export type Fault = Finding & { kind: 'reason' | 'warning' };

/** The current faults, as the stages report them: at most one for each code. */
export interface Faults {
  raise(fault: Fault): void;
  clear(code: HealthCode): void;
  findings(): Findings;
}

export function createFaults(): Faults {
  const current = new Map<HealthCode, Fault>();
  const findings = (kind: Fault['kind']): Finding[] =>
    [...current.values()].filter((fault) => fault.kind === kind).map(({ kind: _, ...finding }) => finding);
  return {
    raise(fault) {
      current.set(fault.code, fault);
    },
    clear(code) {
      current.delete(code);
    },
    findings: () => ({ reasons: findings('reason'), warnings: findings('warning') }),
  };
}
