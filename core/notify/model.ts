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
  /** A silence or another alert held it back when it was to be said: if it ends unsaid, nobody hears of it. */
  heldBack?: true;
  reason: TransitionReason;
  value?: number;
}

export interface NotificationAttempt {
  number: number;
  /** What this notification says, as in `Incident.notified`. */
  says: Readonly<Record<string, IncidentAlert['status']>>;
  /** The incident's channel, or the fallback that took over. */
  channel: string;
  /** Sends tried on that channel. */
  tries: number;
  firstTriedAtMs: number;
}

/** What a channel tells about one group of alerts, from the first message to the resolved one. */
export interface Incident {
  /** Follows from route, channel, group key and time of the first alert. */
  id: string;
  route: string;
  channel: string;
  groupKey: string;
  groupLabels: Labels;
  openedAtMs: number;
  /** Set when the resolved message was sent (or was not owed); a closed incident is never reopened. */
  closedAtMs?: number;
  alerts: readonly IncidentAlert[];
  /** The rules of these alerts as they were when those fired: a rule may be edited or removed meanwhile. */
  rules: Readonly<Record<string, Rule>>;
  /** What accepted notifications said last of each episode (alert id and time of firing). */
  notified: Readonly<Record<string, IncidentAlert['status']>>;
  notifications: number;
  lastNotifiedAtMs?: number;
  /** The notification under way, written before it is sent: a retry after a crash says the same under the same number. */
  attempt?: NotificationAttempt;
  /** When notify must look at it again; absent: nothing is owed. */
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
] as const;
export type NotifyReason = (typeof NOTIFY_REASONS)[number];

export interface NotificationAlert extends IncidentAlert {
  title: string;
  metric: string;
  unit: string;
  /** "> 90%", with the rule's unit. */
  conditionText: string;
  forMs: number;
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
  /** Highest among its alerts. */
  severity: Severity;
  atMs: number;
  timeZone: string;
  groupLabels: Labels;
  /** Firing first, then by severity and label. Never empty. */
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
  outcome: 'delivered' | 'retry' | 'failed';
  /** `late`: the text went without it, `followed`: and it was shown in a reply; `none`: no message, or none was to be shown. */
  picture: PictureOutcome;
  /** What the service answered, shortened, redacted. */
  detail: string;
  /** Identifier the service gave the message. */
  receipt?: string;
}
