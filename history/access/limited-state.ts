import type { Incident } from '../../core/model/incident.ts';
import type { Matcher, StoredSilence } from '../../core/model/silence.ts';
import type { Versioned } from '../../core/ports.ts';
import type { HistoryIncident, HistoryState } from '../ports.ts';
import { ForbiddenError } from './forbidden.ts';
import { limitIncident } from './limited-incidents.ts';
import { isWithinSelector } from './selector.ts';
import type { Sight } from './sight.ts';
import { seenTransitions, takeSeen } from './take-seen.ts';

/** State as a selector shows it. Whatever has a limit is filtered before it is limited. */
export function limitState(
  state: HistoryState,
  { selector, sight }: { selector: readonly Matcher[]; sight: () => Promise<Sight> },
): HistoryState {
  const seenAlerts = async (rule?: string) => {
    const { sees } = await sight();
    const alerts = await state.listAlerts(rule);
    return alerts.filter(({ value }) => sees(value.labels, value.inventoryLabels));
  };

  async function seenVersions(
    incidents: readonly Versioned<Incident>[],
  ): Promise<Versioned<HistoryIncident>[]> {
    const seen = await sight();
    return incidents.flatMap(({ value, version }) => {
      const limited = limitIncident(value, seen);
      return limited ? [{ value: limited, version: limited.isPartial ? 0 : version }] : [];
    });
  }

  const seenIncident = async (id: string): Promise<Versioned<HistoryIncident> | undefined> => {
    const incident = await state.loadIncident(id);
    return incident && (await seenVersions([incident]))[0];
  };

  /** Messages show all alerts of an incident, so only who sees it whole sees how they fared. */
  const seesDeliveries = async (incidentId: string) => {
    const incident = await seenIncident(incidentId);
    return incident !== undefined && !incident.value.isPartial;
  };

  async function isSilenceSeen(silence: StoredSilence): Promise<boolean> {
    if (silence.alertId === undefined) return isWithinSelector(silence.matchers, selector);
    return (await seenAlerts()).some(({ value }) => value.id === silence.alertId);
  }

  async function findSilence(id: string): Promise<StoredSilence | undefined> {
    return (await state.listSilences({ endedAfterMs: 0 })).find((silence) => silence.id === id);
  }

  return {
    listAlerts: seenAlerts,
    async listTransitions(query) {
      const { sees } = await sight();
      return seenTransitions(query, state.listTransitions, ({ labels, inventoryLabels }) =>
        sees(labels, inventoryLabels),
      );
    },
    async listIncidents({ limit, ...query }) {
      const seen = await sight();
      const whole = await takeSeen(
        limit,
        (most) => state.listIncidents({ ...query, limit: most }),
        async (incident) => {
          const limited = limitIncident(incident, seen);
          return limited?.isPartial ? undefined : limited;
        },
      );
      // When others opened does not say where these stand in the order.
      const open = query.open === false ? [] : await state.openIncidents();
      const partial = open.flatMap(({ value }) => limitIncident(value, seen) ?? []);
      return [...whole, ...partial.filter(({ isPartial }) => isPartial)]
        .sort((a, b) => b.openedAtMs - a.openedAtMs)
        .slice(0, limit);
    },
    loadIncident: seenIncident,
    incidentsOfAlert: async (alertId) => {
      const isSeen = (await seenAlerts()).some(({ value }) => value.id === alertId);
      return isSeen ? seenVersions(await state.incidentsOfAlert(alertId)) : [];
    },
    openIncidents: async () => seenVersions(await state.openIncidents()),
    async listDeliveries({ incidentId, limit }) {
      if (incidentId !== undefined)
        return (await seesDeliveries(incidentId)) ? state.listDeliveries({ incidentId, limit }) : [];
      const seen = new Map<string, Promise<boolean>>();
      return takeSeen(
        limit,
        (most) => state.listDeliveries({ limit: most }),
        async (delivery) => {
          const isSeen = seen.get(delivery.incidentId) ?? seesDeliveries(delivery.incidentId);
          seen.set(delivery.incidentId, isSeen);
          return (await isSeen) ? delivery : undefined;
        },
      );
    },
    async listTargetStatus() {
      const { sees } = await sight();
      const statuses = await state.listTargetStatus();
      // Which batch a node is in follows from the number of all nodes.
      return statuses.flatMap(({ batch, ...status }) =>
        status.cluster !== '' && sees({ cluster: status.cluster, node: status.node }) ? [status] : [],
      );
    },
    async listSilences(query) {
      const silences = await state.listSilences(query);
      const isSeen = await Promise.all(silences.map(isSilenceSeen));
      return silences.filter((_, i) => isSeen[i]);
    },
    async putSilence(silence) {
      const former = await findSilence(silence.id);
      for (const one of former ? [former, silence] : [silence])
        if (!(await isSilenceSeen(one)))
          throw new ForbiddenError(
            'this token sees a part of the fleet, and the silence would reach beyond; add the matchers of its selector',
          );
      await state.putSilence(silence);
    },
    async expireSilence(id, atMs) {
      const silence = await findSilence(id);
      return silence && (await isSilenceSeen(silence)) ? state.expireSilence(id, atMs) : false;
    },
  };
}
