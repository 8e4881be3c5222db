import type { IncidentAlert } from './incident.ts';
import type { NotifyReason } from './notify-reason.ts';

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
  /** What the channel had not been sent before an accepted message, by firing (`episodeOf`). Absent in older records. */
  news?: Readonly<Record<string, IncidentAlert['status']>>;
}
