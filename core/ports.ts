// What the stages need from the world. Adapters implement these; core imports no adapter.
import type { Checkpoint } from './evaluate/model.ts';
import type {
  Alert,
  Batch,
  BatchObservation,
  FailureReason,
  LabelGlobs,
  Sample,
  Series,
  StoredSilence,
  Target,
  Transition,
} from './model.ts';
import type { Delivery, Incident, Notification, Picture } from './notify/model.ts';
import type { RollUpSeries } from './roll-up.ts';

export interface Clock {
  nowMs(): number;
}

export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** Counts what happens; shown at /metrics. Names without prefix, e.g. `rounds_skipped_total`. */
export interface Meter {
  count(name: string, labels?: Record<string, string>, by?: number): void;
  gauge(name: string, value: number, labels?: Record<string, string>): void;
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
}

export interface Inventory {
  /** All targets now. Order does not matter. */
  list(): Promise<readonly Target[]>;
}

export interface Prober {
  /**
   * Probes all targets of a batch over one connection to its bastion, each within its deadlines.
   * Never throws for what is unreachable, silent or lying: that is in the result.
   */
  probe(
    batch: Batch,
    options?: { signal?: AbortSignal; onObservation?: (done: number) => void },
  ): Promise<BatchObservation>;
  close(): Promise<void>;
}

/** Counters of the previous round, one small object per batch and check. */
export interface Counters {
  load(key: string): Promise<unknown>;
  save(key: string, value: unknown): Promise<void>;
}

export interface SeriesQuery {
  metric: string;
  /** On labels; absent matches all. */
  where?: LabelGlobs;
  /** Inclusive at both ends. */
  fromMs: number;
  toMs: number;
}

export interface WriteResult {
  written: number;
  /** Already there: the first write of (metric, labels, time) wins. */
  duplicates: number;
  rejected: readonly { sample: Sample; reason: string }[];
}

export interface SampleStore {
  /** Durable when it returns; all or nothing. @throws RetryableError */
  write(samples: readonly Sample[]): Promise<WriteResult>;
  /** Series with at least one point in the range, points ascending, exactly as stored: no filling, no rounding. */
  query(query: SeriesQuery): Promise<Series[]>;
  /** The newest point of every matching series not older than `sinceMs`. */
  latest(query: { metric: string; where?: LabelGlobs; sinceMs: number }): Promise<Series[]>;
  /**
   * Periods of five minutes that begin in the range and hold samples: those of `rollUp`, and newer ones from samples.
   * A late sample is in them after the next `rollUp`.
   */
  rollUps(query: SeriesQuery): Promise<RollUpSeries[]>;
  /** Keeps roll-ups of all periods that end by then; returns how many rows. They outlive their samples. */
  rollUp(untilMs: number): Promise<number>;
  /** Deletes samples and roll-ups that are older; returns how many rows. Default of the second: as the first. */
  prune(samplesOlderThanMs: number, rollUpsOlderThanMs?: number): Promise<number>;
  close(): Promise<void>;
}

/** `version` 0: not stored yet. Writes are conditional on it. */
export interface Versioned<T> {
  value: T;
  version: number;
}

export interface OutboxItem {
  id: string;
  dueAtMs: number;
  transition: Transition;
}

/** Two batches of one round differ in it; a batch has the same in each round. */
export type BatchName = Pick<Batch, 'bastion' | 'index'>;

/** How a check of a node ended last. A bastion stands there without a cluster (''), a batch in place of a check. */
export interface TargetStatus {
  cluster: string;
  node: string;
  check: string;
  roundMs: number;
  ok: boolean;
  reason?: FailureReason;
  detail?: string;
  hostKeyFingerprint?: string;
}

export interface StateStore {
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
  /** Open incidents that hold this alert, whatever routes say today. */
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
  /** Deletes closed incidents, transitions that were told, deliveries, target statuses and ended silences older than that. */
  prune(olderThanMs: number): Promise<number>;
  close(): Promise<void>;
}

export interface AuditEntry {
  atMs: number;
  actor: string;
  bastion: string;
  /** `cluster/node`, or absent for the bastion hop itself. */
  target?: string;
  hostKeyFingerprint?: string;
  command?: string;
  commandSha256?: string;
  exitCode?: number;
  durationMs: number;
  bytes: number;
  /** `ok` or a failure reason. */
  outcome: string;
}

/** What somebody changed at run time. */
export interface AuditAction {
  atMs: number;
  actor: string;
  action: 'silence-added' | 'silence-ended';
  /** Id of what was changed. */
  subject: string;
  detail: string;
  outcome: string;
}

export interface Audit<Entry = AuditEntry> {
  /** Append-only, hash-chained; on disk when it resolves. */
  append(entries: readonly Entry[]): Promise<void>;
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
   * The answer is neither yes nor no; says why, in words. The caller sends once more under the same number, then counts
   * the message as sent, with a warning.
   */
  unclear?: string;
}

export interface Channel {
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
