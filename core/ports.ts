// The ports: interfaces of the stages to the outside. Adapters implement them; core imports no adapter.

import type { LateSamples } from './late-samples.ts';
import type { Alert } from './model/alert.ts';
import type { AuditEntry } from './model/audit.ts';
import type { Batch, BatchName } from './model/batch.ts';
import type { Checkpoint } from './model/checkpoint.ts';
import type { Cost } from './model/cost.ts';
import type { Delivery } from './model/delivery.ts';
import type { Incident } from './model/incident.ts';
import type { LogStage } from './model/log.ts';
import type { Notification, Picture } from './model/notification.ts';
import type { BatchObservation, Observation } from './model/observation.ts';
import type { Destination, Pace } from './model/pace.ts';
import type { StoredSilence } from './model/silence.ts';
import type { Target } from './model/target.ts';
import type { TargetStatus } from './model/target-status.ts';
import type { StoredToken } from './model/token.ts';
import type { OutboxItem, Transition } from './model/transition.ts';
import type { CounterName, GaugeName, HistogramName, LabelArguments } from './own-metrics.ts';

export type {
  PromqlAnswer,
  PromqlRequest,
  RejectedSample,
  SampleStore,
  SeriesQuery,
  StoreSize,
  WriteResult,
} from './sample-store.ts';

export interface Clock {
  nowMs(): number;
}

export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  /** The part of the log for one stage, where stages have levels of their own. Use `stageLog`. */
  ofStage?: ((stage: LogStage) => Logger) | undefined;
  /** Lines that could not be written so far, where the log counts them. */
  lost?: (() => number) | undefined;
}

/** The program's own metrics. Names and labels are those of OWN_METRICS, and of the metric's kind. */
export interface Meter {
  count<Name extends CounterName>(name: Name, ...rest: LabelArguments<Name, [by?: number]>): void;
  gauge<Name extends GaugeName>(name: Name, value: number, ...rest: LabelArguments<Name>): void;
  /** Adds a value to a histogram. */
  observe<Name extends HistogramName>(name: Name, value: number, ...rest: LabelArguments<Name>): void;
}

export interface Secrets {
  /** Replaces every reference in `text`. @throws ConfigError naming the reference, never a value. */
  resolve(text: string): Promise<string>;
  /** Replaces every value resolved or hidden so far, and what these are made of, by `<secret>`. */
  redact(text: string): string;
  /** From now on this is a secret too: an address that stands in the configuration, or was put together. */
  hide?(value: string): void;
  /** What was resolved was refused: values that are kept for a while are asked for anew at the next use. */
  forget?(): void;
  /**
   * As `resolve`, but never from what is kept for a while. @throws also where `resolve` would go on with the last value
   */
  renew?(text: string): Promise<string>;
}

/** A source of the inventory, and when it last answered anybody. */
export interface SourceAnswer {
  source: string;
  answeredAtMs: number;
}

export interface Inventory {
  /** All targets now. Order does not matter. */
  list(): Promise<readonly Target[]>;
  /** As of the last list; a source that is not in it has answered nobody who remembers. */
  answers?(): readonly SourceAnswer[];
}

export interface ProbeOptions {
  signal?: AbortSignal;
  /** How many nodes are done with. */
  onObservation?: (done: number) => void;
  /** All observations of a node that is done with, the same as in the result; a bastion that is lost later withdraws failed ones. */
  onNode?: (observations: readonly Observation[]) => void;
  /** Where it is given, the checks that worked run again after the round, many times, and what each costs is measured. */
  onCost?: (cost: Cost) => void;
}

export interface Prober {
  /**
   * Probes all targets of a batch over one connection to its bastion, each within its deadlines.
   * Never throws for what is unreachable, silent or lying: that is in the result.
   */
  probe(batch: Batch, options?: ProbeOptions): Promise<BatchObservation>;
  close(): Promise<void>;
}

