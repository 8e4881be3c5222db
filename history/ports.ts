// What the history service needs of the process that it runs in: the local one, or a function on AWS.

import type { FoundRecords } from '../adapters/audit/search.ts';
import type { ChartSpec } from '../core/chart/spec.ts';
import type { SettingsWithFleet } from '../core/deployment/expanded.ts';
import type { Findings } from '../core/health.ts';
import type { AuditAction, AuditFilter } from '../core/model/audit.ts';
import type { Incident } from '../core/model/incident.ts';
import type { Picture } from '../core/model/notification.ts';
import type { Target } from '../core/model/target.ts';
import type { Clock, Logger, Meter, SampleStore, StateStore, Versioned } from '../core/ports.ts';

/** `promql` sees everything, so that limited ports lack it. */
export type HistoryStore = Pick<SampleStore, 'query' | 'latest' | 'rollUps' | 'hourlyRollUps' | 'promql'>;

/**
 * `isPartial`: it also has or had alerts that the asker may not see; then it is open, `openedAtMs` is that of the alerts
 * that it shows, `notifications` is 0, and what tells of single messages is left out.
 */
export type HistoryIncident = Incident & { isPartial?: true };

/** What routes read and write of state. Limited, it throws a ForbiddenError for what its principal may not write. */
export type HistoryState = Pick<
  StateStore,
  | 'listAlerts'
  | 'listTransitions'
  | 'listDeliveries'
  | 'listTargetStatus'
  | 'listSilences'
  | 'putSilence'
  | 'expireSilence'
> & {
  listIncidents(query: { open?: boolean; limit: number }): Promise<HistoryIncident[]>;
  loadIncident(id: string): Promise<Versioned<HistoryIncident> | undefined>;
  incidentsOfAlert(alertId: string): Promise<Versioned<HistoryIncident>[]>;
  openIncidents(): Promise<Versioned<HistoryIncident>[]>;
};

/** Without what only probes and the audit's local files need. */
export type HistoryConfig = SettingsWithFleet;

/** Routes get these through `c.var.ports`, already limited to what the principal may see: they need no check of their own. */
export interface HistoryPorts {
  /** The configuration in force; for routes without secrets, addresses and options of channels, checks, stores and sources. */
  config(): Promise<HistoryConfig>;
  /** The nodes in force, those of inventories included: the same array as long as they are the same. */
  targets(): Promise<readonly Target[]>;
  store: HistoryStore;
  state: HistoryState;
  clock: Clock;
  logger: Logger;
  meter: Meter;
  /** The newest matching lines of all audits; absent where none can be read. Whoever asks it has scope `admin`. */
  findAuditLines?(filter: AuditFilter, limit: number): Promise<FoundRecords>;
  /** Appends to the audit what somebody changed; on disk when it resolves. @throws where it cannot be written */
  recordAction(action: AuditAction): Promise<void>;
  /** Draws a chart; bounded in time and in how many are drawn. Absent where nothing draws. @throws RetryableError */
  draw?(spec: ChartSpec, signal: AbortSignal): Promise<Omit<Picture, 'url'>>;
  /** What the process knows of its own health; absent for who sees a part of the fleet, as findings are about all of it. */
  health?(): Promise<Findings>;
}
