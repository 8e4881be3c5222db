import type { Check } from '../model/check.ts';
import type { AdapterKinds } from '../registry.ts';

/** The checks with what the registry knows of their probe kinds. */
export function withProbeFacts(checks: readonly Check[], { probes }: Pick<AdapterKinds, 'probes'>): Check[] {
  return checks.map((check) => {
    const kind = probes.find(({ type }) => type === check.probe);
    return kind?.logsIn?.(check.options) === false ? { ...check, withoutLogin: true } : check;
  });
}
