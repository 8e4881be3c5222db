// The story of the data in `data/`: what nodes and services do in each minute. It imports nothing of the project, so
// that the code of any commit can run it: make.ts runs the earlier commit, and the tests continue with today's code.

export const MINUTE = 60_000;
export const START = 480_000 * 3_600_000;
/** The data is copied at the end of that minute; the tests continue with the next. */
export const KEPT_AFTER = 20;
export const END = 32;
/** `up` does not run in these minutes, so that its next start begins a new epoch. */
export const STOPPED = { from: 9, to: 15 };
/** The samples of that round come too late for the store, and are kept in state. */
export const TOO_LATE = { minute: 19, node: 'b', metric: 'mem_usage' };

const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHJ5C7Q9mDkVvTFqQ7vU0PVbZxg8J2f1m0cXW2n6cJ5l';

const CLUSTERS = `
bastions:
  - { name: seoul, host: bastion.example.net, user: probe, privateKey: "KEY", hostKeys: ["${HOST_KEY}"] }
clusters:
  - name: one
    bastion: seoul
    nodes: [{ name: a, role: etcd, host: a, hostKeys: ["${HOST_KEY}"] }, { name: b, role: etcd, host: b, hostKeys: ["${HOST_KEY}"] }, { name: d, role: apiserver, host: d, hostKeys: ["${HOST_KEY}"] }]
  - name: two
    bastion: seoul
    nodes: [{ name: c, role: etcd, host: c, hostKeys: ["${HOST_KEY}"] }, { name: e, role: apiserver, host: e, hostKeys: ["${HOST_KEY}"] }]
checks:
  - { name: usage, probe: usage, every: 1m }
rules:
  - { name: memory, metric: mem_usage, above: 90, for: 2m, keepFiringFor: 1m, severity: critical, runbook: "https://example.net/{{node}}" }
  - { name: memory-long, metric: mem_usage, above: 90, for: 1h, severity: info }
  - { name: disk, metric: disk_usage, above: 80, recoveryThreshold: 75, for: 0s, noData: ok }
  - { name: fleet, metric: mem_usage, aggregate: { by: [role], op: avg }, above: 60, for: 1m }
  - { name: burst, metric: mem_usage, window: { last: 5m, reduce: max }, above: 94, for: 0s, severity: info, inhibitedBy: [memory] }
  - { name: down, metric: up, below: 1, for: 1m, severity: critical }
channels:
  - { name: ops, type: webhook, url: "https://ops.example.net/" }
  - { name: broken, type: webhook, url: "https://broken.example.net/" }
  - { name: refusing, type: webhook, url: "https://refusing.example.net/", fallback: ops }
routes:
  - { name: urgent, match: { severity: critical }, channels: [broken, refusing], continue: true, groupInterval: 1m }
  - { name: all, channels: [ops], groupInterval: 2m, repeatInterval: 10m }
`;

export const LOCAL_CONFIG = `${CLUSTERS.replace('KEY', '$' + '{file:key}')}
store: { path: data }
server: { listen: "127.0.0.1:0" }
`;

export const CLOUD_CONFIG = `${CLUSTERS.replace('KEY', '$' + '{ssm:/bartizan/key}')}
store: { type: prometheus, url: "https://samples.example.net/" }
`;

export const SILENCED_AT = 4;

/** Silences that somebody adds in that minute, as they are stored. */
export function silencesAt(minute: number): readonly Record<string, unknown>[] {
  if (minute !== SILENCED_AT) return [];
  const createdAtMs = START + SILENCED_AT * MINUTE;
  const times = { fromMs: createdAtMs, createdAtMs };
  return [
    {
      ...times,
      id: 'sil-0123456789abcdef',
      matchers: [{ name: 'node', op: '=', value: 'd' }],
      untilMs: START + 24 * MINUTE,
      author: 'kim',
      comment: 'disk is being replaced',
    },
    {
      ...times,
      id: 'sil-fedcba9876543210',
      matchers: [{ name: 'rule', op: '=', value: 'memory-long' }],
      untilMs: Date.parse('2100-01-01T00:00:00Z'),
      author: 'kim',
      comment: 'until somebody has time',
    },
  ];
}

const between = (minute: number, from: number, to: number) => minute >= from && minute < to;

function memoryOf(node: string, minute: number): number {
  if (node === 'a' && between(minute, 2, 24)) return 91 + minute / 4;
  if (node === 'b' && between(minute, 4, 8)) return 95;
  if (node === 'c' && minute >= 20) return 97.5;
  return 40 + (minute % 3);
}

interface Target {
  cluster: string;
  node: string;
  role: string;
}

/** The observation of a check on a node in a round, as the queues carry it. */
export function observationOf(target: Target, roundMs: number): Record<string, unknown> {
  const minute = Math.round((roundMs - START) / MINUTE);
  const { cluster, node, role } = target;
  const at = { check: 'usage', target, roundMs, observedAtMs: roundMs + 40, durationMs: 30 };
  if (node === 'e' && between(minute, 5, 28)) {
    const detail = 'no answer within 10 s';
    return { ...at, result: { ok: false, failure: { reason: 'timeout', phase: 'dial', detail } } };
  }
  const labels = { cluster, node, role };
  const sample = (metric: string, value: number, more = {}) => ({
    metric,
    labels: { ...labels, ...more },
    timeMs: roundMs,
    value,
  });
  const disk = node === 'd' && minute >= 3 ? 85 : 50;
  return {
    ...at,
    result: {
      ok: true,
      samples: [
        sample('mem_usage', memoryOf(node, minute)),
        sample('disk_usage', disk, { mount: '/', device: '/dev/vda1' }),
        sample('disk_usage', 20, { mount: '/var', device: '/dev/vdb' }),
      ],
      notes: [],
    },
  };
}

/** The answer of a chat service at that time. */
export function answerOf(channel: string, nowMs: number): 'accepts' | 'fails' | 'refuses' {
  const minute = (nowMs - START) / MINUTE;
  if (channel === 'broken' && minute < 26) return 'fails';
  if (channel === 'refusing' && minute < 30) return 'refuses';
  return 'accepts';
}

/** An entry of the audit. */
export function accessOf(target: Target, roundMs: number): Record<string, unknown> {
  return {
    atMs: roundMs + 40,
    actor: 'bartizan',
    bastion: 'seoul',
    target: `${target.cluster}/${target.node}`,
    hostKeyFingerprint: 'SHA256:AAAA',
    command: 'sh',
    commandSha256: 'ab'.repeat(32),
    exitCode: 0,
    durationMs: 30,
    bytes: 900,
    outcome: 'ok',
  };
}

/** Commands whose output is compared too. */
export const COMMANDS: readonly (readonly string[])[] = [
  ['alerts', '--json'],
  ['alerts', '--json', '--last', '36500d'],
  ['silence', 'list', '--json'],
  ['data', 'check', '--json'],
  ['query', 'mem_usage', 'disk_usage', 'up', '--json', '--last', '36500d'],
];

/** The output of commands without the parts that depend on the time of the run. */
export function withoutAges(output: unknown): unknown {
  return JSON.parse(JSON.stringify(output, (name, value) => (name === 'ageMs' ? undefined : value)));
}
