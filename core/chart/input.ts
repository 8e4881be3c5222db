import type { ChartTheme } from '../model/chart-theme.ts';
import type { NotificationAlert } from '../model/notification.ts';
import type { Rule } from '../model/rule.ts';
import type { Series } from '../model/sample.ts';

export interface ChartInput {
  alerts: readonly NotificationAlert[];
  /** The rule of all these alerts. */
  rule: Rule;
  /** The rule's metric: the alerts' series and their neighbours'. */
  series: readonly Series[];
  /** How many more there are. Default: none. */
  others?: number;
  fromMs: number;
  toMs: number;
  nowMs: number;
  timeZone: string;
  intervalMs: number;
  status: 'firing' | 'resolved';
  /** Default: dark. */
  theme?: ChartTheme;
}
