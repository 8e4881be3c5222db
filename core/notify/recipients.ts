// Who is sent that an alert fires, and why somebody is not: for people who ask. The reasons come from the code that decides.

import { allLabels } from '../labels.ts';
import type { Alert } from '../model/alert.ts';
import type { Config } from '../model/config.ts';
import type { Incident, IncidentAlert } from '../model/incident.ts';
import type { Rule } from '../model/rule.ts';
import { decideNotification } from './decide.ts';
import { episodeOf } from './episode.ts';
import { type RouteStep, traceRoutes } from './route-trace.ts';
import { destinationsOf, routedLabels } from './routes.ts';
import type { Suppression } from './suppression.ts';
import { newsOf, sendWait, timingOf } from './timing.ts';

/** Each is explained in docs/api.md. */
export const RECIPIENT_REASONS = [
  'sent',
  'sent-by-other-channel',
  'silenced',
  'inhibited',
  'superseded',
  'group-wait',
  'group-interval',
  'paced',
  'rate-limited',
  'sending',
  'channel-failing',
  'channel-gone',
  'route-gone',
  'due',
  'not-grouped-yet',
] as const;
export type RecipientReason = (typeof RECIPIENT_REASONS)[number];

/** Why nobody at all is a recipient. */
export const NO_RECIPIENT_REASONS = ['pending', 'rule-gone', 'no-route', 'no-channel'] as const;
export type NoRecipientReason = (typeof NO_RECIPIENT_REASONS)[number];

/** One channel and what it was sent of an alert that fires. */
export interface RecipientState {
  channel: string;
  route: string;
  incidentId?: string;
  reason: RecipientReason;
  /** One sentence. */
  text: string;
  /** Silence or wait: when it ends, as far as is known. */
  untilMs?: number;
  /** `inhibited`, `superseded`: the rule that keeps it quiet. */
  rule?: string;
  /** `sent-by-other-channel`: those channels. */
  others?: readonly string[];
  /** A channel that fails: since when, how often it was tried, what it last failed of. */
  failure?: { sinceMs: number; tries: number; error?: string };
}

export interface AlertDelivery {
  /** Why there is no recipient; absent where there is one. */
  nobody?: { reason: NoRecipientReason; text: string };
  recipients: readonly RecipientState[];
  /** Every route in order, and why it took the alert or not. Empty where the rule is gone. */
  routes: readonly RouteStep[];
}

type DeliveryConfig = Pick<Config, 'rules' | 'routes' | 'channels'>;
type SuppressionOf = (alert: IncidentAlert) => Suppression | undefined;
type Why = Omit<RecipientState, 'channel' | 'route' | 'incidentId'>;

/**
 * @param incidents open ones; those that do not hold the alert are passed over
 * @param suppressionsOf what withholds alerts now, by the rules as an incident knows them
 */
export function explainDelivery(input: {
  alert: Alert;
  incidents: readonly Incident[];
  config: DeliveryConfig;
  suppressionsOf: (rules: Readonly<Record<string, Rule>>) => SuppressionOf;
  nowMs: number;
}): AlertDelivery {
  const { alert, incidents, config, suppressionsOf, nowMs } = input;
  const rule = config.rules.find(({ name }) => name === alert.rule);
  const labels = allLabels(alert);
  const routes = rule ? traceRoutes(config, routedLabels(rule, labels)).steps : [];
  if (alert.status === 'pending') {
    const text = 'It is pending: messages are sent once it fires.';
    return { nobody: { reason: 'pending', text }, recipients: [], routes };
  }
  const held = incidents.flatMap((incident) => {
    const mine = newestOf(incident, alert.id);
    return mine ? [{ incident, mine }] : [];
  });
  const known = held.map(({ incident, mine }): RecipientState => {
    const { id: incidentId, channel, route } = incident;
    const why = whyOf(incident, mine, { config, suppressionOf: suppressionsOf(incident.rules), nowMs });
    return { channel, route, incidentId, ...why };
  });
  const missing = destinationsOf(config.routes, rule, labels)
    .filter(({ channel }) => !known.some((one) => one.channel === channel))
    .map(({ channel, route }): RecipientState => {
      const fresh = freshOf(alert, rule as Rule);
      const suppression = suppressionsOf({ [alert.rule]: rule as Rule })(fresh);
      const why = suppression ? whyWithheld(suppression, rule) : NOT_GROUPED;
      return { channel, route: route.name, ...why };
    });
  const recipients = [...known, ...missing];
  const nobody = recipients.length === 0 ? whyNobody(rule, routes) : undefined;
  return { ...(nobody && { nobody }), recipients, routes };
}

/** The newest firing of the alert that the incident holds. */
function newestOf({ alerts }: Incident, alertId: string): IncidentAlert | undefined {
  return alerts
    .filter((alert) => alert.alertId === alertId && alert.status === 'firing')
    .toSorted((a, b) => b.firedAtMs - a.firedAtMs)[0];
}

