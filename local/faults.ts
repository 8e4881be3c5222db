import { type Finding, type Findings, HEALTH_CODES, type HealthCode } from '../core/health.ts';
import type { Meter } from '../core/ports.ts';

export type Fault = Finding & { kind: 'reason' | 'warning' };

/** What is wrong now, as the stages report it: one fault a code. */
export interface Faults {
  raise(fault: Fault): void;
  clear(code: HealthCode): void;
  findings(): Findings;
}

/** Every fault is a gauge `health_faults{code}` as well: 1 while it lasts. */
export function createFaults(meter: Meter): Faults {
  const current = new Map<HealthCode, Fault>();
  for (const code of HEALTH_CODES) meter.gauge('health_faults', 0, { code });
  const findings = (kind: Fault['kind']): Finding[] =>
    [...current.values()].filter((fault) => fault.kind === kind).map(({ kind: _, ...finding }) => finding);
  return {
    raise(fault) {
      current.set(fault.code, fault);
      meter.gauge('health_faults', 1, { code: fault.code });
    },
    clear(code) {
      if (current.delete(code)) meter.gauge('health_faults', 0, { code });
    },
    findings: () => ({ reasons: findings('reason'), warnings: findings('warning') }),
  };
}
