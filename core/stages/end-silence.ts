import { ConflictError } from '../errors.ts';
import type { Rule, StoredSilence } from '../model.ts';
import type { Incident } from '../notify/model.ts';
import { routedLabels } from '../notify/routes.ts';
import { compileSilence } from '../notify/silences.ts';
import type { Clock, StateStore } from '../ports.ts';

const TRIES = 5;

/**
 * Ends a silence that was added at run time, and makes the incidents that it holds back due, which otherwise wait for
 * its old end. Returns the silence as it was, or undefined when there was none to end. Safe to repeat.
 */
export async function endSilence(
  id: string,
  { state, clock }: { state: StateStore; clock: Clock },
): Promise<StoredSilence | undefined> {
  const nowMs = clock.nowMs();
  const silence = (await state.listSilences({ endedAfterMs: nowMs })).find((one) => one.id === id);
  if (!silence || !(await state.expireSilence(id, nowMs))) return undefined;
  const { covers } = compileSilence(silence);
  for (const { value: incident } of await state.openIncidents()) {
    const isHeld = incident.alerts.some((alert) =>
      covers({ ...alert, labels: labelsOf(incident.rules[alert.rule], alert.labels) }),
    );
    if (isHeld) await makeDue(incident.id, nowMs, state);
  }
  return silence;
}

/** When it is due is a hint: it is decided anew. What is being sent has a lease, and is decided again behind it. */
async function makeDue(id: string, nowMs: number, state: StateStore): Promise<void> {
  for (let tried = 1; ; tried++) {
    const stored = await state.loadIncident(id);
    const { dueAtMs = Infinity, attempt } = stored?.value ?? {};
    if (!stored || (attempt?.leaseUntilMs ?? 0) > nowMs || dueAtMs <= nowMs) return;
    try {
      const value: Incident = { ...stored.value, dueAtMs: nowMs };
      return await state.commitIncidents({ incidents: [{ value, version: stored.version }] });
    } catch (error) {
      if (!(error instanceof ConflictError) || tried === TRIES) throw error;
    }
  }
}

function labelsOf(rule: Rule | undefined, labels: Incident['alerts'][number]['labels']) {
  return rule ? routedLabels(rule, labels) : labels;
}