const NOT_GROUPED: Why = {
  reason: 'not-grouped-yet',
  text: 'No incident holds it yet: it has just fired, or notify is behind.',
};

function whyNobody(
  rule: Rule | undefined,
  routes: readonly RouteStep[],
): { reason: NoRecipientReason; text: string } {
  if (!rule) {
    const text =
      'Its rule is not configured any more, so no route is asked; the alert ends with its next evaluation.';
    return { reason: 'rule-gone', text };
  }
  const taken = routes.filter(({ outcome }) => outcome === 'taken').map(({ route }) => `\`${route}\``);
  return taken.length === 0
    ? { reason: 'no-route', text: 'No route matches it.' }
    : { reason: 'no-channel', text: `Route ${taken.join(', ')} takes it and names no channel.` };
}

function whyOf(
  incident: Incident,
  alert: IncidentAlert,
  at: { config: DeliveryConfig; suppressionOf: SuppressionOf; nowMs: number },
): Why {
  const { config, suppressionOf, nowMs } = at;
  const episode = episodeOf(alert);
  if (incident.notified[episode] === 'firing') return { reason: 'sent', text: 'The channel accepted it.' };
  const gone = whyGone(incident, config);
  if (gone) return gone;
  const suppression = suppressionOf(alert);
  if (suppression) return whyWithheld(suppression, incident.rules[alert.rule]);
  const others = alert.heardBy ?? [];
  if (alert.standIn !== undefined && others.length > 0) {
    const names = others.map((name) => `\`${name}\``).join(', ');
    const text = `This channel has not accepted it; ${names} was sent it instead.`;
    return { reason: 'sent-by-other-channel', text, others, ...failureOf(incident) };
  }
  const timing = timingOf(incident, config);
  const decision = decideNotification({ incident, suppressionOf, timing, nowMs });
  if (decision.kind === 'send') return whyDue(incident, nowMs);
  const { untilMs, why } = sendWait(incident, newsOf(incident), timing);
  switch (why) {
    case 'group-wait':
      return { reason: why, text: 'Its route waits for further alerts of the group (`groupWait`).', untilMs };
    case 'group-interval':
      return {
        reason: why,
        text: 'Its route waits between messages of the group (`groupInterval`).',
        untilMs,
      };
    case 'lease':
      return { reason: 'sending', text: 'A message with it is being sent.', untilMs };
    case 'retry':
      return { ...whyFailing(incident), untilMs };
  }
}

/** The configuration names the channel or the route of the incident no more. */
function whyGone({ channel, route }: Incident, { channels, routes }: DeliveryConfig): Why | undefined {
  if (!channels.some(({ name }) => name === channel))
    return { reason: 'channel-gone', text: `The channel \`${channel}\` is not configured any more.` };
  if (!routes.some(({ name }) => name === route))
    return { reason: 'route-gone', text: `The route \`${route}\` is not configured any more.` };
  return undefined;
}

function whyWithheld(suppression: Suppression, rule: Rule | undefined): Why {
  if (suppression.by === 'silence') {
    const text = 'A silence withholds it; it is sent when that ends, if it still fires.';
    return { reason: 'silenced', text, untilMs: suppression.untilMs };
  }
  const by = suppression.rule;
  return rule?.supersededBy?.includes(by)
    ? {
        reason: 'superseded',
        text: `\`${by}\` fires for the same labels and reports the same and worse.`,
        rule: by,
      }
    : { reason: 'inhibited', text: `\`${by}\` fires for the same cluster and node.`, rule: by };
}

/** It may be sent now, as far as the incident decides. */
function whyDue(incident: Incident, nowMs: number): Why {
  const { slot, dueAtMs = nowMs, attempt } = incident;
  if (slot && dueAtMs > nowMs && !attempt?.limited) {
    const text = 'Its destination takes messages one after another; it waits for its turn.';
    return { reason: 'paced', text, untilMs: dueAtMs };
  }
  if (attempt) return whyFailing(incident);
  return { reason: 'due', text: 'It is due now, and not sent yet.' };
}

function whyFailing(incident: Incident): Why {
  const { attempt } = incident;
  const failure = failureOf(incident);
  if (attempt?.limited)
    return {
      reason: 'rate-limited',
      text: 'The service asked us to wait before the next message.',
      ...failure,
    };
  return { reason: 'channel-failing', text: 'The channel fails; it is tried again.', ...failure };
}

function failureOf({ attempt }: Incident): Pick<RecipientState, 'failure'> {
  if (!attempt) return {};
  const { firstTriedAtMs: sinceMs, tries, error } = attempt;
  return { failure: { sinceMs, tries, ...(error !== undefined && { error }) } };
}

/** The alert as an incident would hold it. */
function freshOf(alert: Alert, { severity }: Rule): IncidentAlert {
  const { id: alertId, firedAtMs = alert.sinceMs } = alert;
  return { ...alert, alertId, status: 'firing', firedAtMs, severity };
}
