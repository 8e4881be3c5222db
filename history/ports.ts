// What the history service needs of the process that it runs in: the local one, or a function on AWS.

import type { Config } from '../core/model/config.ts';
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
}
