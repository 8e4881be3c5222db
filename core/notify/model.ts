// What notify decides on and what channels are given. See docs/rules.md for states and core/notify/ for decisions.
import type { Labels, Rule, Severity, TransitionReason } from '../model.ts';

/** An alert as one incident knows it. */
export interface IncidentAlert {
  alertId: string;
  rule: string;
  severity: Severity;
  labels: Labels;
  status: 'firing' | 'resolved';
  sinceMs: number;
  firedAtMs: number;
  resolvedAtMs?: number;
  clearedAtMs?: number;
  /** When it came into the incident, by our clock; `groupWait` counts from there. Absent in records of older releases. */
  enteredAtMs?: number;
  /**
   * A silence or another alert withheld it when it was to be sent: if it ends unsent, nobody hears of it. `true` in
   * records of older releases.
   */
  heldBack?: 'silence' | 'inhibition' | true;
  /** Only a channel that is gone was sent it: its end is owed here, also if this channel was not sent that it fired. */
  inherited?: true;
  /** Readers may have been shown it, by a try whose outcome nobody knows: they are owed its end. */
  perhaps?: true;
  /** Its end was offered to the channel then for the first time. */
  endOfferedAtMs?: number;
  /** What withheld it has ended: it is owed, also if it ends before it is sent. */
  freed?: true;
  /** What the channel that stands in for this one, or that this one stands in for, has accepted last of it. */
  standIn?: 'firing' | 'resolved';
  /**
   * Other channels that were sent it, as far as known: all that were when it ended, and stand-ins. They are owed, and sent,
   * its end by themselves.
   */
  heardBy?: readonly string[];
  reason: TransitionReason;
  /** Of one that has ended: why it fired. Absent in records of older releases. */
  firedReason?: TransitionReason;
  value?: number;
}

/** The notification under way: written before it is sent, gone when the channel has accepted it. */
export interface NotificationAttempt {
  /** The same content keeps it, other content always gets the next, even after a refusal. */
  number: number;
  /** What this notification says, as in `Incident.notified`. */
  says: Readonly<Record<string, IncidentAlert['status']>>;
  /** Why it is sent; kept while it says the same. */
  reason?: NotifyReason;
  /** Sends tried. */
  tries: number;
  firstTriedAtMs: number;
  triedAtMs?: number;
  /** A sender is at work and owns the incident until then. */
  leaseUntilMs?: number;
  /** Not tried again before. */
  retryAtMs?: number;
  /** It was recorded as failed: it is offered again at longer intervals, and a new alert need not wait for those. */
  failed?: true;
  /** What it says was handed to the channel's fallback as well. */
  handedOver?: true;
  /** The service asked us to wait, so that a new alert waits too. */
  limited?: true;
  /** The service's last answer was neither yes nor no. */
  unclear?: true;
  /** Episodes that readers may have been shown by tries whose outcome nobody knows: they are owed their end. */
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
  /** Set when the resolved message was sent (or was not owed); a closed incident is never reopened. */
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
  /** When notify must look at it again; absent: nothing is owed. A hint: what is owed is decided anew each time. */
  dueAtMs?: number;
}

export const NOTIFY_REASONS = [
  'first',
  'new-alerts',
  'some-resolved',
  'all-resolved',
  'fired-and-resolved',
  'repeat',
  'fallback',
  'silence-ended',
] as const;
export type NotifyReason = (typeof NOTIFY_REASONS)[number];

export interface NotificationAlert extends IncidentAlert {
  title: string;
  metric: string;
  unit: string;
  /** "> 90%", with the rule's unit. */
  conditionText: string;
  forMs: number;
  /** What the channel has not been sent of it: that it fires, or that it has ended. */
  news: boolean;
  /** It has ended, and the channel was never sent that it fires. */
  untold?: true;
  /** Since when samples are missing while it fires. */
  noDataSinceMs?: number;
  /** The time of `value` where that is not current: the newest that the rule saw. */
  valueAtMs?: number;
  /** Rendered summary, one line, plain text. */
  summary: string;
  /** Why a probe failed, where the alert is about reachability. */
  detail?: string;
  runbook?: string;
}

/** What is to be said now about an incident, and why. Channels render it; they decide nothing. */
export interface Notification {
  incidentId: string;
  /** 1-based; (incident, number) identifies it, whatever is retried. */
  number: number;
  /** `<incidentId>:<number>`, what receivers deduplicate by. */
  key: string;
  route: string;
  channel: string;
  reason: NotifyReason;
  /** Firing while any alert fires. */
  status: 'firing' | 'resolved';
  /** Highest among those that fire, of a resolved one among all. */
  severity: Severity;
  atMs: number;
  timeZone: string;
  groupLabels: Labels;
  /** News first, then firing, then by severity and label. Never empty. */
  alerts: readonly NotificationAlert[];
  links: { history?: string; silence?: string };
}

export interface Picture {
  png: Uint8Array;
  width: number;
  height: number;
  /** One sentence for those who cannot see it. */
  alt: string;
  /** Where the picture can be fetched until it expires; absent without a public server. */
  url?: string;
}

export const PICTURE_OUTCOMES = ['sent', 'late', 'followed', 'failed', 'none'] as const;
export type PictureOutcome = (typeof PICTURE_OUTCOMES)[number];

/** Record of one attempt. */
export interface Delivery {
  id: string;
  incidentId: string;
  number: number;
  attempt: number;
  channel: string;
  route: string;
  reason: NotifyReason;
  status: 'firing' | 'resolved';
  atMs: number;
  durationMs: number;
  /** `unclear`: neither accepted nor refused; it is tried once more. `failed`: given up for now, counted. */
  outcome: 'delivered' | 'unclear' | 'retry' | 'failed';
  /** `late`: the text went without it, `followed`: and it was shown in a reply; `none`: no message, or none was to be shown. */
  picture: PictureOutcome;
  /** What the service answered, shortened, redacted. */
  detail: string;
  /** Identifier the service gave the message. */
  receipt?: string;
  /** Of an accepted message: what the channel had not been sent before, by firing (`episodeOf`). Absent in older records. */
  news?: Readonly<Record<string, IncidentAlert['status']>>;
}
