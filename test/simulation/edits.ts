import { CHANNEL_TYPES, type ConfigDocument, channelTo, routeTo } from './document.ts';
import type { Fleet } from './fleet.ts';
import type { Random } from './random.ts';
import { HOUR, MINUTE } from './timeline.ts';

export interface EditContext {
  random: Random;
  fleet: Fleet;
  nowMs: number;
  /** A number that no earlier edit of this schedule used. */
  fresh: () => number;
}

type Edit = (document: ConfigDocument, fixture: EditContext) => boolean;

/** Each edit changes the document and returns whether it could. */
export const EDITS = {
  'silence added': addSilence,
  'silence lifted': (document) => document.silences.splice(0, 1).length > 0,
  'silence shortened'(document, { nowMs }) {
    const long = document.silences.find(({ until }) => Date.parse(until) > nowMs + 10 * MINUTE);
    if (!long) return false;
    long.until = isoTime(Math.max(Date.parse(long.from) + MINUTE, nowMs + 5 * MINUTE));
    return true;
  },
  'channel renamed'(document, { random, fresh }) {
    const channel = random.pick(document.channels);
    renameChannel(document, channel.name, `ch${fresh()}`);
    return true;
  },
  /** The channel gets another name and another service, and with them what the old channel still had to be sent. */
  'channel replaced'(document, { random, fresh }) {
    const at = random.int(0, document.channels.length - 1);
    const old = document.channels[at]!;
    const number = fresh();
    const type = random.pick(CHANNEL_TYPES);
    document.channels[at] = {
      ...channelTo(`ch${number}`, type, `s${number}`),
      ...(old.fallback ? { fallback: old.fallback } : {}),
    };
    renameReferences(document, old.name, `ch${number}`);
    return true;
  },
  'channel added to a route'(document, { random }) {
    const route = random.pick(document.routes);
    const other = document.channels.find(({ name }) => !route.channels.includes(name));
    if (!other) return false;
    route.channels.push(other.name);
    return true;
  },
  'channel taken from a route'(document, { random }) {
    const route = random.pick(document.routes);
    if (route.channels.length < 2) return false;
    const at = random.int(0, route.channels.length - 1);
    // The first channel of the last route stays, because it may lie, and each schedule needs a lie.
    if (route === document.routes.at(-1) && route.channels[at] === 'ch1') return false;
    route.channels.splice(at, 1);
    return true;
  },
  'route renamed'(document, { random, fresh }) {
    random.pick(document.routes).name = `route${fresh()}`;
    return true;
  },
  'groupBy changed'(document, { random }) {
    const route = random.pick(document.routes);
    const before = JSON.stringify(route.groupBy);
    route.groupBy = random.pick([['rule'], ['cluster'], ['rule', 'cluster'], ['cluster', 'node'], []]);
    return JSON.stringify(route.groupBy) !== before;
  },
  'route added'(document, { random, fresh, fleet }) {
    const match = random.pick([
      { rule: random.pick(document.rules).name },
      { cluster: random.pick(fleet.clusters).name },
      { severity: 'critical' },
    ] as Record<string, string>[]);
    const channels = [random.pick(document.channels).name];
    document.routes.unshift(
      routeTo(random, `route${fresh()}`, { match, channels, continue: random.chance(0.7) }),
    );
    return true;
  },
  'rule edited'(document, { random, fleet }) {
    const rule = random.pick(document.rules);
    const minutes = fleet.everyMs / MINUTE;
    if (random.chance(0.4)) rule.severity = random.pick(['info', 'warning', 'critical']);
    else rule.for = `${random.int(0, 4) * minutes}m`;
    return true;
  },
  'rule removed'(document, { random }) {
    const named = [...document.routes, ...document.silences].map(({ match }) => match.rule);
    const free = document.rules.filter(({ name }) => !named.includes(name));
    if (document.rules.length < 3 || free.length === 0) return false;
    const removed = random.pick(free);
    document.rules = document.rules.filter((rule) => rule !== removed);
    for (const rule of document.rules) {
      if (!Array.isArray(rule.inhibitedBy)) continue;
      rule.inhibitedBy = rule.inhibitedBy.filter((name) => name !== removed.name);
    }
    return true;
  },
} satisfies Record<string, Edit>;

export type EditName = keyof typeof EDITS;
export const EDIT_NAMES = Object.keys(EDITS) as EditName[];

function addSilence(document: ConfigDocument, { random, fleet, nowMs }: EditContext): boolean {
  const { nodes, name } = random.pick(fleet.clusters);
  const match = random.pick<Record<string, string>>([
    { node: random.pick(nodes) },
    { cluster: name },
    { rule: random.pick(document.rules).name },
    { severity: 'critical' },
  ]);
  const lasts = random.pick([10 * MINUTE, HOUR, 2 * HOUR, 365 * 24 * HOUR]);
  document.silences.push({ match, from: isoTime(nowMs - MINUTE), until: isoTime(nowMs + lasts) });
  return true;
}

function renameChannel(document: ConfigDocument, from: string, to: string): void {
  for (const channel of document.channels) if (channel.name === from) channel.name = to;
  renameReferences(document, from, to);
}

function renameReferences(document: ConfigDocument, from: string, to: string): void {
  for (const channel of document.channels) if (channel.fallback === from) channel.fallback = to;
  for (const route of document.routes)
    route.channels = route.channels.map((name) => (name === from ? to : name));
}

const isoTime = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
