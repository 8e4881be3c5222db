// Why an alert goes where it goes: each route in order, for people who ask before an alert does.

import { globMatches } from '../labels.ts';
import type { Config } from '../model/config.ts';
import type { Labels } from '../model/labels.ts';
import type { Route } from '../model/route.ts';

export interface RouteStep {
  route: string;
  outcome: 'taken' | 'passed' | 'not-reached';
  why: string;
  /** Whether routes behind it are asked too. */
  continues: boolean;
  channels: readonly string[];
  /** Labels that make its group; those the alert lacks are left out. */
  group: Labels;
}

export interface Recipient {
  channel: string;
  route: string;
  /** Channels that get what this one fails to deliver, in their order. */
  fallbacks: readonly string[];
}

/** @param labels as routes see them: with `rule` and `severity` */
export function traceRoutes(
  { routes, channels }: Pick<Config, 'routes' | 'channels'>,
  labels: Labels,
): { steps: RouteStep[]; recipients: Recipient[] } {
  const steps: RouteStep[] = [];
  let takenBy: string | undefined;
  for (const route of routes) {
    const step = stepOf(route, labels, takenBy);
    steps.push(step);
    if (step.outcome === 'taken' && !route.continue) takenBy = route.name;
  }
  const taken = steps.filter(({ outcome }) => outcome === 'taken');
  const recipients = new Map<string, Recipient>();
  for (const { route, channels: own } of taken) {
    for (const channel of own) {
      // The first route that names a channel decides.
      if (!recipients.has(channel))
        recipients.set(channel, { channel, route, fallbacks: fallbacksOf(channel, channels) });
    }
  }
  return { steps, recipients: [...recipients.values()] };
}

function stepOf(route: Route, labels: Labels, takenBy: string | undefined): RouteStep {
  const { name, channels } = route;
  const group = Object.fromEntries(
    route.groupBy.flatMap((label) => {
      const value = labels[label];
      return value === undefined ? [] : [[label, value]];
    }),
  );
  const common = { route: name, continues: route.continue, channels, group };
  if (takenBy !== undefined) {
    return { ...common, outcome: 'not-reached', why: `\`${takenBy}\` takes it and does not continue` };
  }
  const misses = Object.entries(route.match).flatMap(([label, globs]) => missOf(label, globs, labels[label]));
  if (misses.length > 0) return { ...common, outcome: 'passed', why: misses.join('; ') };
  const matched = Object.entries(route.match).map(([label, globs]) => `${label} is ${globs.join(' or ')}`);
  return {
    ...common,
    outcome: 'taken',
    why: matched.length > 0 ? matched.join(', ') : 'it takes everything',
  };
}

function missOf(label: string, globs: readonly string[], value: string | undefined): string[] {
  if (value === undefined) return [`it wants a label ${label}, which the alert lacks`];
  return globs.some((glob) => globMatches(glob, value))
    ? []
    : [`${label} is ${value}, not ${globs.join(' or ')}`];
}

function fallbacksOf(channel: string, channels: Config['channels']): string[] {
  const found: string[] = [];
  let next = channels.find(({ name }) => name === channel)?.fallback;
  while (next !== undefined && !found.includes(next)) {
    found.push(next);
    const name = next;
    next = channels.find((one) => one.name === name)?.fallback;
  }
  return found;
}
