// What the history service needs of the process that it runs in: the local one, or a function on AWS.

import type { FoundRecords } from '../adapters/audit/search.ts';
import type { ChartSpec } from '../core/chart/spec.ts';
import type { Findings } from '../core/health.ts';
import type { AuditAction, AuditFilter } from '../core/model/audit.ts';
import type { Config } from '../core/model/config.ts';
import type { Picture } from '../core/model/notification.ts';
import type { Target } from '../core/model/target.ts';
import type { Clock, Logger, Meter, SampleStore, StateStore } from '../core/ports.ts';

export type HistoryStore = Pick<SampleStore, 'query' | 'latest' | 'rollUps'>;

export type HistoryState = Pick<
  StateStore,
  | 'listAlerts'
  | 'listTransitions'
  | 'listIncidents'
  | 'loadIncident'
  | 'incidentsOfAlert'
  | 'openIncidents'
  | 'listDeliveries'
  | 'listTargetStatus'
  | 'listSilences'
  | 'putSilence'
  | 'expireSilence'
>;

/** Routes get these through `c.var.ports`, already limited to what the principal may see: they need no check of their own. */
export interface HistoryPorts {
  /** The configuration in force. */
  config(): Promise<Config>;
  /** The nodes in force, those of inventories included. */
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
  /** What the process knows of its own health. */
  health(): Promise<Findings>;
}
