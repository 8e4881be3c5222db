// The states of etcd in which real members are asked: to record their answers, and to compare them later.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../until.ts';
import { ask } from './ask.ts';
import { type Etcd, type EtcdMember, startEtcd } from './etcd.ts';
import type { Take } from './recorded.ts';

/** Small enough for one request too many, large enough for the buckets that etcd makes at its start. */
const TINY_QUOTA_BYTES = 64 * 1024;
const VALUE = 'x'.repeat(2_000);
/** A member waits for a leader that long before it answers. */
const ANSWERED_WITHIN_MS = 60_000;
/** Hundreds of lines that no probe reads. */
const BULKY =
  /^(# \w+ )?(grpc_|go_|os_|promhttp_|etcd_grpc_proxy_|etcd_debugging_|etcd_server_(apply|range|request)_duration)/;

const ETCD_PATHS = {
  health: '/health',
  'health-without-nospace': '/health?exclude=NOSPACE',
  livez: '/livez',
  'livez-verbose': '/livez?verbose',
  readyz: '/readyz',
  'readyz-verbose': '/readyz?verbose',
  metrics: '/metrics',
} as const;

/** One member that is well, one whose database is full, one of three that lost the others. */
export async function playEtcd(program: string, take: Take): Promise<void> {
  const inFolder = async (
    count: number,
    quotaBytes: number | undefined,
    play: (etcd: Etcd) => Promise<void>,
  ) => {
    const dir = mkdtempSync(join(tmpdir(), 'bartizan-etcd-'));
    let etcd: Etcd | undefined;
    try {
      etcd = await startEtcd({ program, dir, members: count, quotaBytes });
      await play(etcd);
    } finally {
      await etcd?.stop();
      rmSync(dir, { recursive: true, force: true });
    }
  };

  await inFolder(1, undefined, async ({ members }) => {
    const [member] = members as [EtcdMember];
    await takeEtcd('ok', member, take);
    const path = '/version';
    take('etcd/ok/version', { path, ...(await ask(member.clientUrl + path)) });
    take('etcd/ok/version-on-metrics-port', { path, ...(await ask(member.metricsUrl + path)) });
  });
  await inFolder(1, TINY_QUOTA_BYTES, async ({ members, put }) => {
    const [member] = members as [EtcdMember];
    await until(
      'etcd refuses a value',
      () =>
        put('key', VALUE).then(
          () => false,
          () => true,
        ),
      { everyMs: 0 },
    );
    await until(
      'etcd raises its alarm',
      async () => (await ask(`${member.metricsUrl}/health`)).status !== 200,
    );
    await takeEtcd('no-space', member, take);
  });
  await inFolder(3, undefined, async ({ members }) => {
    const [left, ...others] = members as [EtcdMember, ...EtcdMember[]];
    await Promise.all(others.map((member) => member.stop()));
    const leaderless = /^etcd_server_has_leader 0$/m;
    await until('the leader is missed', async () =>
      leaderless.test((await ask(`${left.metricsUrl}/metrics`)).body),
    );
    await takeEtcd('no-leader', left, take);
  });
}

async function takeEtcd(state: string, { metricsUrl }: EtcdMember, take: Take): Promise<void> {
  for (const [name, path] of Object.entries(ETCD_PATHS)) {
    const answer = await ask(metricsUrl + path, { withinMs: ANSWERED_WITHIN_MS });
    const body = name === 'metrics' ? withoutBulk(answer.body) : answer.body;
    take(`etcd/${state}/${name}`, { path, ...answer, body });
  }
}

function withoutBulk(metrics: string): string {
  return metrics
    .split('\n')
    .filter((line) => !BULKY.test(line))
    .join('\n');
}
