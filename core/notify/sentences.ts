import { breachTest } from '../evaluate/condition.ts';
import type { NotificationAlert } from '../model/notification.ts';
import type { Rule } from '../model/rule.ts';
import type { TransitionReason } from '../model/transition.ts';

/** What holds of an alert now, as far as sentences about it differ. */
export type AlertPhase =
  | 'breaching'
  /** It fires, but its value does not breach: it is within `recoveryThreshold`, or not evaluated yet. */
  | 'unrecovered'
  /** Its value is good, and `keepFiringFor` runs. */
  | 'recovering'
  /** It fired because data are missing, and they are. */
  | 'no-data'
  | 'data-back'
  | 'data-back-recovering'
  /** It ended by a value that no longer breached. */
  | 'ended'
  /** It ended otherwise: the last known value still breaches. */
  | 'over'
  | 'no-data-ended'
  | 'no-data-over';

export type PhaseAlert = Pick<
  NotificationAlert,
  'status' | 'reason' | 'firedReason' | 'value' | 'clearedAtMs'
>;

/** It ended by a value; else the last one that is known still breaches. */
const BY_VALUE: ReadonlySet<TransitionReason> = new Set(['threshold', 'revised']);

export function phaseOf({ condition }: Pick<Rule, 'condition'>, alert: PhaseAlert): AlertPhase {
  const lacked = firedReasonOf(alert) === 'no-data';
  const { status, reason, value, clearedAtMs } = alert;
  if (status === 'resolved') {
    const byValue = value !== undefined && BY_VALUE.has(reason) && !breachTest(condition)(value);
    if (lacked) return byValue ? 'no-data-ended' : 'no-data-over';
    return byValue ? 'ended' : 'over';
  }
  if (clearedAtMs !== undefined) return lacked ? 'data-back-recovering' : 'recovering';
  if (lacked) return value === undefined ? 'no-data' : 'data-back';
  return value === undefined || breachTest(condition)(value) ? 'breaching' : 'unrecovered';
}

/** Why it fired; of what older releases stored about an alert that has ended this is not known. */
export function firedReasonOf(
  alert: Pick<PhaseAlert, 'status' | 'reason' | 'firedReason'>,
): TransitionReason | undefined {
  return alert.status === 'firing' ? alert.reason : alert.firedReason;
}

/** A sentence about a value and one about a state, where "ended at yes, was < 1" would help nobody. */
export const SENTENCES: Readonly<Record<AlertPhase, { value: string; state: string }>> = {
  breaching: {
    value: '{{title}}: {{value}} ({{condition}}) for {{held}}',
    state: '{{title}} for {{held}}',
  },
  unrecovered: {
    value: '{{title}}: {{value}}, was {{condition}}, not recovered after {{held}}',
    state: '{{title}}: {{value}}, not recovered after {{held}}',
  },
  recovering: {
    value: '{{title}}: {{value}}, was {{condition}} for {{held}}, recovering since {{cleared}}',
    state: '{{title}}: {{value}} after {{held}}, recovering since {{cleared}}',
  },
  'no-data': both('{{title}}: no data since {{since}}'),
  'data-back': both('{{title}}: {{value}}, had no data from {{since}}'),
  'data-back-recovering': both(
    '{{title}}: {{value}}, had no data from {{since}}, recovering since {{cleared}}',
  ),
  ended: {
    value: '{{title}}: ended at {{value}}, was {{condition}} for {{held}}',
    state: '{{title}}: over after {{held}}',
  },
  over: both('{{title}}: over after {{held}}'),
  'no-data-ended': both('{{title}}: had no data, ended at {{value}} after {{held}}'),
  'no-data-over': both('{{title}}: had no data, over after {{held}}'),
};

/** Sentences of forecasts, whose value nobody has measured yet. Where one is missing, the sentence about values fits. */
export const FORECASTS: Readonly<Partial<Record<AlertPhase, string>>> = {
  breaching: '{{title}}: forecast to be {{value}} ({{condition}}), has been for {{held}}',
  unrecovered: '{{title}}: forecast to be {{value}}, was {{condition}}, not recovered after {{held}}',
  recovering:
    '{{title}}: forecast to be {{value}}, was {{condition}} for {{held}}, recovering since {{cleared}}',
  'data-back': '{{title}}: forecast to be {{value}}, had no data from {{since}}',
  'data-back-recovering':
    '{{title}}: forecast to be {{value}}, had no data from {{since}}, recovering since {{cleared}}',
  ended: '{{title}}: ended at a forecast of {{value}}, was {{condition}} for {{held}}',
  'no-data-ended': '{{title}}: had no data, ended at a forecast of {{value}} after {{held}}',
};

function both(sentence: string): { value: string; state: string } {
  return { value: sentence, state: sentence };
}