/** Counters of the previous round, one small object per batch and check. */
export interface Counters {
  load(key: string): Promise<unknown>;
  save(key: string, value: unknown): Promise<void>;
}

/** `version` 0: not stored yet. Writes are conditional on it. */
export interface Versioned<T> {
  value: T;
  version: number;
}

export type PaceChange<T> = (pace: Pace | undefined) => { pace: Pace | undefined; result: T };

/** Tokens of the history service. */
export interface TokenState {
  /** Adds the token, or replaces the one with its id. */
  putToken(token: StoredToken): Promise<void>;
  /** Strongly consistent, also for one that was revoked or has expired. */
  findToken(id: string): Promise<StoredToken | undefined>;
  /** In the order in which they were created, with those that ended, until `prune` removes them. */
  listTokens(): Promise<StoredToken[]>;
  /** Returns whether there was one to revoke. */
  revokeToken(id: string, atMs: number): Promise<boolean>;
  /** Keeps when the token was last used; one that was revoked stays as it is. */
  markTokenUsed(id: string, atMs: number): Promise<void>;
}

export interface StateStore extends LateSamples, TokenState {
  loadCheckpoint(rule: string, shard: string): Promise<Versioned<Checkpoint> | undefined>;
  /** @throws ConflictError */
  saveCheckpoint(rule: string, shard: string, checkpoint: Checkpoint, expectedVersion: number): Promise<void>;
  /** Rule names that have a checkpoint or a stored alert, to resolve those of removed rules. */
  listRules(): Promise<string[]>;
  /** Shards under whose names the rule has checkpoints. */
  listCheckpoints(rule: string): Promise<string[]>;
  deleteCheckpoint(rule: string, shard: string): Promise<void>;

  /** Alerts that are not ok. */
  listAlerts(rule?: string): Promise<Versioned<Alert>[]>;
  /**
   * One transaction: the alert (removed when its status is ok), its new transitions, and an outbox item for
   * each firing or resolved one. A transition already stored is skipped with its outbox item: a replay
   * changes nothing. @throws ConflictError
   */
  commitAlert(commit: {
    alert: Alert;
    expectedVersion: number;
    transitions: readonly Transition[];
    dueAtMs: number;
  }): Promise<void>;
  listTransitions(query: {
    fromMs: number;
    toMs: number;
    alertId?: string;
    limit: number;
  }): Promise<Transition[]>;

  dueOutbox(nowMs: number, limit: number): Promise<OutboxItem[]>;
  /** Open incidents of route × channel × group key. */
  findIncident(route: string, channel: string, groupKey: string): Promise<Versioned<Incident> | undefined>;
  /** Open incidents that hold this alert, whatever today's routes are. */
  incidentsOfAlert(alertId: string): Promise<Versioned<Incident>[]>;
  loadIncident(id: string): Promise<Versioned<Incident> | undefined>;
  dueIncidents(nowMs: number, limit: number): Promise<Versioned<Incident>[]>;
  /** All open incidents. A store of many processes may miss what was opened a moment ago. */
  openIncidents(): Promise<Versioned<Incident>[]>;
  listIncidents(query: { open?: boolean; limit: number }): Promise<Incident[]>;
  /**
   * One transaction: the incidents, the outbox items they absorbed, a delivery record. Where a store takes less at once
   * it is several, and what was consumed leaves the outbox with the last: cut off in between, the call is made again
   * with the incidents as they are then. @throws ConflictError
   */
  commitIncidents(commit: {
    incidents: readonly Versioned<Incident>[];
    consumed?: readonly string[];
    delivery?: Delivery;
  }): Promise<void>;
  listDeliveries(query: { incidentId?: string; limit: number }): Promise<Delivery[]>;
  /** Earliest dueAt of outbox and incidents, to sleep until. */
  nextDueMs(): Promise<number | undefined>;
  /**
   * In one step reads the pace of a destination (undefined: none is kept) and keeps the one that `change` makes of it, if
   * it makes one; returns the rest. `change` is pure: it is called again when another sender was first. @throws RetryableError
   */
  changePace<T>(destination: string, change: PaceChange<T>): Promise<T>;

