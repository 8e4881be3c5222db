import type { Labels } from './labels.ts';
import type { NotifyReason } from './notify-reason.ts';
import type { Slot } from './pace.ts';
import type { Rule, Severity } from './rule.ts';
import type { TransitionReason } from './transition.ts';

/** An alert as one incident knows it. */
export interface IncidentAlert {
  alertId: string;
  rule: string;
  severity: Severity;
  labels: Labels;
  /** What the inventory said of the node or cluster when it fired; no part of the identity. Absent where it said nothing. */
  inventoryLabels?: Labels;
  status: 'firing' | 'resolved';
  sinceMs: number;
  firedAtMs: number;
  resolvedAtMs?: number;
  clearedAtMs?: number;
  /** When it came into the incident, by our clock; `groupWait` counts from there. Absent in records of older releases. */
  enteredAtMs?: number;
  /**
   * A silence or another alert withheld it when it was due: if it ends unsent, no message is sent about it. `true` in
   * records of older releases.
   */
  heldBack?: 'silence' | 'inhibition' | true;
  /** Only a channel that is gone was sent it: this channel gets the end, even if it was never sent that the alert fired. */
  inherited?: true;
  /** Readers may have seen it, by a try whose outcome is unknown: the end must be sent. */
  perhaps?: true;
  /** Its end was offered to the channel then for the first time. */
  endOfferedAtMs?: number;
  /** What withheld it has ended: it must be sent, even if the alert ends first. */
  freed?: true;
  /** The last status that the fallback of this channel, or the channel it is the fallback of, has accepted. */
  standIn?: 'firing' | 'resolved';
  /**
   * Other channels that were sent it, as far as known: all that had it when it ended, and fallbacks. Their own incidents
   * send them the end.
   */
  heardBy?: readonly string[];
  reason: TransitionReason;
  /** Why an alert that has ended had fired. Absent in records of older releases. */
  firedReason?: TransitionReason;
  value?: number;
}

/** The notification under way: written before it is sent, gone when the channel has accepted it. */
export interface NotificationAttempt {
  /** The same content keeps it, other content always gets the next, even after a refusal. */
  number: number;
  /** That in which the number was given, see core/stages/epoch.ts; absent: the first. */
  epoch?: string;
  /** The status that this notification gives of each firing, as in `Incident.notified`. */
  says: Readonly<Record<string, IncidentAlert['status']>>;
  /** Why it is sent; kept while the content stays the same. */
  reason?: NotifyReason;
  /** Sends tried. */
  tries: number;
  /** How many of the tries the service put off with 429, or had to wait for others: they are no failures. */
  rateLimits?: number;
  firstTriedAtMs: number;
  triedAtMs?: number;
  /** A sender is at work and owns the incident until then. */
  leaseUntilMs?: number;
  /** Not tried again before. */
  retryAtMs?: number;
  /** It was recorded as failed: it is offered again at longer intervals, and a new alert need not wait for those. */
  failed?: true;
  /** The channel's fallback was given the same alerts. */
  handedOver?: true;
  /** The service asked us to wait, so that a new alert waits too. */
  limited?: true;
  /** The service may have refused its picture: the next tries are text alone. */
  plain?: true;
  /** The service's last answer was neither yes nor no. */
  unclear?: true;
  /** Episodes that readers may have seen, by tries whose outcome is unknown: their end must be sent. */
  perhaps?: readonly string[];
  /** The last failure, redacted, one line. */
  error?: string;
}

/** What one channel is sent about one group of alerts, from the first message to the resolved one. */
export interface Incident {
  /** Follows from route, channel, group key and the alert that opened it. */
  id: string;
  route: string;
  channel: string;
  groupKey: string;
  groupLabels: Labels;
  /** The channel is the fallback of that one, which failed to accept these alerts. */
  standsInFor?: string;
  openedAtMs: number;
  /** Set when the resolved message was sent, or none was due; a closed incident is never reopened. */
  closedAtMs?: number;
  /**
   * Since when the configuration names the channel no more. Such an incident sends nothing: it remembers what the channel
   * was sent, in case the channel comes back, and forgets each alert as it ends.
   */
  orphanedAtMs?: number;
  alerts: readonly IncidentAlert[];
  /** The rules of these alerts as they were when those fired: a rule may be edited or removed meanwhile. */
  rules: Readonly<Record<string, Rule>>;
  /** What this channel accepted last of each firing (`episodeOf`: alert id and time of firing). */
  notified: Readonly<Record<string, IncidentAlert['status']>>;
  /** Highest number in use. */
  notifications: number;
  lastNotifiedAtMs?: number;
  /** When a resolved message last went out before `groupInterval` was over. */
  earlyResolvedAtMs?: number;
  attempt?: NotificationAttempt;
  /** Its slot among the messages to its destination, while it waits for that. */
  slot?: Slot;
  /** When notify must check it again; absent: nothing is due. A hint: each check decides anew what is due. */
  dueAtMs?: number;
}
