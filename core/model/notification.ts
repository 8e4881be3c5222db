import type { IncidentAlert } from './incident.ts';
import type { Labels } from './labels.ts';
import type { NotifyReason } from './notify-reason.ts';
import type { Severity } from './rule.ts';

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

/** One message about an incident, and why it is sent now. Channels render it; they decide nothing. */
export interface Notification {
  incidentId: string;
  /** 1-based; (incident, number) identifies it, whatever is retried. */
  number: number;
  /** `<incidentId>:<number>`, after a restore `<incidentId>:<number>:<epoch>`: what receivers deduplicate by. */
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