  /**
   * Keeps the newest round of each target and check, of one round the last call. `batch` is where they were seen, which
   * a store may keep together; a target may come from another batch later. Safe to repeat. @throws RetryableError
   */
  putTargetStatus(statuses: readonly TargetStatus[], batch: BatchName): Promise<void>;
  /** One of each target and check, those that are gone included, until `prune` or the store's history drops them. */
  listTargetStatus(): Promise<TargetStatus[]>;
  /** Adds the silence, or replaces the one with its id. */
  putSilence(silence: StoredSilence): Promise<void>;
  /** Silences that end later than this, those of the future included, by end. Strongly consistent. */
  listSilences(query: { endedAfterMs: number }): Promise<StoredSilence[]>;
  /** Ends the silence at `atMs`, unless it has ended by then. Returns whether there was one to end. */
  expireSilence(id: string, atMs: number): Promise<boolean>;
  /** Head of each audit writer's chain, anchored each round. */
  putAuditHead(writer: string, head: { sequence: number; hash: string; atMs: number }): Promise<void>;
  listAuditHeads(): Promise<{ writer: string; sequence: number; hash: string; atMs: number }[]>;
  counters: Counters;
  /** Deletes closed incidents, transitions that were sent, deliveries, target statuses, ended silences and tokens older than that. */
  prune(olderThanMs: number): Promise<number>;
  close(): Promise<void>;
}

export interface Audit<Entry = AuditEntry> {
  /** Append-only, hash-chained; on disk when it resolves. */
  append(entries: readonly Entry[]): Promise<void>;
  /** Writes what waits to be written with what follows; absent where that is no longer than a moment. */
  flush?(): Promise<void>;
  head(): { writer: string; sequence: number; hash: string };
  close(): Promise<void>;
}

/** What a channel's service answered to a message that it did not refuse. */
export interface Receipt {
  id?: string;
  detail: string;
  /** What became of a picture that is not in the message: shown in a reply, or nowhere. */
  picture?: 'followed' | 'failed';
  /**
   * The answer is neither yes nor no; a sentence says why. The caller sends once more under the same number, then counts
   * the message as sent, with a warning.
   */
  unclear?: string;
}

export interface Channel {
  /**
   * Where its messages go and how fast: channels that share a limit of their service have one key. Asked before each
   * message, as a secret may be part of it. Absent: a destination of its own, without a limit that is known.
   */
  destination?(): Promise<Destination>;
  /** What of a picture it shows: the bytes, its address on our server, or nothing. Default: bytes. */
  shows?: PictureForm;
  /**
   * Sends once; the caller retries. Without `picture` the text goes alone.
   * @throws ConfigError | PermanentError | RetryableError, none of which holds a secret
   */
  send(
    notification: Notification,
    picture: Picture | undefined,
    options: { signal: AbortSignal },
  ): Promise<Receipt>;
  /**
   * Whether messages would get through, as far as can be told without sending one; what was seen, in a line. `unclear`:
   * they would, but the operator should mend something.
   * @throws as `send`
   */
  verify?(options: { signal: AbortSignal }): Promise<Receipt>;
  /**
   * Shows a picture as a reply to a message that went without it, where the service knows replies. @throws as `send`
   */
  follow?(
    picture: Picture,
    receipt: Receipt,
    notification: Notification,
    options: { signal: AbortSignal },
  ): Promise<Receipt>;
}

export type PictureForm = 'bytes' | 'address' | 'none';

export interface ChartStore {
  /** No picture gets an address. Default: each does. */
  unpublished?: boolean;
  /** Keeps a picture under an unguessable name; returns its address, or undefined without a server. */
  put(png: Uint8Array): Promise<string | undefined>;
}
