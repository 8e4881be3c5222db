import type { Notification, NotificationAlert, Picture } from '../../core/model/notification.ts';
import type { Rule } from '../../core/model/rule.ts';

const FIRED = Date.UTC(2026, 10, 24, 9, 10);

/** Names that mean something in some markup, and letters of other scripts. */
export const AWKWARD = { cluster: '한빛-<prod>&"db"', node: '노드-1 *_[`', role: 'etcd' } as const;

/** The rule of `sampleAlert`. */
export const memoryUsage: Rule = {
  name: 'memory-usage',
  title: 'Memory usage',
  metric: 'mem_usage',
  where: {},
  condition: { kind: 'above', threshold: 90 },
  forMs: 600_000,
  keepFiringForMs: 0,
  noData: 'keepLast',
  severity: 'critical',
  inhibitedBy: [],
};

export function sampleAlert(extra: Partial<NotificationAlert> = {}): NotificationAlert {
  return {
    alertId: 'memory-usage{node-1}',
    rule: 'memory-usage',
    severity: 'critical',
    labels: AWKWARD,
    status: 'firing',
    sinceMs: FIRED - 600_000,
    firedAtMs: FIRED,
    reason: 'threshold',
    value: 94.1,
    title: 'Memory usage',
    metric: 'mem_usage',
    unit: 'percent',
    conditionText: '> 90%',
    forMs: 600_000,
    news: true,
    summary: '노드-1 *_[` has used 94.1% of its memory for 10m',
    runbook: 'https://runbooks.example.net/memory',
    ...extra,
  };
}

export function sampleNotification(extra: Partial<Notification> = {}): Notification {
  return {
    incidentId: 'inc-0123456789abcdef',
    number: 1,
    key: 'inc-0123456789abcdef:1',
    route: 'default',
    channel: 'ops',
    reason: 'first',
    status: 'firing',
    severity: 'critical',
    atMs: FIRED + 2_000,
    timeZone: 'Asia/Seoul',
    groupLabels: { rule: 'memory-usage', cluster: AWKWARD.cluster },
    alerts: [sampleAlert()],
    links: {},
    ...extra,
  };
}

/** The smallest PNG: one transparent pixel. */
export const samplePicture: Picture = {
  png: Uint8Array.from(
    Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
      'base64',
    ),
  ),
  width: 1,
  height: 1,
  alt: 'Memory usage 94.1% > 90% for 10m',
  url: 'https://bartizan.example.net/charts/AAAAAAAAAAAAAAAAAAAAAA.png',
};

/** Names that services turn into links and mentions by themselves. */
const TEMPTATIONS = {
  cluster: 'prod.example.com https://evil.example/x www.evil.example tg://resolve?domain=evil',
  node: '@here @channel @all @ops_bot <!channel> <@U0123> <#C0123> <https://evil.example|ok>',
  mount: '/start #general ~town-square $USD a@b.example 10.20.30.40 [x](https://evil.example) evil.example/x',
} as const;

export const TEMPTING: Notification = sampleNotification({
  alerts: [
    sampleAlert({
      labels: TEMPTATIONS,
      summary: Object.values(TEMPTATIONS).join(' '),
      detail: Object.values(TEMPTATIONS).join(' '),
      runbook: undefined,
    }),
  ],
});
