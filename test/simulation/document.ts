import { KINDS } from '../../adapters/registry.ts';
import { parseConfig } from '../../core/config/parse.ts';
import type { Config } from '../../core/model/config.ts';
import { type Fleet, ROLE } from './fleet.ts';
import type { Random } from './random.ts';

export const CHANNEL_TYPES = [
  'webhook',
  'slack-webhook',
  'mattermost-webhook',
  'slack',
  'mattermost',
  'telegram',
] as const;
export type ChannelType = (typeof CHANNEL_TYPES)[number];

export interface ChannelDocument {
  name: string;
  type: ChannelType;
  fallback?: string;
  [option: string]: unknown;
}
export interface RouteDocument {
  name: string;
  match: Record<string, string>;
  channels: string[];
  continue: boolean;
  groupBy: string[];
  groupWait: string;
  groupInterval: string;
  repeatInterval: string;
}
export interface RuleDocument {
  name: string;
  metric: string;
  severity: string;
  for: string;
  [field: string]: unknown;
}
export interface SilenceDocument {
  match: Record<string, string>;
  from: string;
  until: string;
}
/** `bartizan.yaml` of a schedule, as an object that edits change. */
export interface ConfigDocument {
  bastions: unknown[];
  clusters: unknown[];
  checks: unknown[];
  schedule: unknown;
  rules: RuleDocument[];
  channels: ChannelDocument[];
  routes: RouteDocument[];
  silences: SilenceDocument[];
}

/** A channel that sends to the service of that name. Secrets are references, as in a real file. */
export function channelTo(name: string, type: ChannelType, service: string): ChannelDocument {
  const secret = `\${env:${service}}`;
  switch (type) {
    case 'webhook':
      return { name, type, url: secret, picture: 'none' };
    case 'slack-webhook':
    case 'mattermost-webhook':
      return { name, type, url: secret };
    case 'slack':
      return { name, type, token: secret, channel: 'C0123456789', apiUrl: `https://${service}.test/api` };
    case 'mattermost':
      return {
        name,
        type,
        token: secret,
        channelId: 'w8tzf5jb6pyq5jxq3zq8r1n6me',
        url: `https://${service}.test`,
      };
    case 'telegram':
      return { name, type, token: secret, chatId: -1001234567890, apiUrl: `https://${service}.test` };
  }
}

export function firstDocument(random: Random, fleet: Fleet): ConfigDocument {
  const minutes = fleet.everyMs / 60_000;
  const rule = (name: string, fields: Partial<RuleDocument>): RuleDocument => ({
    name,
    metric: name,
    severity: random.pick(['warning', 'critical', 'info']),
    for: `${random.pick([0, 0, 1, 2, 3]) * minutes}m`,
    ...(random.chance(0.3) ? { keepFiringFor: `${minutes}m` } : {}),
    ...fields,
  });
  const inhibited = random.chance(0.6) ? { inhibitedBy: ['down'] } : {};
  const rules = [
    rule('memory', {
      metric: 'mem_usage',
      above: 90,
      ...(random.chance(0.5) ? { recoveryThreshold: 85 } : {}),
      ...inhibited,
    }),
    rule('swap', { metric: 'swap_usage', above: 80, ...inhibited }),
    rule('down', { metric: 'up', below: 1, severity: 'critical' }),
  ];
  if (random.chance(0.3)) {
    rules.push(
      rule('cluster-memory', { metric: 'mem_usage', above: 90, aggregate: { by: ['cluster'], op: 'max' } }),
    );
  }
  const channels = Array.from({ length: random.int(2, 4) }, (_, i) => {
    // The first service may lie; a webhook confirms with any 2xx.
    const type = i === 0 ? random.pick(CHANNEL_TYPES.slice(1)) : random.pick(CHANNEL_TYPES);
    return channelTo(`ch${i + 1}`, type, `s${i + 1}`);
  });
  for (const [i, channel] of channels.entries()) {
    // Fallbacks are later channels only, so that there is no cycle.
    const later = channels.slice(i + 1);
    if (later.length > 0 && random.chance(0.4)) channel.fallback = random.pick(later).name;
  }
  return {
    bastions: fleet.bastions.map((name) => ({
      name,
      host: 'bastion.test',
      user: 'probe',
      privateKey: '${env:key}',
    })),
    clusters: fleet.clusters.map(({ name, bastion, nodes }) => ({
      name,
      bastion,
      nodes: nodes.map((node) => ({ name: node, role: ROLE, host: '10.0.0.1' })),
    })),
    checks: [{ name: 'usage', probe: 'usage', every: `${minutes}m` }],
    schedule: { jitter: `${random.int(0, 20)}s`, lateness: `${random.pick([10, 15])}m` },
    rules,
    channels,
    routes: firstRoutes(
      random,
      channels.map(({ name }) => name),
    ),
    silences: [],
  };
}

export function routeTo(random: Random, name: string, fields: Partial<RouteDocument>): RouteDocument {
  return {
    name,
    match: {},
    channels: [],
    continue: false,
    groupBy: random.pick([
      ['rule', 'cluster'],
      ['cluster'],
      ['rule'],
      ['rule', 'cluster', 'node'],
      ['severity'],
    ]),
    groupWait: random.pick(['0s', '30s', '1m']),
    groupInterval: random.pick(['1m', '5m', '10m']),
    repeatInterval: random.pick(['1h', '2h', '4h']),
    ...fields,
  };
}

function firstRoutes(random: Random, channels: readonly string[]): RouteDocument[] {
  const some = () => {
    const chosen = channels.filter(() => random.chance(0.5));
    return chosen.length > 0 ? chosen : [random.pick(channels)];
  };
  const routes: RouteDocument[] = [];
  if (random.chance(0.5)) {
    const match = random.pick<Record<string, string>>([
      { severity: 'critical' },
      { cluster: 'c1' },
      { rule: 'memory' },
    ]);
    routes.push(routeTo(random, 'first', { match, channels: some(), continue: random.chance(0.6) }));
  }
  // The first channel always gets messages, so that every schedule has its lie.
  routes.push(routeTo(random, 'default', { channels: [...new Set(['ch1', ...some()])] }));
  return routes;
}

/** @throws Error with all problems: a schedule writes only valid files */
export function configOf(document: ConfigDocument, nowMs: number): Config {
  const parsed = parseConfig(JSON.stringify(document), {
    file: 'bartizan.yaml',
    kinds: KINDS,
    baseDir: '/simulation',
    nowMs,
    available: () => true,
  });
  if (parsed.ok) return parsed.config;
  const errors = parsed.problems.filter(({ severity }) => severity === 'error');
  throw new Error(`the configuration of this schedule is wrong: ${JSON.stringify(errors)}`);
}
